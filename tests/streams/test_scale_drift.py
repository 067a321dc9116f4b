"""A linear target of features whose scales wander."""

import jax.random as jr
import numpy as np

import alberta_framework as af
from tests.streams import cases


def test_log_scales_stay_within_their_bounds_and_reach_them():
    stream = cases.with_arrays(
        af.ScaleDriftStream(8, scale_drift_rate=0.5, min_log_scale=-1.0, max_log_scale=0.5)
    )
    state, seen = cases.begun(stream, jr.key(0)), []
    for _ in range(60):
        _, state = cases.stepped_once(stream, state)
        seen.append(np.asarray(state.log_scales))
    assert np.min(seen) == -1.0 and np.max(seen) == 0.5


def test_the_first_step_moves_log_scales_into_bounds_that_exclude_their_start():
    stream = cases.with_arrays(
        af.ScaleDriftStream(3, scale_drift_rate=0.0, min_log_scale=1.0, max_log_scale=2.0)
    )
    begin = cases.begun(stream, jr.key(0))
    np.testing.assert_array_equal(begin.log_scales, np.zeros(3))
    _, after = cases.stepped_once(stream, begin)
    np.testing.assert_array_equal(after.log_scales, np.ones(3))


def test_observations_carry_the_scales_and_targets_do_not():
    moving = cases.with_arrays(af.ScaleDriftStream(4, 0.1, 0.3, noise_std=0.0))
    fixed = cases.with_arrays(af.ScaleDriftStream(4, 0.1, 0.0, noise_std=0.0))
    begin = cases.begun(moving, jr.key(5))
    state, scales, weights = begin, [], []
    for _ in range(30):
        _, state = cases.stepped_once(moving, state)
        scales.append(np.exp(np.float64(state.log_scales)))
        weights.append(np.float64(state.true_weights))
    scaled, _ = cases.rolled(moving, begin, 30)
    raw, _ = cases.rolled(fixed, begin, 30)
    np.testing.assert_allclose(scaled.observation, raw.observation * np.array(scales), rtol=5e-6)
    expected = np.sum(np.array(weights) * np.asarray(raw.observation), axis=1)
    np.testing.assert_allclose(scaled.target[:, 0], expected, atol=1e-5)
    np.testing.assert_allclose(raw.target, scaled.target, atol=1e-5)


def test_drifts_have_the_sizes_asked_for():
    """Far bounds: after n steps a walk has the standard deviation rate * sqrt(n)."""
    dim, steps = 50, 1000
    stream = cases.with_arrays(
        af.ScaleDriftStream(dim, 0.3, 0.02, min_log_scale=-99.0, max_log_scale=99.0)
    )
    begin = cases.begun(stream, jr.key(9))
    _, end = cases.rolled(stream, begin, steps)
    weights = np.asarray(end.true_weights - begin.true_weights) / (0.3 * np.sqrt(steps))
    logs = np.asarray(end.log_scales) / (0.02 * np.sqrt(steps))
    for moved in (weights, logs):
        assert abs(np.std(moved) - 1) < 5 / np.sqrt(2 * dim)
