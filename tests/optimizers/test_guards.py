"""The options that keep IDBD and TIDBD from running away."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.optimizers import runs
from tests.trees import assert_leaves_close

GUARDS = {"max_effective_step": 0.5, "max_log_step_change": 2.0}
EVENTS = 1000


def targets_far_from_zero(seed):
    """y = 50 + 20 x: the meta step size of the default is too large for it."""
    x = np.float32(np.random.default_rng(seed).normal(size=(EVENTS, 1)))
    return af.ArrayStream(x, 50 + 20 * x)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("normalizer", [af.EMANormalizer(), af.WelfordNormalizer()], ids=repr)
def test_a_guarded_learner_lives(normalizer, seed):
    stream, key = targets_far_from_zero(seed), jax.random.key(0)
    guarded = af.LinearLearner(af.IDBD(**GUARDS), normalizer)
    state, metrics = af.run_learning_loop(guarded, stream, EVENTS, key)
    assert (state.step_count, state.rejected_count) == (EVENTS, 0)
    # Of their own variance the targets have 400.
    assert np.asarray(metrics[-200:, 0]).mean() < 300
    unguarded = af.LinearLearner(af.IDBD(), normalizer)
    assert af.run_learning_loop(unguarded, stream, EVENTS, key)[0].rejected_count > 100


def test_the_guards_leave_ordinary_steps_alone():
    """To rounding where they divide by 1 and clip nothing: XLA may contract the multiplications and
    additions of two programs differently."""
    rng = np.random.default_rng(2)
    errors = jnp.asarray(np.float32(rng.normal(size=100)))
    x = jnp.asarray(np.float32(0.1 * rng.normal(size=(100, 3))))
    plain = runs.run_supervised(af.IDBD(), errors, x)
    assert_leaves_close(runs.run_supervised(af.IDBD(**GUARDS), errors, x), plain)
    tensors = runs.run_tensor(af.IDBD(), errors, x)
    assert_leaves_close(runs.run_tensor(af.IDBD(**GUARDS), errors, x), tensors)
    gammas = jnp.full(100, 0.9)
    plain = runs.run_td(af.TDIDBD(), errors, x, x[::-1], gammas)
    assert_leaves_close(runs.run_td(af.TDIDBD(**GUARDS), errors, x, x[::-1], gammas), plain)


@pytest.mark.parametrize("limit", [0.1, 2.0])
def test_log_step_sizes_change_by_no_more_than_their_limit(limit):
    """Of the weights and of the bias, upwards and downwards."""
    rng = np.random.default_rng(3)
    errors = jnp.asarray(np.float32(30 * rng.normal(size=200)))
    x = jnp.asarray(np.float32(rng.normal(size=(200, 3))))
    optimizer = af.IDBD(0.05, 1.0, max_log_step_change=limit)
    *_, states = runs.run_supervised(optimizer, errors, x)
    bias = np.log(np.float64(states.bias_step_size))[:, None]
    logs = np.concatenate([np.float64(states.log_step_sizes), bias], axis=1)
    changes = np.diff(logs, axis=0)
    assert np.all(np.abs(changes) <= limit * (1 + 1e-5) + 1e-6)
    assert np.all(changes.max(axis=0) > 0.99 * limit) and np.all(changes.min(axis=0) < -0.09)


def test_the_scaled_step_sizes_are_used_and_kept():
    """The state tells those in effect; they do not go on growing behind the bound."""
    optimizer = af.IDBD(0.5, meta_step_size=0.0, max_effective_step=0.5)
    x = np.float32([2.0, 1.0])
    update = optimizer.update(optimizer.init(2), 3.0, x)
    state = update.new_state
    # 0.5 * (4 + 1 + 1) = 3: six times too much.
    np.testing.assert_allclose(optimizer.step_sizes(state), [0.5 / 6, 0.5 / 6], rtol=1e-5)
    np.testing.assert_allclose(optimizer.bias_step_size(state), 0.5 / 6, rtol=1e-5)
    np.testing.assert_allclose(update.weight_delta, 3.0 * x * 0.5 / 6, rtol=1e-5)
    np.testing.assert_allclose(update.bias_delta, 3.0 * 0.5 / 6, rtol=1e-5)
    again = optimizer.update(state, 3.0, x * np.float32(0.1)).new_state
    np.testing.assert_array_equal(again.log_step_sizes, state.log_step_sizes)


def test_a_bound_below_the_floor_holds():
    optimizer = af.IDBD(max_effective_step=1e-6)
    state = optimizer.update(optimizer.init(1), 1.0, np.float32([100.0])).new_state
    effective = 1e4 * np.exp(np.float64(state.log_step_sizes[0])) + float(state.bias_step_size)
    np.testing.assert_allclose(effective, 1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", ["IDBD", "TDIDBD", "AutoTDIDBD"])
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, "1", True])
def test_guards_out_of_range(kind, bad):
    names = ["max_effective_step"] + ["max_log_step_change"] * (kind != "AutoTDIDBD")
    for name in names:
        with pytest.raises((TypeError, ValueError), match=name):
            getattr(af, kind)(**{name: bad})
