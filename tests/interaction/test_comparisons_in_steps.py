"""Comparisons counted in steps, against lives that are lived alone."""

import csv
import dataclasses
import json

import gymnasium
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.command_line.app import main

STEPS, SEEDS, LAMDAS = 700, 2, [0.0, 0.8]
CART = af.CartPole(max_steps=60)
AGENT = af.SARSAAgent(af.SARSAConfig(2, 0.9, 0.2), (), af.LMS(0.01), lamda=0.8)


def comparison(**changes):
    given = {
        "name": "poles",
        "environment": CART,
        "agents": {"sarsa": af.Contender(AGENT, {"lamda": LAMDAS})},
        "steps": STEPS,
        "seeds": SEEDS,
    }
    return af.ControlComparison(**given | changes)


@pytest.fixture(scope="module")
def result():
    return af.run_control_comparison(comparison())


@pytest.fixture(scope="module")
def alone():
    """The lives by `interact`, point by point."""
    return [
        [
            af.interact(
                af.SARSAAgent(af.SARSAConfig(2, 0.9, 0.2), (), af.LMS(0.01), lamda=lamda),
                CART,
                STEPS,
                jr.key(seed),
            )
            for seed in range(SEEDS)
        ]
        for lamda in LAMDAS
    ]


def each(alone):
    for place, seeds in enumerate(alone):
        for seed, life in enumerate(seeds):
            yield place, seed, life


def test_every_life_has_its_steps_and_all_the_episodes_that_ended_in_them(result, alone):
    assert result.complete and result.steps_done == result.done == STEPS
    found = result.agents["sarsa"]
    assert (found.lived == STEPS).all() and not found.rejected.any()
    for place, seed, life in each(alone):
        there = found.steps[place, seed] > 0
        np.testing.assert_array_equal(found.returns[place, seed, there], life.episodes.returns)
        np.testing.assert_array_equal(found.steps[place, seed, there], life.episodes.lengths)
        # What is left of the row is blank.
        assert np.isnan(found.returns[place, seed, ~there]).all()
    assert len({life.episodes.returns.size for *_, life in each(alone)}) > 1


def test_the_score_is_of_the_episodes_that_end_in_the_last_share(result, alone):
    for place, seed, life in each(alone):
        last = life.episodes.ended_at >= STEPS - STEPS // 5
        assert 0 < last.sum() < last.size
        expected = life.episodes.returns[last].mean()
        np.testing.assert_allclose(result.scores("sarsa")[place, seed], expected)
    (best,) = [s.point["lamda"] for s in result.standings if s.best]
    assert best == LAMDAS[np.argmax(result.scores("sarsa").mean(-1))]


def test_the_average_reward_counts_the_episode_that_is_cut_too(result, alone):
    for place, seed, life in each(alone):
        expected = np.asarray(life.metrics["reward"], np.float64).mean()
        found = result.agents["sarsa"].average_reward[place, seed]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_curve_is_of_the_episodes_that_ended_in_each_window(result, alone):
    curves = result.curves("sarsa")
    np.testing.assert_array_equal(curves.at, np.arange(7, STEPS + 1, 7))
    assert curves.counts.sum() == (result.agents["sarsa"].steps > 0).sum()
    for place, seed, life in each(alone):
        window = life.episodes.ended_at // 7
        for column in range(100):
            own = life.episodes.returns[window == column]
            assert curves.counts[place, seed, column] == own.size
            mean = own.mean() if own.size else np.nan
            np.testing.assert_allclose(curves.returns[place, seed, column], mean)


def test_a_share_without_an_episode_has_no_score():
    # An episode of 50 steps ends with step 50 and none after it.
    still = comparison(environment=af.Pendulum(max_steps=50), steps=99, **PENDULUM)
    result = af.run_control_comparison(still)
    assert np.isnan(result.scores("actor")).all()
    (standing,) = result.standings
    assert standing.unmeasured == SEEDS and np.isfinite(standing.average_reward)
    ended = af.run_control_comparison(
        comparison(
            environment=af.Pendulum(max_steps=50), steps=99, evaluate_last_share=0.51, **PENDULUM
        )
    )
    np.testing.assert_array_equal(ended.scores("actor"), ended.agents["actor"].returns[..., 0])


