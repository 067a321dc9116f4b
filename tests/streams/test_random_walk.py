"""A linear target whose weights wander."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases


def walked(stream, num_steps, key=0):
    """Experience and the weights behind each target."""
    stream = cases.with_arrays(stream)
    state, seen, weights = cases.begun(stream, jr.key(key)), [], []
    for _ in range(num_steps):
        experience, state = cases.stepped_once(stream, state)
        seen.append(experience)
        weights.append(state.true_weights)
    x = np.array([e.observation for e in seen], np.float64)
    y = np.array([e.target for e in seen], np.float64)[:, 0]
    return x, y, np.array(weights, np.float64)


def test_without_noise_the_target_is_the_product_with_the_weights_after_the_drift():
    x, y, w = walked(af.RandomWalkStream(7, 0.5, noise_std=0.0), 30)
    np.testing.assert_allclose(y, np.sum(w * x, axis=1), atol=1e-5)
    assert np.max(np.abs(y[1:] - np.sum(w[:-1] * x[1:], axis=1))) > 0.1


def test_a_rollout_carries_the_same_weights():
    stream = cases.with_arrays(af.RandomWalkStream(1, 0.5, noise_std=0.0))
    experience, end = cases.rolled(stream, cases.begun(stream, jr.key(2)), 200)
    _, _, w = walked(stream, 200, key=2)
    np.testing.assert_allclose(experience.target / experience.observation, w, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(end.true_weights, w[-1], rtol=1e-5)


@pytest.mark.parametrize("drift_rate, noise_std, feature_std", [(0.1, 0.5, 2.0), (0.02, 3.0, 0.5)])
def test_sizes_of_drift_noise_and_features(drift_rate, noise_std, feature_std):
    """Weights known at both ends: of a walk of n steps the displacement has variance n."""
    steps, lanes = 2000, 50
    stream = cases.with_arrays(af.RandomWalkStream(lanes, drift_rate, 0.0, feature_std))
    begin = cases.begun(stream, jr.key(1))
    experience, end = cases.rolled(stream, begin, steps)
    moved = np.asarray(end.true_weights - begin.true_weights) / (drift_rate * np.sqrt(steps))
    # Standard errors of a standard deviation of n numbers: 1 / sqrt(2 n); five of them.
    assert abs(np.std(moved) - 1) < 5 / np.sqrt(2 * lanes)
    x = np.asarray(experience.observation) / feature_std
    assert abs(np.std(x) - 1) < 5 / np.sqrt(2 * x.size)
    assert abs(np.mean(x)) < 5 / np.sqrt(x.size)
    noise_only = cases.with_arrays(af.RandomWalkStream(lanes, drift_rate, noise_std, 0.0))
    noise = np.asarray(cases.rolled(noise_only, begin, steps)[0].target) / noise_std
    assert abs(np.std(noise) - 1) < 5 / np.sqrt(2 * steps)


def test_without_drift_the_weights_stay():
    stream = cases.with_arrays(af.RandomWalkStream(3, 0.0))
    begin = cases.begun(stream, jr.key(0))
    _, end = cases.rolled(stream, begin, 100)
    np.testing.assert_array_equal(end.true_weights, begin.true_weights)
