"""IDBD: signs, clips, and the two rules of its per-parameter path."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.optimizers import runs
from tests.trees import assert_same_bits

RNG = np.random.default_rng(0)
ERRORS = jnp.asarray(np.float32(RNG.normal(size=60)))
X = jnp.asarray(np.float32(RNG.normal(size=(60, 4))))


def test_a_vector_follows_the_linear_path_when_the_gradient_is_the_input():
    optimizer = af.IDBD(initial_step_size=0.05, meta_step_size=0.05)
    weight_delta, _, _, linear = runs.run_supervised(optimizer, ERRORS, X)
    step, tensor = runs.run_tensor(optimizer, ERRORS, X)
    np.testing.assert_allclose(tensor.traces, linear.traces, rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(tensor.log_step_sizes, linear.log_step_sizes, rtol=1e-6)
    np.testing.assert_allclose(ERRORS[:, None] * step, weight_delta, rtol=1e-5, atol=1e-8)


def fitted(target, param_meta):
    """One weight on the input 1, twenty steps towards a constant target."""
    optimizer = af.IDBD(initial_step_size=0.1, meta_step_size=0.1, param_meta=param_meta)
    w, state = 0.0, optimizer.init_for_shape((1,))
    for _ in range(20):
        error = target - w
        step, state = optimizer.update_from_gradient(state, jnp.ones(1), error)
        w = w + float(error * step[0])
    return w, float(optimizer.step_sizes(state)[0])


def test_positive_and_negative_targets_are_learned_alike():
    up, alpha_up = fitted(10.0, "error")
    down, alpha_down = fitted(-10.0, "error")
    assert up == -down
    assert alpha_up == alpha_down
    assert up > 9


def test_the_rule_of_the_reference_depends_on_the_sign_of_the_target():
    """Measured on alberta-framework 0.16.0."""
    w, alpha = fitted(10.0, "prediction")
    assert (round(w, 2), round(alpha, 4)) == (4.10, 0.0004)
    w, alpha = fitted(-10.0, "prediction")
    assert (round(w, 2), round(alpha, 2)) == (-10.00, 0.96)


@pytest.mark.parametrize("mode", ["prediction_grads", "loss_grads"])
@pytest.mark.parametrize("with_error_inside", [True, False])
def test_the_decay_mode_acts_only_where_the_error_is_given(mode, with_error_inside):
    errors = None if with_error_inside else ERRORS
    plain = runs.run_tensor(af.IDBD(), errors, X)
    other = runs.run_tensor(af.IDBD(h_decay_mode=mode), errors, X)
    if with_error_inside or mode == "prediction_grads":
        assert_same_bits(other[0], plain[0])
        assert_same_bits(other[1].traces, plain[1].traces)
    else:
        assert np.any(np.asarray(other[1].traces) != np.asarray(plain[1].traces))
    linear = runs.run_supervised(af.IDBD(h_decay_mode=mode), ERRORS, X)
    assert_same_bits(linear[0], runs.run_supervised(af.IDBD(), ERRORS, X)[0])


@pytest.mark.parametrize("param_meta", ["error", "prediction"])
def test_the_meta_rule_acts_only_where_the_error_is_given(param_meta):
    plain = runs.run_tensor(af.IDBD(), None, X)
    other = runs.run_tensor(af.IDBD(param_meta=param_meta), None, X)
    assert_same_bits(other, plain)


def test_the_log_step_sizes_stay_within_their_bounds():
    optimizer = af.IDBD(meta_step_size=3.0)
    *_, states = runs.run_supervised(optimizer, 10 * ERRORS, 10 * X)
    betas = np.asarray(states.log_step_sizes)
    assert betas.min() == -10 and betas.max() <= 2
    optimizer = af.IDBD(meta_step_size=3.0, min_log_step_size=-6.0, max_log_step_size=-4.0)
    *_, states = runs.run_supervised(optimizer, 10 * ERRORS, 10 * X)
    betas = np.asarray(states.log_step_sizes)
    assert betas.min() == -6 and betas.max() == -4


def test_the_bias_step_size_survives_an_overflow_of_its_growth():
    optimizer = af.IDBD(meta_step_size=1.0)
    state = optimizer.init(1).replace(bias_trace=jnp.float32(1e3))
    x = jnp.zeros(1)
    assert optimizer.update(state, 1e3, x).new_state.bias_step_size == 1
    shrunk = optimizer.update(state, -1e3, x).new_state.bias_step_size
    np.testing.assert_allclose(shrunk, 1e-6, rtol=1e-6)


def test_the_bounds_of_the_bias_do_not_move_with_those_of_the_weights():
    optimizer = af.IDBD(meta_step_size=1.0, min_log_step_size=-5.0, max_log_step_size=5.0)
    state = optimizer.init(1).replace(bias_trace=jnp.float32(1e3))
    assert optimizer.update(state, 1e3, jnp.zeros(1)).new_state.bias_step_size == 1


def test_an_initial_step_size_below_the_clip_is_told_and_clipped_at_the_first_step():
    with pytest.warns(UserWarning, match="initial_step_size"):
        optimizer = af.IDBD(initial_step_size=1e-6)
    state = optimizer.init(2)
    np.testing.assert_allclose(optimizer.step_sizes(state), 1e-6, rtol=1e-5)
    state = optimizer.update(state, 1.0, jnp.ones(2)).new_state
    np.testing.assert_allclose(optimizer.step_sizes(state), np.exp(-10), rtol=1e-5)


def test_step_sizes_and_the_bias_s_are_told_by_the_state():
    optimizer = af.IDBD(initial_step_size=0.05, meta_step_size=0.1)
    *_, metrics, states = runs.run_supervised(optimizer, ERRORS, X)
    state = optimizer.init(4).replace(
        log_step_sizes=states.log_step_sizes[-1], bias_step_size=states.bias_step_size[-1]
    )
    alphas = optimizer.step_sizes(state)
    np.testing.assert_allclose(alphas, np.exp(states.log_step_sizes[-1]), rtol=1e-6)
    np.testing.assert_allclose(alphas.mean(), metrics["mean_step_size"][-1], rtol=1e-5)
    assert optimizer.bias_step_size(state) == states.bias_step_size[-1]
    tensor = optimizer.init_for_shape((2, 3))
    np.testing.assert_allclose(optimizer.step_sizes(tensor), np.full((2, 3), 0.05), rtol=1e-5)
