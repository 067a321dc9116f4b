"""The random walk of temporal-difference learning."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases


def solved(n, gamma, left, right):
    """The Bellman equations as a linear system in float64."""
    moves = 0.5 * (np.eye(n, k=1) + np.eye(n, k=-1))
    rewards = np.zeros(n)
    rewards[0] += 0.5 * left
    rewards[-1] += 0.5 * right
    return np.linalg.solve(np.eye(n) - gamma * moves, rewards)


@pytest.mark.parametrize("gamma", [0.0, 0.1, 0.5, 0.9, 0.999, 1.0])
@pytest.mark.parametrize("n", [1, 3, 5, 19, 101])
@pytest.mark.parametrize("left, right", [(0.0, 1.0), (-1.0, 1.0), (3.0, -0.5), (0.0, 0.0)])
def test_true_values_solve_the_bellman_equations(n, gamma, left, right):
    stream = af.RandomWalkChainStream(n, gamma, left_reward=left, right_reward=right)
    values = stream.true_values()
    assert values.dtype == jnp.float32
    truth = solved(n, float(np.float32(gamma)), left, right)
    # Ulps of the largest reward: terms of opposite sign cancel in the middle of the chain.
    np.testing.assert_allclose(values, truth, rtol=2e-6, atol=1e-6)


def test_true_values_of_the_textbook():
    np.testing.assert_allclose(
        af.RandomWalkChainStream().true_values(), np.arange(1, 6) / 6, rtol=1e-6
    )
    nineteen = af.RandomWalkChainStream(19, left_reward=-1.0, right_reward=1.0)
    np.testing.assert_allclose(nineteen.true_values(), np.arange(-9, 10) / 10, atol=1e-6)


def test_true_values_may_be_swept():
    gammas = jnp.array([0.0, 0.7, 1.0])
    values = jax.jit(jax.vmap(lambda g: af.RandomWalkChainStream(7, g).true_values()))(gammas)
    for gamma, row in zip(gammas, values, strict=True):
        np.testing.assert_allclose(row, solved(7, float(gamma), 0.0, 1.0), rtol=5e-6, atol=1e-7)


def recorded(stream, num_steps, key=0):
    stream = cases.with_arrays(stream)
    experience, _ = cases.rolled(stream, cases.begun(stream, jr.key(key)), num_steps)
    return jax.tree.map(np.asarray, experience)


def test_the_walk_moves_one_state_left_or_right_as_often():
    n, steps = 5, 20000
    seen = recorded(af.RandomWalkChainStream(n, 0.9), steps)
    here, there = np.argmax(seen.observation, 1), np.argmax(seen.next_observation, 1)
    assert here[0] == 2
    np.testing.assert_array_equal(here[1:], there[:-1])
    ends = seen.gamma == 0
    assert np.all(seen.gamma[~ends] == np.float32(0.9))
    np.testing.assert_array_equal(np.abs(there - here)[~ends], np.ones(np.sum(~ends)))
    np.testing.assert_array_equal(there[ends], np.full(np.sum(ends), 2))
    assert set(here[ends]) == {0, n - 1}
    np.testing.assert_array_equal(seen.reward, np.float32(ends & (here == n - 1)))
    for state in range(n):
        visits = here == state
        if state == n - 1:
            right = np.mean(seen.reward[visits])
        else:
            right = np.mean(~ends[visits] & (there[visits] == state + 1))
        # A fair coin, five standard errors.
        assert abs(right - 0.5) < 2.5 / np.sqrt(np.sum(visits)), state


def test_visits_are_those_of_the_stationary_distribution():
    """For a walk restarted in the middle: proportional to min(i, n + 1 - i)."""
    seen = recorded(af.RandomWalkChainStream(5), 30000, key=1)
    share = np.mean(seen.observation, axis=0)
    np.testing.assert_allclose(share, np.array([1, 2, 3, 2, 1]) / 9, atol=0.015)


def test_rewards_come_on_exits_only():
    stream = af.RandomWalkChainStream(3, 0.8, left_reward=-2.0, right_reward=5.0)
    seen = recorded(stream, 500)
    here = np.argmax(seen.observation, 1)
    ends = seen.gamma == 0
    assert np.sum(ends) > 50
    np.testing.assert_array_equal(seen.reward[~ends], np.zeros(np.sum(~ends)))
    np.testing.assert_array_equal(seen.reward[ends], np.where(here[ends] == 0, -2.0, 5.0))


def test_discounted_returns_average_to_the_true_values():
    stream = af.RandomWalkChainStream(5, 0.9, left_reward=-1.0, right_reward=2.0)
    seen = recorded(stream, 40000, key=2)
    returns, total = np.zeros(40000), 0.0
    for t in reversed(range(40000)):
        total = returns[t] = seen.reward[t] + seen.gamma[t] * total
    here = np.argmax(seen.observation, 1)
    values = np.asarray(stream.true_values())
    for state in range(5):
        mine = returns[here == state]
        # Returns of one episode are correlated: ten standard errors of independent ones.
        assert abs(np.mean(mine) - values[state]) < 10 * np.std(mine) / np.sqrt(len(mine))


def test_a_chain_of_one_state_ends_at_every_step():
    seen = recorded(af.RandomWalkChainStream(1, left_reward=-1.0), 200)
    np.testing.assert_array_equal(seen.gamma, np.zeros(200))
    assert set(np.unique(seen.reward)) == {-1.0, 1.0}
    np.testing.assert_array_equal(seen.observation, np.ones((200, 1)))


def dependent(n):
    """The definition, state by state and feature by feature, counted from 1."""
    k = (n + 1) // 2
    rows = np.zeros((n, k))
    for i in range(1, n + 1):
        for j in range(max(1, i - k + 1), min(i, k) + 1):
            rows[i - 1, j - 1] = 1.0
        rows[i - 1] /= np.linalg.norm(rows[i - 1])
    return rows


@pytest.mark.parametrize("n", [1, 3, 5, 11])
def test_dependent_features_are_runs_of_ones_of_unit_length(n):
    stream = af.RandomWalkChainStream(n, features="dependent")
    assert stream.feature_dim == (n + 1) // 2
    features = jax.vmap(stream.observation)(jnp.arange(n))
    np.testing.assert_allclose(features, dependent(n), rtol=1e-6)


def test_both_kinds_of_features_tell_of_the_same_walk():
    tabular = recorded(af.RandomWalkChainStream(7, 0.9), 300, key=4)
    seen = recorded(af.RandomWalkChainStream(7, 0.9, "dependent"), 300, key=4)
    here, there = np.argmax(tabular.observation, 1), np.argmax(tabular.next_observation, 1)
    np.testing.assert_allclose(seen.observation, dependent(7)[here], rtol=1e-6)
    np.testing.assert_allclose(seen.next_observation, dependent(7)[there], rtol=1e-6)
    np.testing.assert_array_equal(seen.reward, tabular.reward)
    np.testing.assert_array_equal(seen.gamma, tabular.gamma)


def test_the_key_is_kept_at_the_start_and_split_in_two():
    key = jr.key(3)
    stream = af.RandomWalkChainStream()
    begin = stream.init(key)
    _, after = stream.step(begin)
    following, coin = jr.split(key)
    assert begin.key == key and after.key == following
    assert after.position == (3 if jr.bernoulli(coin) else 1)
