"""Autostep: the bound of its overshoot, and its normalizers at the start."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.optimizers import runs
from tests.trees import assert_finite


@pytest.mark.parametrize("largest", [1.0, 1e4, 1e8])
def test_without_bounds_no_step_overshoots(largest):
    """The effective step size sum(alpha x^2) + bias alpha is at most 1, for inputs up to 1e8."""
    rng = np.random.default_rng(0)
    size = 10 ** rng.uniform(-8, np.log10(largest), size=(16, 1000, 4))
    x = np.float32(size * rng.choice([-1, 1], size=size.shape))
    errors = np.float32(10 ** rng.uniform(-8, np.log10(largest), size=(16, 1000)))
    errors *= rng.choice([-1, 1], size=errors.shape)
    optimizer = af.Autostep(min_step_size=0.0, max_step_size=jnp.inf, meta_step_size=0.05)
    run = jax.jit(jax.vmap(runs.supervised, in_axes=(None, 0, 0)))
    results = run(optimizer, jnp.asarray(errors), jnp.asarray(x))
    assert_finite(results)
    states = results[-1]
    effective = (np.float64(states.step_sizes) * np.float64(x) ** 2).sum(axis=-1)
    assert np.max(effective + np.float64(states.bias_step_size)) <= 1 + 1e-6


def test_the_floor_yields_to_the_bound():
    """And holds again as soon as the inputs allow it."""
    optimizer = af.Autostep(initial_step_size=1.0)
    state = optimizer.update(optimizer.init(2), 1.0, jnp.array([1e5, 1.0])).new_state
    np.testing.assert_allclose(state.step_sizes[0] * 1e10 + state.bias_step_size, 1.0, rtol=1e-5)
    assert np.all(state.step_sizes < 1e-9)
    state = optimizer.update(state, 1.0, jnp.array([1.0, 1.0])).new_state
    np.testing.assert_allclose(state.step_sizes, 1e-8, rtol=1e-6)


def test_a_feature_without_signal_keeps_its_step_size():
    """Normalizers start at 0 and the division waits until there is something to divide by."""
    optimizer = af.Autostep(meta_step_size=0.5)
    x = jnp.array([1.0, 0.0])
    state = optimizer.init(2)
    for error in (1.0, 2.0, -1.0):
        state = optimizer.update(state, error, x).new_state
    assert state.step_sizes[1] == np.float32(0.01)
    assert state.normalizers[1] == 0
    assert state.step_sizes[0] != np.float32(0.01)


def test_the_smallest_signal_still_has_a_normalizer():
    """The largest change of a log step size is the meta step size, whatever the scale of things."""
    optimizer = af.Autostep(meta_step_size=0.5)
    state = optimizer.init(1).replace(traces=jnp.array([1e-30], jnp.float32))
    state = optimizer.update(state, 1e-4, jnp.array([1.0])).new_state
    np.testing.assert_allclose(state.step_sizes, 0.01 * np.exp(0.5), rtol=1e-5)


def test_the_bias_counts_as_a_feature_of_value_one():
    rng = np.random.default_rng(1)
    errors = jnp.asarray(np.float32(rng.normal(size=100)))
    x = jnp.asarray(np.float32(rng.normal(size=(100, 3))))
    ones = jnp.concatenate([x, jnp.ones((100, 1))], axis=1)
    optimizer = af.Autostep(initial_step_size=0.2, meta_step_size=0.05, tau=100.0)
    weight_delta, bias_delta, _, states = runs.run_supervised(optimizer, errors, x)
    steps, tensor = runs.run_tensor(optimizer, errors, ones)
    deltas = np.concatenate([weight_delta, bias_delta[:, None]], axis=1)
    np.testing.assert_allclose(errors[:, None] * steps, deltas, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(tensor.step_sizes[:, -1], states.bias_step_size, rtol=1e-4)


def test_initial_step_sizes_outside_the_clip_are_told_and_clipped_at_the_first_step():
    with pytest.warns(UserWarning, match="initial_step_size"):
        optimizer = af.Autostep(initial_step_size=2.0)
    state = optimizer.update(optimizer.init(1), 1.0, jnp.zeros(1)).new_state
    assert state.step_sizes == 1
