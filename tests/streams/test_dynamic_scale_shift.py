"""A linear target of features whose scales jump."""

import jax.random as jr
import numpy as np
import pytest
from scipy import stats

import alberta_framework as af
from tests.streams import cases


def followed(stream, num_steps, key=0):
    state = cases.begun(stream, jr.key(key))
    states, seen = [state], []
    for _ in range(num_steps):
        experience, state = cases.stepped_once(stream, state)
        states.append(state)
        seen.append(experience)
    return states, seen


def changes(states, field):
    values = np.array([getattr(state, field) for state in states])
    return np.flatnonzero(np.any(values[1:] != values[:-1], axis=1)).tolist()


@pytest.mark.parametrize("scale_interval, weight_interval", [(9, 5), (1, 7), (6, 1), (100, 100)])
def test_scales_and_weights_change_at_their_own_intervals(scale_interval, weight_interval):
    stream = cases.with_arrays(af.DynamicScaleShiftStream(4, scale_interval, weight_interval))
    states, _ = followed(stream, 40)
    assert changes(states, "current_scales") == list(range(0, 40, scale_interval))
    assert changes(states, "true_weights") == list(range(0, 40, weight_interval))


def test_the_target_does_not_see_the_scales():
    stream = cases.with_arrays(af.DynamicScaleShiftStream(5, 3, 4, noise_std=0.0))
    states, seen = followed(stream, 30)
    for state, experience in zip(states[1:], seen, strict=True):
        raw = np.float64(experience.observation) / np.float64(state.current_scales)
        np.testing.assert_allclose(experience.target, [raw @ state.true_weights], atol=1e-5)
    narrow = stream = cases.with_arrays(
        af.DynamicScaleShiftStream(5, 3, 4, min_scale=1.0, max_scale=1.0, noise_std=0.0)
    )
    _, plain = followed(narrow, 30)
    np.testing.assert_allclose(
        [e.target for e in seen], [e.target for e in plain], rtol=1e-6, atol=1e-6
    )


def test_scales_are_uniform_on_the_log_axis():
    stream = cases.with_arrays(
        af.DynamicScaleShiftStream(10, 1, 1, min_scale=0.01, max_scale=100.0)
    )
    states, _ = followed(stream, 200)
    logs = np.log10([state.current_scales for state in states[1:]]).ravel()
    assert np.all((logs >= -2 - 1e-6) & (logs <= 2 + 1e-6))
    assert stats.kstest(logs, stats.uniform(-2, 4).cdf).pvalue > 1e-4
