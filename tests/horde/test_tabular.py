"""With one feature for each state a horde is a table; without a trunk it is linear TD(lambda)."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.horde import runs
from tests.oracles import tabular

STATES, STEPS, STEP_SIZE = 6, 2_000, 0.05
DEMONS = [(0.0, 0.0), (0.9, 0.0), (0.9, 0.8), (0.8, 1.0), (0.5, 0.9)]


def episodes(seed):
    """A random walk through the states; its last state ends the episode."""
    rng = np.random.default_rng(seed)
    states = rng.integers(0, STATES - 1, size=STEPS)
    ended = rng.random(STEPS) < 0.1
    following = np.append(states[1:], 0)
    return states, np.where(ended, STATES - 1, following), ended, rng.normal(size=STEPS)


@pytest.fixture(scope="module")
def learned():
    states, following, ended, rewards = episodes(seed=0)
    horde = runs.linear(
        *(runs.demon(*numbers) for numbers in DEMONS), step_size=STEP_SIZE, use_bias=False
    )
    state, results = runs.run(
        horde,
        horde.init(STATES, jr.key(0)),
        observation=runs.one_hot(STATES, *states),
        cumulants=np.float32(np.tile(rewards[:, None], len(DEMONS))),
        next_observation=runs.one_hot(STATES, *following),
        terminated=np.float32(ended),
    )
    return state, results


@pytest.mark.parametrize("i", range(len(DEMONS)), ids=lambda i: str(DEMONS[i]))
def test_a_demon_is_tabular_td(learned, i):
    states, following, ended, rewards = episodes(seed=0)
    gamma, lamda = DEMONS[i]
    discounts = np.where(ended, 0.0, gamma)
    rows, errors = tabular.td(states, rewards, following, discounts, STEP_SIZE, lamda, STATES)
    state, results = learned
    table = np.asarray(results.state.head_params.weights[:, i, 0])
    np.testing.assert_allclose(table, rows, rtol=0, atol=1e-5)
    np.testing.assert_allclose(results.td_errors[:, i], errors, rtol=0, atol=1e-5)
    np.testing.assert_allclose(results.per_demon_metrics[:, i, 0], errors**2, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(state.head_params.biases, 0.0)
    np.testing.assert_allclose(results.per_demon_metrics[:, i, 2], STEP_SIZE, rtol=1e-6)


def linear_td(columns, lamda, step_size):
    """With a bias, in float64: the last weights and bias, and all TD errors."""
    weights, trace, incoming, errors = np.zeros(5), np.zeros(5), 0.0, []
    for x, r, after, gamma in zip(*columns, strict=True):
        x, after = np.append(x, 1.0), np.append(after, 1.0)
        errors.append(r + gamma * weights @ after - weights @ x)
        trace = incoming * lamda * trace + x
        weights = weights + step_size * errors[-1] * trace
        incoming = gamma
    return weights[:-1], weights[-1], np.array(errors)


def transitions(seed=1):
    rng = np.random.default_rng(seed)
    x = np.float32(0.5 * rng.normal(size=(STEPS + 1, 4)))
    rewards = np.float32(x[:-1] @ [1.0, -0.5, 0.3, 0.0] + 0.1 * rng.normal(size=STEPS))
    gammas = np.float32(np.where(rng.random(STEPS) < 0.1, 0.0, 0.9))
    return x[:-1], rewards, x[1:], gammas


def test_without_a_trunk_it_is_linear_td():
    x, rewards, after, gammas = columns = transitions()
    horde = runs.linear(runs.demon(0.9, 0.8), step_size=0.02)
    state, results = runs.run(
        horde,
        horde.init(4, jr.key(0)),
        observation=x,
        cumulants=rewards[:, None],
        next_observation=after,
        terminated=np.float32(gammas == 0),
    )
    weights, bias, errors = linear_td(columns, 0.8, 0.02)
    np.testing.assert_allclose(results.td_errors[:, 0], errors, rtol=0, atol=1e-5)
    np.testing.assert_allclose(state.head_params.weights[0, 0], weights, rtol=0, atol=1e-5)
    np.testing.assert_allclose(state.head_params.biases[0, 0], bias, rtol=0, atol=1e-5)

    fixed = af.TDLinearLearner(af.TDIDBD(0.02, meta_step_size=0.0, trace_decay=0.8))
    other, other_results = runs.run(
        fixed, fixed.init(4), observation=x, reward=rewards, next_observation=after, gamma=gammas
    )
    np.testing.assert_allclose(
        results.td_errors[:, 0], other_results.td_error[:, 0], rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(state.head_params.weights[0, 0], other.weights, rtol=0, atol=1e-5)
