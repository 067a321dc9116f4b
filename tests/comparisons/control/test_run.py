"""Lives side by side, against the same episodes lived one by one."""

import dataclasses

import gymnasium
import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.control import agents

EPISODES, SEEDS = 4, 3


def agent(**arguments):
    config = af.SARSAConfig(2, 0.9, 0.3, 0.0, 50)
    return af.SARSAAgent(config, (), af.LMS(0.05), sparsity=1.0, lamda=0.8, **arguments)


def comparison(**changes):
    arguments = {
        "name": "small",
        "environment": {"id": "CartPole-v1", "max_episode_steps": 15},
        "agents": {"a": af.Contender(agent(), {"optimizer.step_size": [0.02, 0.1]})},
        "episodes": EPISODES,
        "evaluate_last": 2,
        "features": af.TileCoder([-2.4, -3.0, -0.21, -3.0], [2.4, 3.0, 0.21, 3.0], 2, 2),
        "seeds": SEEDS,
    }
    return af.ControlComparison(**arguments | changes)


def lived_alone(of, learner, seed):
    """Returns of the episodes of one life, by `run_sarsa_episode`."""
    env = of.make_environment()
    starts = iter([env.reset(seed=seed)])
    draw = env.reset
    env.reset = lambda: next(starts, None) or draw()
    state = learner.init(of.features.feature_dim, jax.random.key(seed))
    returns = []
    for _ in range(of.episodes):
        result = af.run_sarsa_episode(learner, state, env, features=of.features)
        state = result.state
        returns.append(result.total_reward)
    return returns


def test_a_life_is_the_same_in_company_as_alone():
    small = comparison()
    result = af.run_control_comparison(small)
    contender = small.agents["a"]
    assert result.complete and result.episodes_done == EPISODES
    for place, learner in enumerate(contender.learners):
        for seed in range(SEEDS):
            np.testing.assert_array_equal(
                result.agents["a"].returns[place, seed], lived_alone(small, learner, seed)
            )
    # The settings differ, and so do the seeds.
    assert len(np.unique(result.agents["a"].returns.reshape(2 * SEEDS, -1), axis=0)) > SEEDS


def test_scores_are_means_over_the_last_episodes():
    result = af.run_control_comparison(comparison())
    returns = result.agents["a"].returns
    np.testing.assert_allclose(result.scores("a"), returns[..., -2:].mean(-1))
    means = returns[..., -2:].mean((1, 2))
    assert result.best("a") == np.argmax(means)
    assert [s.best for s in result.standings] == [place == result.best("a") for place in range(2)]
    np.testing.assert_allclose([s.score.mean for s in result.standings], means)
    shorter = dataclasses.replace(result, comparison=comparison(score="steps"))
    assert shorter.best("a") == np.argmin(result.agents["a"].steps[..., -2:].mean((1, 2)))


def test_a_run_that_is_stopped_keeps_the_episodes_that_every_seed_finished():
    long = comparison(episodes=200, agents={"a": agent(), "b": agent()})
    run = af.ControlRun(long)
    with pytest.raises(ValueError, match="no episode"):
        run.result()
    assert run.recent_return is None
    run.advance()
    result = run.result()
    assert list(result.agents) == ["a"] and not result.complete and result.episodes_done == 0
    done = result.agents["a"].episodes
    assert 0 < done < 200 and run.episodes_done >= SEEDS * done
    whole = af.run_control_comparison(comparison(episodes=done, agents={"a": agent()}))
    np.testing.assert_array_equal(result.agents["a"].returns, whole.agents["a"].returns)
    assert 0 < run.recent_return <= 15
    run.close()


def test_discrete_observations_are_one_among_zeros():
    """The lake's observations are states: a one among 16."""
    lake = comparison(
        environment={"id": "FrozenLake-v1", "max_episode_steps": 10},
        agents={"a": agents.linear(4, epsilon=1.0)},
        features=None,
    )
    result = af.run_control_comparison(lake)
    assert result.agents["a"].steps.max() <= 10
    assert set(np.unique(result.agents["a"].returns)) <= {0.0, 1.0}


def test_the_environment_is_gymnasium_s_with_its_arguments():
    env = comparison().make_environment()
    assert isinstance(env.unwrapped, type(gymnasium.make("CartPole-v1").unwrapped))
    assert env.spec.max_episode_steps == 15


def test_other_numbers_compile_nothing():
    af.run_control_comparison(comparison())
    others = {"a": af.Contender(agent(), {"optimizer.step_size": [0.3, 0.4]})}
    with count_compilations() as compiled:
        af.run_control_comparison(comparison(agents=others))
    assert not compiled


def test_the_configuration_builds_an_equal_comparison():
    small = comparison(title="t", score="steps")
    config = small.to_config()
    assert af.control_comparison_from_config(config).to_config() == config


@pytest.mark.slow
def test_the_mountain_car_with_one_step_size():
    """Sarsa(0), alpha 1.0: 237 steps per episode, mean of 20 runs; our 10 have an error of 1.1."""
    learner = af.SARSAAgent(
        af.SARSAConfig(3, 1.0, 0.0, 0.0), (), af.LMS(1.0 / 8), sparsity=1.0, use_bias=False
    )
    car = comparison(
        environment={"id": "MountainCar-v0", "max_episode_steps": 10_000},
        agents={"a": learner},
        features=af.TileCoder([-1.2, -0.07], [0.5, 0.07], 8, 8),
        episodes=50,
        evaluate_last=50,
        seeds=10,
        score="steps",
    )
    result = af.run_control_comparison(car)
    assert abs(result.scores("a").mean() - 237.0) < 4.0
