"""Every number of a component may be swept, differentiated, or changed at will."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.compilations import count_compilations
from tests.laws import components
from tests.trees import assert_finite, assert_leaves_close, lane

NUMBERED = [row for row in components.ALL if row.path != "errors inside"]


def assert_lanes(batched, singles):
    for index, single in enumerate(singles):
        assert_leaves_close(lane(batched, index), single, relative=2e-6)


def differ(one, other):
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return any(not np.array_equal(a, b) for a, b in pairs)


# Some of the swept bounds exclude the initial step size, of which the constructor warns.
@pytest.mark.filterwarnings("ignore:.*initial_step_size:UserWarning")
@pytest.mark.parametrize("row", NUMBERED, ids=str)
def test_a_sweep_over_any_number_is_the_python_loop(row):
    """Every number takes three values in turn while the others stay: a lane for each."""
    lanes = [
        row.build(**{field: float(value)})
        for field, values in row.numbers.items()
        for value in values
    ]
    run = jax.jit(row.run)
    singles = [run(component, row.inputs) for component in lanes]
    batch = jax.tree.map(lambda *leaves: jnp.asarray(leaves, jnp.float32), *lanes)
    assert_lanes(jax.jit(jax.vmap(row.run, in_axes=(0, None)))(batch, row.inputs), singles)
    for index, field in enumerate(row.numbers):
        assert differ(singles[3 * index], singles[3 * index + 2]), f"{field} has no effect"


@pytest.mark.filterwarnings("ignore:.*initial_step_size:UserWarning")
@pytest.mark.parametrize("row", components.ONE_OF_EACH, ids=str)
def test_every_number_may_be_an_array_at_construction(row):
    for field, values in row.numbers.items():
        swept = row.build(**{field: jnp.asarray(values, jnp.float32)})
        np.testing.assert_array_equal(getattr(swept, field), np.float32(values))


@pytest.mark.parametrize("row", components.ONE_OF_EACH, ids=str)
def test_all_three_spellings_of_a_sweep_agree(row):
    field, values = next(iter(row.numbers.items()))
    array = jnp.asarray(values, jnp.float32)
    singles = [jax.jit(row.run)(row.build(**{field: value}), row.inputs) for value in values]
    in_axes = (eqx.if_array(0), None)

    built_inside = eqx.filter_vmap(lambda value: row.build(**{field: value}))(array)
    built_batched = row.build(**{field: array})
    swapped = eqx.tree_at(lambda c: getattr(c, field), row.build(), array)
    run = eqx.filter_vmap(row.run, in_axes=in_axes)
    for swept in (built_inside, built_batched, swapped):
        np.testing.assert_array_equal(getattr(swept, field), array)
        assert_lanes(run(swept, row.inputs), singles)

    both = eqx.filter_vmap(lambda value: row.run(row.build(**{field: value}), row.inputs))(array)
    assert_lanes(both, singles)


@pytest.mark.parametrize("row", components.ONE_OF_EACH, ids=str)
def test_other_values_do_not_recompile(row):
    """For a plain `jax.jit`: floats of any value are one program."""
    run = jax.jit(row.run)
    field, values = next(iter(row.numbers.items()))
    low, mid, _ = map(float, values)
    run(row.build(**{field: mid}), row.inputs)
    other = row.build(**{field: low})
    with count_compilations() as seen:
        run(other, row.inputs)
    assert not seen


@pytest.mark.parametrize("row", components.ONE_OF_EACH, ids=str)
def test_static_and_traced_numbers_agree(row):
    component = row.build()
    static, traced = eqx.filter_jit(row.run), jax.jit(row.run)
    assert_leaves_close(static(component, row.inputs), traced(component, row.inputs), relative=5e-6)


@pytest.mark.parametrize(
    "row",
    [*components.SUPERVISED, *components.TENSOR, *components.TD, *components.NORMALIZERS],
    ids=str,
)
def test_gradients_through_init_and_update_are_finite(row):
    """Also at the first step, where normalizers of step sizes are 0, and for inputs that are 0."""

    def total(component):
        outputs = row.run(component, row.inputs)[0]
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(outputs))

    component = jax.tree.map(jnp.float32, row.build())
    component = infinities_out(component)
    gradient = jax.jit(jax.grad(total))(component)
    assert_finite(gradient)
    assert any(np.any(leaf != 0) for leaf in jax.tree.leaves(gradient))


def infinities_out(component):
    """A large finite bound in place of an infinite one: its derivative is then defined."""
    return jax.tree.map(lambda leaf: jnp.where(jnp.isinf(leaf), 1e6, leaf), component)


@pytest.mark.parametrize("row", components.BOUNDERS, ids=str)
def test_gradients_through_a_bound_are_finite_at_zero_steps(row):
    steps, errors, params = row.inputs
    zeroed = (tuple(step.at[0].set(0.0) for step in steps), errors, params)

    def total(component, steps):
        bounded, _ = row.run(component, (steps, *zeroed[1:]))
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in bounded)

    component = jax.tree.map(jnp.float32, row.build())
    assert_finite(jax.jit(jax.grad(total, argnums=(0, 1)))(component, zeroed[0]))
