"""Recorded arrays as streams."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.streams import cases
from tests.trees import assert_same_bits, lane


def numbered(length, dim=2):
    """Rows that tell their own number."""
    return np.float32(np.arange(length)[:, None] + np.linspace(0.0, 0.5, dim))


@pytest.mark.parametrize("length, start, steps", [(7, 0, 7), (7, 5, 3), (7, 6, 40), (1, 0, 5)])
def test_rows_come_in_order_and_start_again(length, start, steps):
    stream = af.ArrayStream(numbered(length), 10 * np.arange(length))
    state = stream.init(jr.key(0)).replace(position=jnp.int32(start), step_count=start)
    experience, end = cases.rolled(stream, state, steps)
    rows = (start + np.arange(steps)) % length
    np.testing.assert_array_equal(experience.observation, numbered(length)[rows])
    np.testing.assert_array_equal(experience.target, 10.0 * rows[:, None])
    assert end.position == (start + steps) % length
    assert end.step_count == start + steps
    for row in rows[:10]:
        one, state = cases.stepped_once(stream, state)
        np.testing.assert_array_equal(one.observation, numbered(length)[row])
        np.testing.assert_array_equal(one.target, [10.0 * row])


def test_transitions_come_in_order_and_start_again():
    length = 4
    stream = af.TDArrayStream(
        numbered(length), np.arange(length), numbered(length) + 1, np.full(length, 0.5)
    )
    experience, end = cases.rolled(stream, stream.init(jr.key(0)), 6)
    rows = np.array([0, 1, 2, 3, 0, 1])
    np.testing.assert_array_equal(experience.observation, numbered(length)[rows])
    np.testing.assert_array_equal(experience.next_observation, numbered(length)[rows] + 1)
    np.testing.assert_array_equal(experience.reward, np.float32(rows))
    np.testing.assert_array_equal(experience.gamma, np.full(6, 0.5))
    assert end.step_count == 6


def test_records_of_any_kind_are_replayed():
    record = {"observation": numbered(3), "names": None, "more": (np.arange(3),)}
    stream = af.RecordedStream(record)
    experience, _ = cases.rolled(stream, stream.init(jr.key(0)), 4)
    np.testing.assert_array_equal(experience["observation"], numbered(3)[[0, 1, 2, 0]])
    np.testing.assert_array_equal(experience["more"][0], [0, 1, 2, 0])
    assert experience["names"] is None


def test_lanes_start_where_they_stand():
    stream = af.ArrayStream(numbered(9), np.zeros((9, 3)))
    states = jax.vmap(stream.init)(jr.split(jr.key(0), 3))
    states = states.replace(position=jnp.array([0, 4, 8], jnp.int32))
    experience, _ = jax.vmap(lambda state: stream.rollout(state, 5))(states)
    for index, start in enumerate((0, 4, 8)):
        np.testing.assert_array_equal(
            lane(experience, index).observation, numbered(9)[(start + np.arange(5)) % 9]
        )


def test_arrays_are_arguments_of_the_program():
    stream = af.ArrayStream(numbered(50), np.zeros(50))
    other = af.ArrayStream(numbered(50) + 100, np.ones(50))
    state = stream.init(jr.key(0))
    cases.rolled(stream, state, 5)
    with count_compilations() as seen:
        experience, _ = cases.rolled(other, state, 5)
    assert not seen
    np.testing.assert_array_equal(experience.observation, numbered(50)[:5] + 100)


def test_numbers_of_any_kind_are_kept_as_float32():
    expected = af.ArrayStream(np.float32([[1], [2]]), np.float32([[3, 4], [5, 6]]))
    for observations, targets in (
        ([[1], [2]], [[3, 4], [5, 6]]),
        (np.array([[1.0], [2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])),
        (jnp.array([[1], [2]]), jnp.array([[3, 4], [5, 6]])),
    ):
        assert_same_bits(af.ArrayStream(observations, targets), expected)
    assert expected.feature_dim == 1


def test_missing_targets_and_wild_numbers_are_handed_on():
    """What to make of them is the learner's business."""
    stream = af.ArrayStream([[np.inf], [1e300]], [np.nan, 1.0])
    experience, _ = cases.rolled(stream, stream.init(jr.key(0)), 2)
    np.testing.assert_array_equal(experience.observation, [[np.inf], [np.inf]])
    np.testing.assert_array_equal(experience.target, [[np.nan], [1.0]])


def test_no_key_is_needed():
    stream = af.ArrayStream(numbered(3), np.zeros(3))
    assert_same_bits(stream.init(), stream.init(jr.key(5)))


@pytest.mark.parametrize(
    "changes, error, message",
    [
        (
            {"observations": np.zeros(5)},
            ValueError,
            r"`observations` .* \(T, d\), got shape \(5,\)",
        ),
        ({"observations": np.zeros((0, 2))}, ValueError, r"`observations` .* got shape \(0, 2\)"),
        ({"observations": np.zeros((4, 0))}, ValueError, r"`observations` .* got shape \(4, 0\)"),
        ({"targets": np.zeros(3)}, ValueError, r"`targets` .* \(4, k\), got shape \(3, 1\)"),
        ({"targets": np.zeros((4, 1, 1))}, ValueError, r"`targets` .* got shape \(4, 1, 1\)"),
        ({"targets": "none"}, TypeError, r"ArrayStream: `targets` .*, got 'none'"),
        ({"observations": jr.split(jr.key(0), 4)}, TypeError, "`observations`"),
    ],
)
def test_wrong_arrays_are_named(changes, error, message):
    arrays = {"observations": np.zeros((4, 2)), "targets": np.zeros((4, 1))}
    with pytest.raises(error, match=message):
        af.ArrayStream(**arrays | changes)


@pytest.mark.parametrize(
    "name, shape",
    [
        ("rewards", (3,)),
        ("rewards", (4, 1)),
        ("gammas", ()),
        ("gammas", (5,)),
        ("next_observations", (4, 3)),
        ("next_observations", (3, 2)),
    ],
)
def test_arrays_of_transitions_belong_together(name, shape):
    arrays = {
        "observations": np.zeros((4, 2)),
        "rewards": np.zeros(4),
        "next_observations": np.zeros((4, 2)),
        "gammas": np.zeros(4),
    }
    message = rf"TDArrayStream: `{name}` must be a real array of shape \(4"
    with pytest.raises(ValueError, match=message):
        af.TDArrayStream(**arrays | {name: np.zeros(shape)})