PENDULUM = {
    "agents": {
        "actor": af.StreamAC(
            af.GaussianPolicy(-2.0, 2.0),
            af.StreamMLP((4,), 2, sparsity=0.5),
            af.StreamMLP((4,), 1, sparsity=0.5),
        )
    }
}


def test_a_point_without_a_score_is_not_the_best(result):
    agent = result.agents["sarsa"]
    returns, steps = agent.returns.copy(), agent.steps.copy()
    best = result.best("sarsa")
    returns[best, 0], steps[best, 0] = np.nan, 0
    blank = dataclasses.replace(agent, returns=returns, steps=steps)
    assert dataclasses.replace(result, agents={"sarsa": blank}).best("sarsa") == 1 - best


def test_stopped_and_gone_on_with_it_is_the_same_as_at_once():
    long = comparison(steps=2300)
    run = af.ControlRun(long)
    with pytest.raises(ValueError, match="no step"):
        run.result()
    run.advance()
    early = run.result()
    assert early.steps_done == 1000 and not early.complete and run.done == 2 * SEEDS * 1000
    assert early.curves("sarsa").at[-1] == 1000 and early.evaluated == 200
    assert run.recent_return is not None and run.recent_return > 5.0
    while not run.finished:
        run.advance()
    assert run.done == run.asked == 2 * SEEDS * 2300
    late, whole = run.result(), af.run_control_comparison(long)
    assert late.curves("sarsa").at[-1] == 2300
    np.testing.assert_array_equal(late.agents["sarsa"].returns, whole.agents["sarsa"].returns)
    first = early.agents["sarsa"].steps.shape[-1]
    there = early.agents["sarsa"].steps > 0
    np.testing.assert_array_equal(
        early.agents["sarsa"].returns[there], late.agents["sarsa"].returns[..., :first][there]
    )


def test_it_is_a_configuration():
    config = json.loads(json.dumps(comparison(evaluate_last_share=0.5).to_config()))
    assert (config["steps"], config["evaluate_last_share"]) == (STEPS, 0.5)
    assert "episodes" not in config and "evaluate_last" not in config
    assert af.control_comparison_from_config(config).to_config() == config
    assert comparison().resized(90).steps == 90


