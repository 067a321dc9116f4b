"""Baird's counterexample: TD diverges off policy, gradient TD does not.

The behaviour goes to each of seven states alike; the target policy always to the seventh, so that
this action has the ratio 7 and the other one 0. VE is the root of the mean squared value of the
seven states, whose true value is 0; at the start 5.3.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

GAMMA, SEEDS = 0.99, 20
START = np.float32([1, 1, 1, 1, 1, 1, 10, 1])
FEATURES = np.zeros((7, 8), np.float32)
FEATURES[:6, :6], FEATURES[:6, 7], FEATURES[6, 6:] = 2 * np.eye(6), 1, (1, 2)


def places(steps, seeds=SEEDS):
    return np.random.default_rng(1).integers(0, 7, (seeds, steps + 1)).astype(np.int32)


@eqx.filter_jit
def lived(learner, visited, last=1000):
    """VE at the end, its mean over the last steps, and the largest weight ever."""
    features = jnp.asarray(FEATURES)

    def step(state, pair):
        here, there = pair
        rho = jnp.where(there == 6, 7.0, 0.0)
        result = learner.update(state, features[here], 0.0, features[there], GAMMA, rho)
        weights = result.state.weights
        ve = jnp.sqrt(jnp.mean((features @ weights) ** 2))
        return result.state, (ve, jnp.max(jnp.abs(weights)))

    def one(path):
        state = learner.init(8).replace(weights=jnp.asarray(START))
        state, (ve, largest) = jax.lax.scan(step, state, (path[:-1], path[1:]))
        return ve[-1], jnp.mean(ve[-last:]), jnp.max(largest)

    return jax.vmap(one)(visited)


def test_td_diverges():
    final, _, _ = lived(af.OffPolicyTD(0.01, 0.0), places(1000))
    assert np.median(final) > 100


def test_the_features_are_those_of_the_environment():
    seen = {tuple(row) for row in FEATURES}
    environment = af.Baird()
    for seed in range(20):
        _, observation = environment.reset(jax.random.key(seed))
        assert tuple(np.asarray(observation)) in seen


ONE_STEP = {"weight_expectation": True}


@pytest.mark.parametrize("variant", ["tdc", "gtd2"])
def test_gradient_td_in_the_one_step_form_settles(variant):
    learner = af.GradientTD(0.005, 0.05, variant=variant, **ONE_STEP)
    final, mean, largest = lived(learner, places(7000))
    # VE stays near 2: what descends is the projected Bellman error.
    np.testing.assert_allclose(np.mean(final), 1.934, atol=0.003)
    np.testing.assert_allclose(np.median(final), 1.934, atol=0.003)
    np.testing.assert_allclose(mean, 1.934, atol=0.005)
    assert np.max(largest) < 10.1


@pytest.mark.parametrize("variant, expected", [("tdc", 2.036), ("gtd2", 2.083)])
def test_gradient_td_in_the_trace_form_stays_bounded(variant, expected):
    """The mean of 200 lives in float64; one life has a standard deviation of 1.5 around it."""
    learner = af.GradientTD(0.005, 0.05, variant=variant)
    final, _, largest = lived(learner, places(20_000, 200))
    # Four standard errors of the difference of two such means.
    np.testing.assert_allclose(np.mean(final), expected, atol=4 * 1.5 * np.sqrt(2 / 200))
    assert np.max(largest) < 10.5


def test_regularized_corrections_are_slower_and_get_there():
    learner = af.GradientTD(0.01, 0.01, regularization=1.0, **ONE_STEP)
    _, early, largest = lived(learner, places(20_000))
    _, late, _ = lived(learner, places(100_000))
    assert 4.0 < np.mean(early) < 5.3  # 5.3 at the start
    assert np.mean(late) < 3.0 and np.max(late) < 4.0
    assert np.max(largest) < 10.5


def test_emphatic_td_stays_finite():
    final, _, _ = lived(af.EmphaticTD(3e-5, 0.0), places(20_000))
    assert np.all(np.isfinite(final))
