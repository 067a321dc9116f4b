"""The same numbers however a component is run, and states that keep their layout."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.laws import components
from tests.trees import assert_leaves_close, lane, layout, named_leaves

STEPS = 4


def first(inputs, count=STEPS):
    return jax.tree.map(lambda leaf: leaf[:count], inputs)


@pytest.mark.parametrize("row", components.ALL, ids=str)
def test_eager_compiled_scanned_and_mapped_runs_agree(row):
    component, inputs = row.build(), first(row.inputs)
    scanned = jax.jit(row.run)(component, inputs)
    with jax.disable_jit():
        eager = row.run(component, inputs)
    assert_leaves_close(eager, scanned, absolute=1e-9)
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), inputs)
    mapped = jax.vmap(row.run, in_axes=(None, 0))(component, twice)
    assert_leaves_close(lane(mapped, 1), scanned, absolute=1e-9)


def steps_of(row):
    """The state of `init` and a function of state and component that makes one step."""
    one = jax.tree.map(lambda leaf: leaf[0], row.inputs)
    if row.path == "normalize":
        return row.build().init(components.DIM), lambda c, s: c.normalize(s, one[0])[1]
    if row.path in ("tensor", "errors inside"):
        shape = one[1].shape
        state = row.build().init_for_shape(shape)
        half = jnp.full(shape, 0.5)
        return state, lambda c, s: c.step_on(s, one[1], one[0], half)[1]
    return row.build().init(components.DIM), lambda c, s: updated(row, c, s, *one).new_state


def updated(row, component, state, error, *rest):
    """One update; of an optimizer that may have to see the weights, of some."""
    if row.path == "td":
        return component.update(state, error, *rest)
    return component.change(state, error, *rest, jnp.full(components.DIM, 0.5), jnp.float32(0.5))


STATEFUL = [row for row in components.ALL if row.path != "bound"]


@pytest.mark.parametrize("row", STATEFUL, ids=str)
def test_a_step_keeps_the_layout_of_the_state(row):
    state, step = steps_of(row)
    for component in (row.build(), jax.tree.map(jnp.float32, row.build())):
        assert layout(step(component, state)) == layout(state)
        assert layout(jax.jit(step)(component, state)) == layout(state)
    assert not any(weak for _, _, weak in layout(state)[1])


@pytest.mark.parametrize("row", STATEFUL, ids=str)
def test_a_step_leaves_the_given_state_alone(row):
    state, step = steps_of(row)
    before = [(path, leaf.copy()) for path, leaf in named_leaves(state)]
    step(row.build(), state)
    for (path, old), (_, new) in zip(before, named_leaves(state), strict=True):
        np.testing.assert_array_equal(old, new, err_msg=path)


@pytest.mark.parametrize("row", STATEFUL, ids=str)
def test_everything_is_float32_when_x64_is_on(row):
    with jax.enable_x64(True):
        one = jax.tree.map(lambda leaf: np.asarray(leaf[:2], np.float64), row.inputs)
        results = row.run(row.build(), one)
        for path, leaf in named_leaves(results):
            assert leaf.dtype == (np.int32 if "sample_count" in path else np.float32), path


def integers(inputs):
    return jax.tree.map(lambda leaf: jnp.round(2 * leaf).astype(jnp.int32), inputs)


@pytest.mark.parametrize("row", components.ALL, ids=str)
def test_integer_inputs_are_numbers_too(row):
    whole = integers(first(row.inputs))
    if row.path == "td":
        whole = (*whole[:3], first(row.inputs)[3])
    floats = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), whole)
    run, component = jax.jit(row.run), row.build()
    assert_leaves_close(run(component, whole), run(component, floats))


ERROR_KINDS = [0.5, jnp.float32(0.5), jnp.array([0.5]), np.float64(0.5), np.array([0.5])]


@pytest.mark.parametrize("error", ERROR_KINDS, ids=lambda e: type(e).__name__ + str(np.shape(e)))
@pytest.mark.parametrize("row", [*components.SUPERVISED, *components.TD], ids=str)
def test_an_error_is_a_number_or_an_array_of_one(row, error):
    component, rest = row.build(), jax.tree.map(lambda leaf: leaf[0], row.inputs)[1:]
    state = component.init(components.DIM)
    expected = updated(row, component, state, jnp.array(0.5), *rest)
    update = updated(row, component, state, error, *rest)
    assert update.bias_delta.shape == ()
    assert_leaves_close(update, expected)


@pytest.mark.parametrize("row", [*components.SUPERVISED, *components.TD], ids=str)
def test_an_integer_error_is_a_number(row):
    component, rest = row.build(), jax.tree.map(lambda leaf: leaf[0], row.inputs)[1:]
    state = component.init(components.DIM)
    expected = updated(row, component, state, jnp.array(2.0), *rest)
    for error in (2, np.int64(2), jnp.int32(2)):
        assert_leaves_close(updated(row, component, state, error, *rest), expected)


def test_a_discount_may_be_an_array_of_one():
    optimizer, x = af.TDIDBD(trace_decay=0.9), jnp.array([1.0, 2.0])
    state = optimizer.init(2)
    expected = optimizer.update(state, 1.0, x, x, 0.5)
    for gamma in (jnp.array([0.5]), np.float32(0.5), jnp.array(0.5)):
        assert_leaves_close(optimizer.update(state, 1.0, x, x, gamma), expected)
