"""What compiles a learner's methods again, and what does not."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.learners import cases

X, Y = np.float32([0.5, -1.0, 0.2]), np.float32([1.5, 1.0, -0.2])


def linear(number):
    return af.LinearLearner(
        af.IDBD(number, number), af.EMANormalizer(decay=number), af.ObGDBounding(number)
    )


def td(number):
    return af.TDLinearLearner(
        af.TDIDBD(number, number, trace_decay=number), af.EMANormalizer(decay=number)
    )


def update(learner, state, x, number):
    if isinstance(learner, af.TDLinearLearner):
        return learner.update(state, x, number, Y, number)
    return learner.update(state, x, number)


KINDS = {
    "float": 0.25,
    "int": 1,
    "np.float32": np.float32(0.3),
    "np.float64": np.float64(0.3),
    "0-d array": np.array(0.35, np.float32),
    "0-d jax array": jnp.float32(0.4),
}
EACH = pytest.mark.parametrize("build", [linear, td])


def warmed(build):
    """A learner of which every method has been called once."""
    learner = build(0.5)
    state = learner.init(cases.DIM)
    learner.predict(state, X)
    return learner, update(learner, state, X, 0.5).state


@pytest.mark.parametrize("number", KINDS.values(), ids=KINDS)
@EACH
def test_another_number_in_the_component_does_not_compile(build, number):
    _, state = warmed(build)
    other = build(number)
    with count_compilations() as seen:
        other.predict(state, X)
        update(other, state, X, 0.5)
    assert not seen


@pytest.mark.parametrize("number", KINDS.values(), ids=KINDS)
@EACH
def test_another_number_in_the_data_does_not_compile(build, number):
    learner, state = warmed(build)
    with count_compilations() as seen:
        update(learner, state, Y, number)
        learner.predict(state, Y)
    assert not seen


@EACH
def test_another_state_does_not_compile(build):
    learner, state = warmed(build)
    older = state.replace(birth_timestamp=1.0e9, step_count=2**40, uptime_s=1.0e6)
    with count_compilations() as seen:
        update(learner, older, X, 0.5)
        learner.predict(older, X)
        fresh = learner.init(cases.DIM)
        update(learner, fresh, X, 0.5)
    assert not seen


@EACH
def test_arrays_of_numpy_and_jax_are_one_program(build):
    learner, state = warmed(build)
    x = jnp.asarray(X)
    with count_compilations() as seen:
        update(learner, state, x, 0.5)
        learner.predict(state, x)
    assert not seen


@EACH
def test_an_equal_learner_shares_the_program(build):
    _, state = warmed(build)
    with count_compilations() as seen:
        for _ in range(3):
            update(build(0.5), state, X, 0.5)
    assert not seen


@EACH
def test_the_first_updates_of_one_state_are_one_program(build):
    learner = build(0.5)
    state = learner.init(cases.DIM)
    state = update(learner, state, X, 0.5).state
    with count_compilations() as seen:
        for _ in range(3):
            state = update(learner, state, X, 0.5).state
    assert not seen


def test_reset_traces_compiles_once():
    learner, state = warmed(td)
    learner.reset_traces(state)
    other = td(0.25)
    with count_compilations() as seen:
        other.reset_traces(state)
    assert not seen


@pytest.mark.parametrize("number", [0.1, 1, np.float32(0.3)], ids=lambda n: type(n).__name__)
def test_a_loop_compiles_once(number):
    def run(number, key):
        stream = af.RandomWalkStream(cases.DIM, drift_rate=number, noise_std=number)
        return af.run_learning_loop(linear(number), stream, 30, key)

    first, second = jr.key(0), jr.key(1)
    run(0.5, first)
    with count_compilations() as seen:
        run(number, second)
    assert not seen
