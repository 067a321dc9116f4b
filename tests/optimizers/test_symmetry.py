"""What an error's sign, an error of zero and an input of zero do to every optimizer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.optimizers import cases, runs

RNG = np.random.default_rng(0)
ERRORS = jnp.asarray(np.float32(RNG.normal(size=50)))
X = jnp.asarray(np.float32(RNG.normal(size=(50, 4))))
NEXT_X = jnp.asarray(np.float32(RNG.normal(size=(50, 4))))
GAMMAS = jnp.full(50, 0.9)

# What turns its sign with the error; everything else in states and metrics must not move.
ODD = {"traces", "bias_trace", "h_traces", "bias_h_trace", "decay_traces", "bias_decay_trace"}


def assert_mirrored(ours, mirrored, odd):
    for name in ours.__dataclass_fields__:
        sign = -1 if name in odd else 1
        np.testing.assert_array_equal(
            getattr(mirrored, name), sign * getattr(ours, name), err_msg=name
        )


@pytest.mark.parametrize("case", cases.SUPERVISED, ids=str)
def test_mirrored_errors_mirror_the_updates_of_the_linear_path(case):
    dw, db, metrics, states = runs.run_supervised(case.build(), ERRORS, X)
    dw_, db_, metrics_, states_ = runs.run_supervised(case.build(), -ERRORS, X)
    np.testing.assert_array_equal(dw_, -dw)
    np.testing.assert_array_equal(db_, -db)
    # The traces of ObGD are those of the inputs.
    assert_mirrored(states, states_, set() if case.kind == "ObGD" else ODD)
    for name, values in metrics.items():
        np.testing.assert_array_equal(metrics_[name], values)


@pytest.mark.parametrize(
    "case",
    [c for c in cases.WITH_PARAM_PATH if c.arguments.get("param_meta") != "prediction"],
    ids=str,
)
def test_mirrored_errors_leave_the_steps_of_a_tensor_alone(case):
    steps, states = runs.run_tensor(case.build(), ERRORS, X)
    steps_, states_ = runs.run_tensor(case.build(), -ERRORS, X)
    np.testing.assert_array_equal(steps_, steps)
    assert_mirrored(states, states_, ODD)


@pytest.mark.parametrize("case", cases.TD, ids=str)
def test_mirrored_td_errors_mirror_the_updates(case):
    dw, db, _, states = runs.run_td(case.build(), ERRORS, X, NEXT_X, GAMMAS)
    dw_, db_, _, states_ = runs.run_td(case.build(), -ERRORS, X, NEXT_X, GAMMAS)
    np.testing.assert_array_equal(dw_, -dw)
    np.testing.assert_array_equal(db_, -db)
    assert_mirrored(states, states_, ODD)


def last_of(optimizer, states):
    return jax.tree.map(lambda leaf: leaf[-1], states)


def step(optimizer, state, error, rest, td):
    """An update that adds what has the error in it; of some weights."""
    if td:
        return optimizer.update(state, error, *rest)
    return optimizer.change(state, error, *rest, jnp.full(4, 0.5), jnp.float32(0.5))


@pytest.mark.parametrize("case", [*cases.SUPERVISED, *cases.TD], ids=str)
def test_no_error_no_change(case):
    optimizer, td = case.build(), case in cases.TD
    rest = (X[0], NEXT_X[0], 0.9) if td else (X[0],)
    run = runs.run_td if td else runs.run_supervised
    inputs = (ERRORS, X, NEXT_X, GAMMAS) if td else (ERRORS, X)
    state = last_of(optimizer, run(optimizer, *inputs)[-1])
    update = step(optimizer, state, 0.0, rest, td)
    np.testing.assert_array_equal(update.weight_delta, np.zeros(4))
    assert update.bias_delta == 0


@pytest.mark.parametrize("case", [*cases.SUPERVISED, *cases.TD], ids=str)
def test_no_input_no_change_of_the_weights(case):
    """Where there is a trace it is cleared first."""
    optimizer, td = case.build(), case in cases.TD
    run = runs.run_td if td else runs.run_supervised
    inputs = (ERRORS, X, NEXT_X, GAMMAS) if td else (ERRORS, X)
    state = last_of(optimizer, run(optimizer, *inputs)[-1])
    if td:
        state = optimizer.reset_traces(state)
    elif case.kind == "ObGD":
        state = state.replace(traces=jnp.zeros(4))
    rest = (jnp.zeros(4), NEXT_X[0], 0.9) if td else (jnp.zeros(4),)
    update = step(optimizer, state, 1.5, rest, td)
    np.testing.assert_array_equal(update.weight_delta, np.zeros(4))
    assert update.bias_delta > 0


STATE_FIELDS = {
    "LMSState": {"step_size"},
    "IDBDState": {"log_step_sizes", "traces", "bias_step_size", "bias_trace"},
    "IDBDParamState": {"log_step_sizes", "traces"},
    "AutostepState": {
        "step_sizes",
        "traces",
        "normalizers",
        "bias_step_size",
        "bias_trace",
        "bias_normalizer",
    },
    "AutostepParamState": {"step_sizes", "traces", "normalizers"},
    "FADEState": {
        "log_step_sizes",
        "log_decays",
        "traces",
        "decay_traces",
        "bias_log_step_size",
        "bias_log_decay",
        "bias_trace",
        "bias_decay_trace",
    },
    "FADEParamState": {"log_step_sizes", "log_decays", "traces", "decay_traces"},
    "ObGDState": {"traces", "bias_trace"},
    "TDIDBDState": {
        "log_step_sizes",
        "eligibility_traces",
        "h_traces",
        "bias_log_step_size",
        "bias_eligibility_trace",
        "bias_h_trace",
        "previous_gamma",
    },
}
STATE_FIELDS["AutoTDIDBDState"] = STATE_FIELDS["TDIDBDState"] | {"normalizers", "bias_normalizer"}


@pytest.mark.parametrize("name", STATE_FIELDS)
def test_states_hold_no_hyperparameters(name):
    assert set(getattr(af, name).__dataclass_fields__) == STATE_FIELDS[name]


@pytest.mark.parametrize(
    "make, expected",
    [
        (lambda: af.create_lms_state(0.2), lambda: af.LMS(0.2).init(1)),
        (lambda: af.create_idbd_state(3, 0.02, 0.1), lambda: af.IDBD(0.02, 0.1).init(3)),
        (
            lambda: af.create_autostep_state(3, 0.02, 0.1, 10.0),
            lambda: af.Autostep(0.02, 0.1, 10.0).init(3),
        ),
        (
            lambda: af.create_obgd_state(3, 0.5, 1.0, 0.9, 0.8),
            lambda: af.ObGD(0.5, 1.0, 0.9, 0.8).init(3),
        ),
        (
            lambda: af.create_tdidbd_state(3, 0.02, 0.1, 0.9),
            lambda: af.TDIDBD(0.02, 0.1, 0.9).init(3),
        ),
        (
            lambda: af.create_autotdidbd_state(3, 0.02, 0.1, 0.9, 100.0),
            lambda: af.AutoTDIDBD(0.02, 0.1, 0.9, 100.0).init(3),
        ),
    ],
    ids=["lms", "idbd", "autostep", "obgd", "tdidbd", "autotdidbd"],
)
def test_the_free_functions_make_the_state_of_init(make, expected):
    ours, theirs = make(), expected()
    assert type(ours) is type(theirs)
    for name in theirs.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_the_free_functions_check_what_they_do_not_store():
    for make in (
        lambda: af.create_idbd_state(3, meta_step_size=-0.5),
        lambda: af.create_autostep_state(3, meta_step_size=-0.5),
        lambda: af.create_tdidbd_state(3, meta_step_size=-0.5),
        lambda: af.create_autotdidbd_state(3, meta_step_size=-0.5),
    ):
        with pytest.raises(ValueError, match=r"meta_step_size.*-0\.5"):
            make()
