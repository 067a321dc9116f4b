"""LMS: one step size, a record of which rides in the state."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.trees import assert_same_bits

X = jnp.array([1.0, -2.0, 0.5])


def test_moves_each_weight_by_its_share_of_the_error():
    optimizer = af.LMS(0.1)
    update = optimizer.update(optimizer.init(3), 2.0, X)
    np.testing.assert_allclose(update.weight_delta, [0.2, -0.4, 0.1], rtol=1e-6)
    np.testing.assert_allclose(update.bias_delta, 0.2, rtol=1e-6)
    assert set(update.metrics) == {"step_size", "mean_step_size"}
    for value in update.metrics.values():
        np.testing.assert_allclose(value, 0.1, rtol=1e-6)


def test_the_step_of_a_tensor_holds_no_error():
    optimizer = af.LMS(0.1)
    state = optimizer.init_for_shape((3,))
    with_error, _ = optimizer.update_from_gradient(state, X, 5.0)
    without, _ = optimizer.update_from_gradient(state, X)
    np.testing.assert_allclose(with_error, 0.1 * X, rtol=1e-6)
    assert_same_bits(with_error, without)


def test_the_state_tells_the_step_size_in_effect():
    state = af.LMS(0.1).init(3)
    assert state.step_size == np.float32(0.1)
    assert af.LMS(0.1).init_for_shape((2, 2)).step_size == np.float32(0.1)

    # Resumed under another step size: that one acts at once and is written down.
    changed = af.LMS(0.5)
    update = changed.update(state, 1.0, X)
    np.testing.assert_allclose(update.weight_delta, 0.5 * X)
    assert update.new_state.step_size == 0.5
    step, new_state = changed.update_from_gradient(state, X, 1.0)
    np.testing.assert_allclose(step, 0.5 * X)
    assert new_state.step_size == 0.5


@pytest.mark.parametrize("make", [lambda: af.LMS(0.3).init(4), lambda: af.create_lms_state(0.3)])
def test_step_sizes_are_one_for_all(make):
    optimizer, state = af.LMS(0.3), make()
    np.testing.assert_allclose(optimizer.step_sizes(state), 0.3, rtol=1e-6)
    assert optimizer.step_sizes(state).shape == optimizer.bias_step_size(state).shape == ()
