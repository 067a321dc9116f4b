"""ObGD: the bound on the step, and what it does not do."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.optimizers import runs
from tests.trees import assert_leaves_close

RNG = np.random.default_rng(0)
ERRORS = jnp.asarray(np.float32(3 * RNG.normal(size=80)))
X = jnp.asarray(np.float32(2 * RNG.normal(size=(80, 4))))


def test_no_step_overshoots():
    """kappa max(|error|, 1) norm1(step) is at most 1 for the step without its error."""
    kappa = 2.0
    optimizer = af.ObGD(step_size=1.0, kappa=kappa, gamma=0.9, lamda=0.9)
    weight_delta, bias_delta, metrics, _ = runs.run_supervised(optimizer, ERRORS, X)
    norm = np.abs(weight_delta).sum(axis=1) + np.abs(bias_delta)
    errors = np.abs(ERRORS)
    assert np.all(kappa * np.maximum(errors, 1) * norm / errors <= 1 + 1e-5)
    assert np.max(metrics["bounding_factor"]) > 10, "the bound must have acted"


def test_without_traces_and_bound_it_is_lms():
    ours = runs.run_supervised(af.ObGD(step_size=0.01, kappa=0.0), ERRORS, X)
    lms = runs.run_supervised(af.LMS(0.01), ERRORS, X)
    np.testing.assert_allclose(ours[0], lms[0], rtol=1e-6)
    np.testing.assert_allclose(ours[1], lms[1], rtol=1e-6)


def test_it_is_lms_whose_steps_are_bounded():
    """Elsayed et al. bound alpha norm1(z), which is the norm of an LMS step."""
    ours = runs.run_supervised(af.ObGD(step_size=0.5, kappa=3.0), ERRORS, X)
    bounder, lms = af.ObGDBounding(3.0), af.LMS(0.5)
    state = lms.init(4)
    for t in range(10):
        x = X[t]
        steps = (lms.update(state, 1.0, x).weight_delta, lms.update(state, 1.0, x).bias_delta)
        (step, bias_step), _ = bounder.bound(steps, ERRORS[t], steps)
        np.testing.assert_allclose(ours[0][t], ERRORS[t] * step, rtol=1e-5)
        np.testing.assert_allclose(ours[1][t], ERRORS[t] * bias_step, rtol=1e-5)


def test_metrics_tell_the_step_size_before_and_after_bounding():
    optimizer = af.ObGD(step_size=0.5, kappa=2.0)
    metrics = optimizer.update(optimizer.init(2), 4.0, jnp.array([1.0, 2.0])).metrics
    assert set(metrics) == {
        "step_size",
        "effective_step_size",
        "bounding_factor",
        "mean_step_size",
    }
    np.testing.assert_allclose(metrics["step_size"], 0.5)
    np.testing.assert_allclose(metrics["bounding_factor"], 0.5 * 2 * 4 * 4)
    np.testing.assert_allclose(metrics["effective_step_size"], 0.5 / 16)
    np.testing.assert_allclose(metrics["mean_step_size"], 0.5 / 16)


def test_step_sizes_are_those_before_bounding():
    optimizer = af.ObGD(step_size=0.5)
    state = optimizer.update(optimizer.init(3), 10.0, jnp.ones(3)).new_state
    assert optimizer.step_sizes(state) == optimizer.bias_step_size(state) == 0.5
    assert optimizer.step_sizes(state).shape == ()


@pytest.mark.parametrize("call", ["init_for_shape", "update_from_gradient"])
def test_networks_are_told_the_way_out(call):
    optimizer = af.ObGD()
    arguments = ((2, 3),) if call == "init_for_shape" else (optimizer.init(2), jnp.zeros(2), 1.0)
    with pytest.raises(NotImplementedError, match=r"(?s)ObGD.*ObGDBounding"):
        getattr(optimizer, call)(*arguments)


def test_traces_remember_with_the_product_of_gamma_and_lamda():
    optimizer = af.ObGD(gamma=0.8, lamda=0.5)
    state = optimizer.init(2)
    for x in ([1.0, 0.0], [0.0, 1.0], [0.0, 0.0]):
        state = optimizer.update(state, 1.0, jnp.array(x)).new_state
    assert_leaves_close(state.traces, jnp.array([0.16, 0.4]))
    np.testing.assert_allclose(state.bias_trace, 1 + 0.4 + 0.16, rtol=1e-6)