MISTAKES = {
    "both": ({"episodes": 3}, "either `episodes` or `steps`, got 3 and 700"),
    "neither": ({"steps": None}, "either `episodes` or `steps`, got None and None"),
    "other share": ({"evaluate_last": 3}, "`evaluate_last` does not go with `steps`"),
    "share": ({"evaluate_last_share": 1.5}, r"`evaluate_last_share` must lie in \(0, 1\], got 1.5"),
    "no share": ({"evaluate_last_share": 0}, r"`evaluate_last_share` must lie in \(0, 1\]"),
    "steps": ({"steps": 0}, "`steps` must be an integer >= 1"),
    "actions": ({"environment": af.Pendulum()}, "agents.sarsa: the agent acts in"),
    "numbers": (PENDULUM, "agents.actor: must act by number"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_wrong_is_named(name):
    changes, message = MISTAKES[name]
    with pytest.raises(ValueError, match=message):
        comparison(**changes)


def test_episodes_have_no_share():
    with pytest.raises(ValueError, match="`evaluate_last_share` does not go with `episodes`"):
        comparison(steps=None, episodes=3, evaluate_last_share=0.2)
    with pytest.raises(TypeError, match="`evaluate_last_share` must be a real number"):
        comparison(evaluate_last_share="a")


EXPERIMENT = """
steps = 300
seeds = 2
[environment]
type = "CartPole"
max_steps = 20
[agents.Linear]
type = "SARSAAgent"
sarsa_config = { n_actions = 2 }
hidden_sizes = []
optimizer = { type = "LMS", step_size = 0.01 }
"""


def test_the_command_writes_scores_and_curves_over_steps(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    assert main(["run", "mine.toml"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and "Reward per step" in out
    told = "the episodes that ended in the last 60 of 300 steps, mean over 2 seeds"
    assert f"Return per episode over {told}" in " ".join(out.split())
    folder = tmp_path / "results" / "mine"
    with (folder / "curves.csv").open(newline="") as file:
        curves = list(csv.DictReader(file))
    with (folder / "results.csv").open(newline="") as file:
        results = list(csv.DictReader(file))
    assert len(curves) == 2 * 100 and [row["step"] for row in curves[:2]] == ["3", "6"]
    for row in results:
        assert float(row["average_reward"]) == 1.0
        own = [c for c in curves if c["seed"] == row["seed"] and c["episodes"] != "0"]
        last = [c for c in own if int(c["step"]) > 240]
        gained = sum(float(c["return"]) * int(c["episodes"]) for c in last)
        np.testing.assert_allclose(
            float(row["score"]), gained / sum(int(c["episodes"]) for c in last)
        )
    run = json.loads((folder / "config.json").read_text())["run"]
    assert run["steps_done"] == 300


def test_the_command_counts_in_the_experiment_s_own_unit(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    assert main(["run", "mine.toml", "--episodes", "2"]) == 2
    assert "counted in steps; use --steps" in capsys.readouterr().err
    assert main(["run", "mine.toml", "--steps", "40", "-q", "--output", "out"]) == 0
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["steps"] == 40
    # Of a life too short for its first episode there is nothing to score.
    assert main(["run", "mine.toml", "--steps", "2", "--output", "none"]) == 0
    assert "no episode" in capsys.readouterr().out


class Sure(af.AbstractAgent):
    """Always the same two numbers; its state counts what it has seen."""

    @property
    def action_space(self):
        return af.BoxActions(1, -2.0, 2.0)

    def init(self, feature_dim, key=None):
        return {"seen": jnp.zeros((), jnp.int32)}

    def start(self, state, observation):
        return jnp.full(1, 0.5), state

    def act_and_learn(self, state, reward, observation, terminated, truncated):
        state = {"seen": state["seen"] + 1}
        return af.AgentStep(state, jnp.full(1, 0.5), {"reward": reward}, ~jnp.isfinite(reward))

    def act(self, state, observation, key, *, explore=True):
        return jnp.full(1, 0.5)


def test_lives_on_the_host_are_counted_in_steps_and_may_act_in_numbers():
    """Against the same pushes of the same pendulum by hand."""
    asked = comparison(
        environment={"id": "Pendulum-v1", "max_episode_steps": 30},
        agents={"sure": Sure()},
        steps=100,
    )
    run = af.ControlRun(asked)
    while not run.finished:
        run.advance()
    found = run.result().agents["sure"]
    run.close()
    assert found.lived.tolist() == [[100, 100]]
    assert (found.steps[0] == 30).all() and found.returns.shape == (1, SEEDS, 3)
    for seed in range(SEEDS):
        env = gymnasium.make("Pendulum-v1", max_episode_steps=30)
        env.reset(seed=seed)
        rewards = []
        for _ in range(100):
            _, reward, terminated, truncated, _ = env.step(np.full(1, 0.5, np.float32))
            rewards.append(reward)
            if terminated or truncated:
                env.reset()
        sums = [sum(rewards[i : i + 30]) for i in (0, 30, 60)]
        np.testing.assert_allclose(found.returns[0, seed], sums)
        np.testing.assert_allclose(found.average_reward[0, seed], np.mean(rewards))


def test_numbers_that_a_box_on_the_host_does_not_take_are_named():
    with pytest.raises(ValueError, match="does not suit Box"):
        comparison(
            environment={"id": "MountainCarContinuous-v0"}, agents={"sure": Sure()}, steps=100
        )
