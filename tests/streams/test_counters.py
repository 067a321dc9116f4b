"""Steps and phases counted for years."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.streams import cases
from tests.trees import named_leaves

COUNTED = [row for row in cases.ALL if row.kind not in ("RandomWalkStream", "ScaledStreamWrapper")]


@pytest.mark.parametrize("steps", [0, 2**31 - 3, 2**32 - 3, 2**53 - 2])
@pytest.mark.parametrize("row", COUNTED, ids=str)
def test_steps_are_counted_past_every_word_boundary(row, steps):
    stream = row.traced()
    state = cases.begun(stream, jr.key(0)).replace(step_count=steps)
    assert state.step_count == steps
    assert cases.rolled(stream, state, 40)[1].step_count == steps + 40
    for ahead in range(1, 5):
        _, state = cases.stepped_once(stream, state)
        assert state.step_count == steps + ahead
        assert isinstance(state.step_count, int)


def test_lanes_count_for_themselves():
    stream = cases.with_arrays(af.AbruptChangeStream(2, 5))
    states = jax.vmap(stream.init)(jr.split(jr.key(0), 3))
    states = states.replace(step_count=np.array([0, 2**32 - 1, 2**40]))
    _, states = jax.vmap(lambda state: stream.rollout(state, 40))(states)
    np.testing.assert_array_equal(states.step_count, np.array([40, 2**32 + 39, 2**40 + 40]))


@pytest.mark.parametrize("row", COUNTED, ids=str)
def test_a_new_step_count_moves_no_phase(row):
    state = row.build().init(jr.key(0))
    moved = state.replace(step_count=12345)
    for (path, old), (_, new) in zip(
        named_leaves(cases.key_data(state)), named_leaves(cases.key_data(moved)), strict=True
    ):
        if path != ".steps":
            np.testing.assert_array_equal(old, new, err_msg=path)


def changes(weights):
    """The steps at which a row differs from the one before."""
    return (1 + np.flatnonzero(np.any(np.diff(np.asarray(weights), axis=0) != 0, axis=1))).tolist()


def watched(stream, state, num_steps, field):
    """What the state holds before the first step and after each."""
    seen = [getattr(state, field)]
    for _ in range(num_steps):
        _, state = cases.stepped_once(stream, state)
        seen.append(getattr(state, field))
    return np.stack(seen)


def test_phases_go_on_where_a_32_bit_counter_would_wrap():
    """2^32 is no multiple of 7: an interval cut short or drawn out would show."""
    stream = cases.with_arrays(af.AbruptChangeStream(3, 7))
    start = 2**32 - 10
    state = cases.begun(stream, jr.key(0)).replace(step_count=start, position=jnp.int32(start % 7))
    weights = watched(stream, state, 30, "true_weights")
    expected = [t + 1 for t in range(30) if (start + t) % 7 == 0]
    assert changes(weights) == expected


def test_a_chunk_longer_than_many_intervals_keeps_the_phase():
    stream = cases.with_arrays(af.CyclicStream(2, 3, 5, noise_std=0.0))
    state = cases.begun(stream, jr.key(0)).replace(position=13)
    _, end = cases.rolled(stream, state, 40)
    assert end.position == (13 + 40) % 15


def test_a_position_beyond_a_shortened_interval_is_taken_modulo():
    """A state resumed under a shorter interval: steps and rollout agree on what comes."""
    state = cases.begun(cases.with_arrays(af.AbruptChangeStream(3, 100)), jr.key(0))
    state = state.replace(position=jnp.int32(95))
    short = cases.with_arrays(af.AbruptChangeStream(3, 10))
    assert changes(watched(short, state, 12, "true_weights")) == [6]
    experience, end = cases.rolled(short, state, 12)
    expected, expected_end = cases.stepped(short, state, 12)
    assert end.position == expected_end.position == 7
    np.testing.assert_allclose(experience.target, expected.target, atol=1e-5)


def test_counters_are_host_properties_only():
    stream = af.AbruptChangeStream(3)

    @jax.jit
    def peek(state):
        return state.step_count

    with pytest.raises(TypeError, match=r"step_count.*host-side property"):
        peek(stream.init(jr.key(0)))
