"""Lives side by side are single lives; other numbers are the same program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.lives import worlds

STEPS = 150


def agent(epsilon=0.3, hidden=(), **options):
    config = af.SARSAConfig(options.pop("actions", 3), 0.9, epsilon, 0.05, 100)
    options = {"lamda": 0.8, "sparsity": 0.0, "optimizer": af.LMS(0.02)} | options
    return af.SARSAAgent(config, hidden, **options)


CASES = {
    "table": (agent(), worlds.telling()),
    "normalized": (agent(normalizer=af.EMANormalizer(clip=5.0)), worlds.telling(seed=1)),
    "cart pole": (agent(actions=2), af.CartPole(max_steps=20)),
    "network": (agent(hidden=(8,), bounder=af.ObGDBounding()), worlds.telling(seed=2)),
}


@pytest.mark.parametrize(
    "case, lanes", [*((case, 3) for case in CASES.values()), (CASES["table"], 1)]
)
def test_each_lane_is_the_single_life(case, lanes):
    keys = jax.random.split(jax.random.key(2), lanes)
    found = af.interact_batched(*case, STEPS, keys, episodes=7)
    close = {"rtol": 1e-3, "atol": 1e-3}
    for lane in range(lanes):
        single = af.interact(*case, STEPS, keys[lane], episodes=7)
        np.testing.assert_array_equal(found.metrics["reward"][lane], single.metrics["reward"])
        for name, values in single.metrics.items():
            np.testing.assert_allclose(found.metrics[name][lane], values, **close, err_msg=name)
        assert int(found.episodes.count[lane]) == int(single.episodes.count) >= 7
        for name in ("lengths", "terminated", "ended_at"):
            ours, expected = getattr(found.episodes, name)[lane], getattr(single.episodes, name)
            np.testing.assert_array_equal(ours, expected)
        np.testing.assert_allclose(found.episodes.returns[lane], single.episodes.returns, **close)
        np.testing.assert_allclose(found.reward_rate[lane], single.reward_rate, rtol=1e-5)
        assert int(np.asarray(found.rejected)[lane]) == int(single.rejected)
        assert int(found.state.action[lane]) == int(single.state.action)


def test_lanes_of_unequal_numbers_of_episodes():
    """The rows of those with fewer begin with NaN and lengths of 0."""
    learner, where = agent(1.0, actions=2), af.CartPole()
    keys = jax.random.split(jax.random.key(4), 6)
    found = af.interact_batched(learner, where, 400, keys, episodes=1000).episodes
    counts = np.asarray(found.count)
    assert counts.min() < counts.max() == found.returns.shape[1]
    for lane, key in enumerate(keys):
        single = af.interact(learner, where, 400, key).episodes
        blank = counts.max() - counts[lane]
        assert np.isnan(found.returns[lane, :blank]).all()
        np.testing.assert_array_equal(found.lengths[lane, :blank], 0)
        np.testing.assert_array_equal(found.returns[lane, blank:], single.returns)
        np.testing.assert_array_equal(found.ended_at[lane, blank:], single.ended_at)


def test_numbers_never_compile_again():
    def run(key, learner, where, state=None):
        return af.interact(learner, where, STEPS, key, state=state)

    key = jax.random.key(0)
    first = run(key, agent(0.3, actions=2), af.CartPole())
    jax.block_until_ready(run(None, agent(0.3, actions=2), af.CartPole(), first.state))
    array = jnp.float32(0.7)  # what makes an array of a number is a program of its own
    others = {
        "key": lambda: run(jax.random.key(1), agent(0.3, actions=2), af.CartPole()),
        "epsilon": lambda: run(key, agent(0.7, actions=2), af.CartPole()),
        "epsilon array": lambda: run(key, agent(array, actions=2), af.CartPole()),
        "pole": lambda: run(key, agent(0.3, actions=2), af.CartPole(half_length=1.0)),
        "pole array": lambda: run(
            key, agent(0.3, actions=2), af.CartPole(half_length=np.float32(2))
        ),
        "integer": lambda: run(key, agent(1, actions=2), af.CartPole(gravity=10)),
        "limit": lambda: run(key, agent(0.3, actions=2), af.CartPole(max_steps=9)),
        "lambda": lambda: run(key, agent(0.3, actions=2, lamda=0.1), af.CartPole()),
        "step size": lambda: run(key, agent(0.3, actions=2, optimizer=af.LMS(0.1)), af.CartPole()),
        "state": lambda: run(None, agent(0.2, actions=2), af.CartPole(force=5.0), first.state),
    }
    for name, other in others.items():
        with count_compilations() as compiled:
            found = other()
            jax.block_until_ready(found.metrics)
        assert len(compiled) == 0, name
        if name not in ("epsilon array", "pole array", "integer"):
            same = np.array_equal(found.metrics["td_error"], first.metrics["td_error"])
            assert not same, name


def test_numbers_of_many_lives_never_compile_again():
    keys = jax.random.split(jax.random.key(0), 3)
    first = af.interact_batched(agent(actions=2), af.CartPole(), STEPS, keys)
    jax.block_until_ready(first.metrics)
    others = jax.random.split(jax.random.key(1), 3)
    jax.block_until_ready(others)
    with count_compilations() as compiled:
        again = af.interact_batched(
            agent(0.6, actions=2), af.CartPole(half_length=0.8), STEPS, others
        )
        jax.block_until_ready(again.metrics)
    assert len(compiled) == 0


def test_evaluating_never_compiles_again_and_learns_nothing():
    learner, where = agent(actions=2), af.CartPole()
    state = af.interact(learner, where, STEPS, jax.random.key(0)).state
    first = af.evaluate(learner, state, where, 4, jax.random.key(1))
    with count_compilations() as compiled:
        again = af.evaluate(
            agent(0.9, actions=2), state, af.CartPole(half_length=0.9), 4, jax.random.key(2)
        )
        jax.block_until_ready(again.returns)
    assert len(compiled) == 0
    same = af.evaluate(learner, state, where, 4, jax.random.key(1))
    np.testing.assert_array_equal(same.returns, first.returns)
    of_agent = af.evaluate(learner, state.agent_state, where, 4, jax.random.key(1))
    np.testing.assert_array_equal(of_agent.returns, first.returns)


def test_an_evaluated_greedy_agent_takes_the_best_known_way():
    """Values given by hand: the second action pays and ends, the first goes on for nothing."""
    where = worlds.tabular(
        np.eye(2), [[0, 1, 0]] * 2, [[0.0, 2.0, 0.0]] * 2, terminated=[[False, True, False]] * 2
    )
    learner = agent(1.0, actions=3, sparsity=1.0)
    begun = af.interact(learner, where, 0, jax.random.key(0)).state.agent_state
    weights = begun.learner_state.head_params.weights.at[1].set(1.0)
    heads = af.MLPParams(weights, begun.learner_state.head_params.biases)
    state = begun.replace(learner_state=begun.learner_state.replace(head_params=heads))
    found = af.evaluate(learner, state, where, 5, jax.random.key(0))
    np.testing.assert_array_equal(found.returns, [2.0] * 5)
    np.testing.assert_array_equal(found.lengths, [1] * 5)
    assert not np.asarray(found.truncated).any()
    explored = af.evaluate(learner, state, where, 200, jax.random.key(0), explore=True)
    # Uniform actions: the mean length of an episode is 3.
    assert 2.4 < float(np.mean(np.asarray(explored.lengths))) < 3.6
    worst = state.replace(
        learner_state=state.learner_state.replace(head_params=af.MLPParams(-weights, heads.biases))
    )
    cut = af.evaluate(learner, worst, where, 3, jax.random.key(0), max_steps=17)
    assert np.asarray(cut.truncated).all()
    np.testing.assert_array_equal(cut.lengths, [17] * 3)
