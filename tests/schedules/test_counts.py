"""Schedules against Python's integers and fractions, at counts of any size."""

from fractions import Fraction

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import alberta_framework as af

# Around every size at which a count of steps could lose its last digits.
EDGES = [0, 1, 2**24 - 1, 2**24 + 1, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**53, 2**63]
counts = st.one_of(
    st.sampled_from(EDGES),
    st.integers(0, 100),
    st.integers(0, 2**33),
    st.integers(0, 2**64 - 1),
)
lengths = st.one_of(st.integers(1, 50), st.integers(1, 2**31 - 1))
# Processors may take numbers that have fewer digits than float32 for 0.
numbers = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


def words(steps):
    """The high and the low 32 bits, as lives count."""
    return jnp.asarray([steps >> 32, steps & 0xFFFFFFFF], jnp.uint32)


@eqx.filter_jit
def at(schedule, steps):
    return schedule(steps)


def number(schedule, steps):
    """Numbers of a schedule are traced: one program for each class."""
    traced = jax.tree.map(lambda leaf: jnp.asarray(leaf), with_arrays(schedule))
    value = at(traced, words(steps))
    assert value.shape == () and value.dtype == jnp.float32
    return float(value)


def with_arrays(schedule):
    whole = ("num_steps", "period")
    leaves, tree = jax.tree_util.tree_flatten_with_path(schedule)
    arrays = [
        jnp.asarray(leaf, jnp.int32 if path[-1].name in whole else jnp.float32)
        for path, leaf in leaves
    ]
    return jax.tree.unflatten(tree, arrays)


@given(counts, numbers)
def test_constant(steps, value):
    assert number(af.Constant(value), steps) == np.float32(value)


def exact_linear(start, end, num_steps, steps):
    start, end = Fraction(float(np.float32(start))), Fraction(float(np.float32(end)))
    return start + (end - start) * min(Fraction(steps, num_steps), 1)


@given(counts, numbers, numbers, lengths)
@example(2**32 + 3, 1.0, 0.0, 10)
@example(2**32 + 3, 1.0, 0.0, 2**31 - 1)
@example(2**31 + 3, 1.0, 0.0, 2**31 - 1)
@example(2**31 - 2, 1.0, 0.0, 2**31 - 1)
def test_linear(steps, start, end, num_steps):
    """To a few roundings of float32: of the share, the difference, the product and the sum."""
    tiny = Fraction(1, 2**120)  # Where float32 has fewer digits, or none.
    expected = exact_linear(start, end, num_steps, steps)
    size = max(abs(start), abs(end), abs(start - end))
    found = Fraction(number(af.Linear(start, end, num_steps), steps))
    assert abs(found - expected) <= Fraction(size) * 4 / 2**23 + tiny
    room = size * 2.0**-23 + float(tiny)
    low, high = sorted((np.float32(start), np.float32(end)))
    if steps >= num_steps:
        # start + (end - start) may miss `end` by a rounding of either.
        assert abs(float(found) - float(np.float32(end))) <= room
    elif steps == 0:
        assert float(found) == np.float32(start)
    assert low - room <= float(found) <= high + room


tables = st.lists(numbers, min_size=1, max_size=5)


@given(counts, tables, st.integers(1, 2**31 // 6))
@example(2**32, [0.0, 1.0, 2.0], 7)
@example(2**32 - 1, [0.0, 1.0, 2.0], 7)
@example(2**64 - 1, [0.0, 1.0, 2.0, 3.0, 4.0], 2**31 // 6)
def test_periodic(steps, values, period):
    expected = values[(steps // period) % len(values)]
    assert number(af.Periodic(values, period), steps) == np.float32(expected)


@pytest.mark.parametrize("values, period", [([3.0, -1.0], 2**30 - 1), ([5.0], 2**31 - 1)])
@pytest.mark.parametrize("steps", EDGES)
def test_the_longest_periods(values, period, steps):
    expected = values[(steps // period) % len(values)]
    assert number(af.Periodic(values, period), steps) == expected


@pytest.mark.parametrize("start", [0, 2**32 - 20, 2**53 - 20])
def test_one_step_after_the_other(start):
    """Every count of forty, across the edges of words."""
    schedule = af.Periodic([1.0, 2.0, 3.0], 4)
    found = [number(schedule, start + t) for t in range(40)]
    assert found == [[1.0, 2.0, 3.0][(start + t) // 4 % 3] for t in range(40)]


@pytest.mark.parametrize("build", [lambda n: af.Linear(0.0, 1.0, n), lambda n: af.Periodic([1], n)])
@pytest.mark.parametrize("bad", [0, -1, 2**31, 1.5, np.nan, np.inf, True, "4"])
def test_steps_out_of_range(build, bad):
    with pytest.raises((TypeError, ValueError), match=r"num_steps|period"):
        build(bad)


@pytest.mark.parametrize("values, period", [([], 3), ([1.0, np.nan], 3), ([1.0, 2.0], 2**30)])
def test_values_out_of_range(values, period):
    with pytest.raises((TypeError, ValueError), match=r"values|period"):
        af.Periodic(values, period)
