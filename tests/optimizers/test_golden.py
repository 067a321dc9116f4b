"""Parity with the reference implementation (alberta-framework 0.16.0), step by step."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files
from tests.optimizers import runs

# The reference keeps copies of these hyperparameters in its states.
HYPERPARAMETERS = {
    "meta_step_size",
    "tau",
    "trace_decay",
    "normalizer_decay",
    "kappa",
    "gamma",
    "lamda",
}


def ids(case):
    return case.name


def build(case):
    about = case.about
    return getattr(af, about["cls"])(**about["ctor"], **about["compat"])


def assert_states_match(case, init_state, states):
    skipped = HYPERPARAMETERS | ({"step_size"} if case.about["cls"] == "ObGD" else set())
    for field, values in case.starting("init_state.").items():
        if field not in skipped:
            ours = np.asarray(getattr(init_state, field))
            np.testing.assert_allclose(ours, values, rtol=1e-6, err_msg=field)
    for field, values in case.starting("state.").items():
        if field not in skipped:
            golden_files.assert_every_step_close(getattr(states, field), values, name=field)


def assert_updates_match(case, results):
    weight_delta, bias_delta, metrics, states = results
    golden_files.assert_every_step_close(weight_delta, case["weight_delta"], name="weight_delta")
    golden_files.assert_every_step_close(bias_delta, case["bias_delta"], name="bias_delta")
    for name, values in case.starting("metrics.").items():
        golden_files.assert_every_step_close(metrics[name], values, name=name)
    assert_states_match(case, build(case).init(case.about["dim"]), states)


@pytest.mark.parametrize("case", golden_files.cases("optimizers", "optimizer.update"), ids=ids)
def test_linear_path(case):
    inputs = map(jnp.asarray, (case["errors"], case["observations"]))
    assert_updates_match(case, runs.run_supervised(build(case), *inputs))


@pytest.mark.parametrize("case", golden_files.cases("optimizers", "td_optimizer.update"), ids=ids)
def test_td(case):
    names = ("td_errors", "observations", "next_observations", "gammas")
    inputs = (jnp.asarray(case[name]) for name in names)
    assert_updates_match(case, runs.run_td(build(case), *inputs))


@pytest.mark.parametrize(
    "case", golden_files.cases("optimizers", "optimizer.update_from_gradient"), ids=ids
)
def test_per_parameter_path(case):
    errors = jnp.asarray(case["errors"]) if case.about["with_error"] else None
    steps, states = runs.run_tensor(build(case), errors, jnp.asarray(case["gradients"]))
    golden_files.assert_every_step_close(steps, case["step"], name="step")
    init_state = build(case).init_for_shape(tuple(case.about["shape"]))
    assert_states_match(case, init_state, states)
