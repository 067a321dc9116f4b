"""The last episodes of a life, and its reward rate."""

import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.lives import worlds


def agent(**options):
    return af.SARSAAgent(af.SARSAConfig(1), (), af.LMS(0.01), sparsity=1.0, **options)


@pytest.mark.parametrize(
    "capacity, steps", [(1, 18), (5, 18), (6, 18), (7, 18), (6, 19), (6, 2), (6, 0)]
)
def test_rings_of_any_capacity(capacity, steps):
    """Fewer episodes than it holds, as many, and more: six of three steps in 18 steps."""
    where = worlds.corridor(np.ones((4, 1)), [1.0, 2.0, 4.0], "  T")
    found = af.interact(agent(), where, steps, jax.random.key(0), episodes=capacity).episodes
    ended = steps // 3
    kept = min(ended, capacity)
    assert int(found.count) == ended
    np.testing.assert_array_equal(found.returns, [7.0] * kept)
    np.testing.assert_array_equal(found.lengths, [3] * kept)
    np.testing.assert_array_equal(found.ended_at, np.arange(2, steps, 3)[ended - kept :])
    assert found.terminated.all() and found.terminated.shape == (kept,)


@pytest.mark.parametrize("capacity", [8, 64])
def test_the_oldest_come_first(capacity):
    where = worlds.telling(seed=5)
    learner = af.SARSAAgent(af.SARSAConfig(3, 0.9, 1.0, 1.0), (), af.LMS(0.01))
    key = jax.random.key(0)
    every = af.interact(learner, where, 400, key).episodes
    last = af.interact(learner, where, 400, key, episodes=capacity, chunk_size=37).episodes
    assert int(every.count) == len(every.returns) > 64
    assert len(set(np.asarray(every.returns).tolist())) > 10
    for name in ("returns", "lengths", "terminated", "ended_at"):
        expected = getattr(every, name)[-capacity:]
        np.testing.assert_array_equal(getattr(last, name), expected)
    assert int(last.count) == int(every.count)


@pytest.mark.parametrize("bad", [0, -1, 2.5, True, "3"])
def test_a_capacity_that_is_none(bad):
    where = worlds.corridor(np.ones((2, 1)), [1.0], "T")
    with pytest.raises((TypeError, ValueError), match=r"capacity|episodes"):
        af.interact(agent(), where, 3, jax.random.key(0), episodes=bad)


def reward_rate(rewards, beta=1e-3):
    """Without a bias of the start: the weights of all rewards so far sum to 1."""
    o = rate = 0.0
    for reward in np.float64(rewards):
        o += beta * (1.0 - o)
        rate += beta / o * (reward - rate)
    return rate


@pytest.mark.parametrize("steps", [1, 50, 3000])
@pytest.mark.parametrize("kind", ["constant", "jump", "noise", "large"])
def test_the_reward_rate_is_that_of_its_definition(kind, steps):
    rng = np.random.default_rng(1)
    rewards = {
        "constant": np.full(3000, 0.7),
        "jump": np.where(np.arange(3000) < 1000, 1.0, -2.0),
        "noise": rng.normal(size=3000),
        "large": 1e6 + rng.normal(size=3000),
    }[kind]
    where = worlds.corridor(np.ones((3001, 1)), np.float32(rewards), " " * 3000)
    found = af.interact(agent(), where, steps, jax.random.key(0)).reward_rate
    # float32 of rewards that are summed with weights of a thousandth.
    slack = 2e-5 * np.abs(rewards).max()
    assert abs(float(found) - reward_rate(np.float32(rewards)[:steps])) <= slack
    if kind == "constant":
        np.testing.assert_allclose(found, 0.7, rtol=1e-5)


def test_the_reward_rate_does_not_start_anew_with_a_call():
    rewards = np.random.default_rng(2).normal(size=600)
    where = worlds.corridor(np.ones((601, 1)), rewards, " " * 600)
    state = af.interact(agent(), where, 250, jax.random.key(0)).state
    found = af.interact(agent(), where, 350, state=state).reward_rate
    np.testing.assert_allclose(found, reward_rate(np.float32(rewards)), atol=1e-5)
    own = float(af.interact(agent(), where, 600, jax.random.key(0)).reward_rate)
    np.testing.assert_allclose(own, reward_rate(np.float32(rewards)), atol=1e-5)


def test_rewards_that_are_none_do_not_weigh():
    rewards = np.random.default_rng(3).normal(size=300)
    rewards[[3, 100, 101]] = np.nan, np.inf, -np.inf
    where = worlds.corridor(np.ones((301, 1)), rewards, " " * 300)
    found = af.interact(agent(), where, 300, jax.random.key(0))
    good = np.float32(rewards)[np.isfinite(rewards)]
    np.testing.assert_allclose(found.reward_rate, reward_rate(good), atol=1e-5)


def test_windows_of_metrics_tell_the_episodes_that_ended_in_them():
    where = worlds.corridor(np.ones((4, 1)), [1.0, 2.0, 4.0], "  T")
    found = af.interact(agent(), where, 20, jax.random.key(0), record_window=5).metrics
    np.testing.assert_array_equal(found["episode_return"], [7.0] * 4)
    np.testing.assert_array_equal(found["episode_length"], [3.0] * 4)
    rewards = np.resize([1.0, 2.0, 4.0], 20).reshape(4, 5)
    np.testing.assert_allclose(found["reward"], rewards.mean(axis=1), rtol=1e-6)
    second = af.interact(agent(), where, 20, jax.random.key(0), record_every=3).metrics
    np.testing.assert_array_equal(second["reward"], [1.0] * 7)
    none = af.interact(agent(), where, 8, jax.random.key(0), record_window=2).metrics
    np.testing.assert_array_equal(none["episode_return"], [np.nan, 7.0, 7.0, np.nan])
