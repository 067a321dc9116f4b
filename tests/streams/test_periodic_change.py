"""A linear target whose weights swing."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases


def weights(stream, state, num_steps):
    """Of a stream of one feature without noise, as target / observation."""
    experience, _ = cases.rolled(stream, state, num_steps)
    return np.asarray(experience.target, np.float64) / np.asarray(experience.observation)


def expected(state, times, period, amplitude):
    """The equation in float64 with time itself."""
    b, phi = np.float64(state.base_weights), np.float64(state.phases)
    return b + amplitude * np.sin(2 * np.pi * np.asarray(times)[:, None] / period + phi)


@pytest.mark.parametrize("time", [0, 123, 10**6 + 7, 10**8, 10**12 + 1])
@pytest.mark.parametrize("period", [7, 1000, 65537])
def test_weights_follow_the_sine_at_any_time(period, time):
    """The reference implementation is off by 2.6e-3 at 10^8 steps of period 1000."""
    stream = cases.with_arrays(af.PeriodicChangeStream(1, period, 1.5, noise_std=0.0))
    state = cases.begun(stream, jr.key(6))
    later = state.replace(step_count=time, position=jnp.int32(time % period))
    truth = expected(state, time % period + np.arange(100), period, 1.5)
    # An angle below 4 pi in float32, rounded at each of four operations.
    np.testing.assert_allclose(weights(stream, later, 100), truth, atol=3e-6)


def test_each_weight_has_its_own_phase_in_one_turn():
    state = af.PeriodicChangeStream(2000).init(jr.key(0))
    phases = np.asarray(state.phases)
    assert np.all((phases >= 0) & (phases < 2 * np.pi))
    # Mean and deviation of uniform numbers, five standard errors.
    assert abs(np.mean(phases) - np.pi) < 5 * np.pi / np.sqrt(3 * 2000)
    assert abs(np.mean(np.asarray(state.base_weights))) < 5 / np.sqrt(2000)


def test_a_period_of_one_and_an_amplitude_of_zero_stand_still():
    still = cases.with_arrays(af.PeriodicChangeStream(1, 1, noise_std=0.0))
    state = cases.begun(still, jr.key(0))
    w = weights(still, state, 50)
    np.testing.assert_allclose(w, np.full_like(w, w[0, 0]), rtol=1e-6)
    flat = cases.with_arrays(af.PeriodicChangeStream(1, 10, 0.0, noise_std=0.0))
    w = weights(flat, state, 50)
    np.testing.assert_allclose(w, np.broadcast_to(state.base_weights, w.shape), rtol=1e-6)
