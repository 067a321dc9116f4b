"""No update of a rule with a bound overshoots its own example: searched for, not sampled."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

import alberta_framework as af
from tests.optimizers import runs

STEPS, FEATURES = 6, 3
SIGN = st.sampled_from([-1.0, 1.0])
SIZE = st.floats(-6, 12).map(lambda exponent: 10.0**exponent)
NUMBER = st.one_of(st.just(0.0), st.tuples(SIGN, SIZE).map(np.prod), st.floats(-2, 2, width=32))
ROWS = st.lists(
    st.lists(NUMBER, min_size=FEATURES, max_size=FEATURES), min_size=STEPS, max_size=STEPS
)
ERRORS = st.lists(NUMBER, min_size=STEPS, max_size=STEPS)
META = st.floats(0.0, 1.0, width=32)
# float32 sums of squares and a quotient.
ROOM = 1 + 1e-5


def with_arrays(optimizer):
    return jax.tree.map(lambda leaf: jnp.float32(leaf), optimizer)


def built(kind, *arguments, **options):
    with warnings.catch_warnings():
        # Beyond the clip of the step sizes, where the first update puts them.
        warnings.simplefilter("ignore", UserWarning)
        return with_arrays(kind(*arguments, **options))


def assert_bounded(alphas, squares, limit=1.0):
    """A state that is not finite is one that no learner keeps, and none follows from it."""
    finite = np.isfinite(alphas).all(axis=-1)
    steps = (alphas * squares).sum(axis=-1)[finite]
    assert np.all(steps <= limit * ROOM), steps


@settings(max_examples=150)
@given(ROWS, ERRORS, SIZE, META)
@example([[736389.0, 0.0, 0.0]] * STEPS, [43.0] * STEPS, 0.01, 0.01)
@example([[1e12] * 3] * STEPS, [1e-6] * STEPS, 1e12, 1.0)
def test_autostep(rows, errors, first, mu):
    x, errors = np.float32(rows), np.float32(errors)
    optimizer = built(af.Autostep, first, mu)
    *_, states = runs.run_supervised(optimizer, jnp.asarray(errors), jnp.asarray(x))
    alphas = np.column_stack([states.step_sizes, states.bias_step_size]).astype(np.float64)
    assert_bounded(alphas, np.column_stack([np.float64(x) ** 2, np.ones(STEPS)]))
    _, states = runs.run_tensor(optimizer, jnp.asarray(errors), jnp.asarray(x))
    assert_bounded(np.float64(states.step_sizes), np.float64(x) ** 2)


@settings(max_examples=150)
@given(ROWS, ERRORS, SIZE, META, st.sampled_from([1.0, 0.5, 1e-3]))
@example([[736389.0, 0.0, 0.0]] * STEPS, [43.0] * STEPS, 0.01, 0.01, 1.0)
def test_guarded_idbd(rows, errors, first, theta, limit):
    x, errors = np.float32(rows), np.float32(errors)
    optimizer = built(af.IDBD, first, theta, max_effective_step=limit, max_log_step_change=2.0)
    *_, states = runs.run_supervised(optimizer, jnp.asarray(errors), jnp.asarray(x))
    alphas = np.column_stack([np.exp(np.float64(states.log_step_sizes)), states.bias_step_size])
    squares = np.column_stack([np.float64(x) ** 2, np.ones(STEPS)])
    assert_bounded(alphas, squares, limit)
    _, states = runs.run_tensor(optimizer, jnp.asarray(errors), jnp.asarray(x))
    assert_bounded(np.exp(np.float64(states.log_step_sizes)), np.float64(x) ** 2, limit)
