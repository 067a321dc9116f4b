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


def assert_states_match(case, init_state, states, now):
    skipped = HYPERPARAMETERS | ({"step_size"} if case.about["cls"] == "ObGD" else set())
    for field, values in case.starting("init_state.").items():
        if field not in skipped:
            ours = np.asarray(getattr(init_state, field))
            np.testing.assert_allclose(ours, values, rtol=1e-6, err_msg=field)
    for field, values in case.starting("state.").items():
        if field not in skipped:
            ours = getattr(states, field)[now]
            golden_files.assert_every_step_close(ours, values[now], name=field)


def assert_updates_match(case, results):
    weight_delta, bias_delta, metrics, states = results
    now = golden_files.steps_within_bounds(case)

    def check(ours, golden, name):
        golden_files.assert_every_step_close(ours[now], golden[now], name=name)

    check(weight_delta, case["weight_delta"], "weight_delta")
    check(bias_delta, case["bias_delta"], "bias_delta")
    for name, values in case.starting("metrics.").items():
        check(metrics[name], values, name)
    assert_states_match(case, build(case).init(case.about["dim"]), states, now)


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
    now = golden_files.steps_within_bounds(case)
    golden_files.assert_every_step_close(steps[now], case["step"][now], name="step")
    init_state = build(case).init_for_shape(tuple(case.about["shape"]))
    assert_states_match(case, init_state, states, now)


def test_few_golden_cases_hold_inputs_that_break_a_bound():
    """Every other step of every case is compared."""
    kinds = ("optimizer.update", "optimizer.update_from_gradient", "td_optimizer.update")
    cases = [case for kind in kinds for case in golden_files.cases("optimizers", kind)]
    cut = {case.name: golden_files.steps_within_bounds(case).stop for case in cases}
    assert {name: steps for name, steps in cut.items() if steps is not None} == {
        "autostep_spikes": 7,
        "autostep_big": 1,
        "autostep_mat_err": 1,
        "autostep_mat_noerr": 4,
        "autotdidbd_spikes": 10,
    }
