"""Tiles hold every member once, beside the experience of its own lane, in whole vectors."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alberta_framework.loops.tiles import Tiles, each

CASES = (
    (1, 1, 300),
    (30, 20, 300),
    (15, 20, 300),
    (3, 50, 700),
    (5, 55, 1),
    (70, 7, 300),
    (9, 4, 10**6),
    (1, 33, 3000),
)
a_case = pytest.mark.parametrize("lanes,members,bytes_of_one", CASES)


@a_case
def test_what_is_cut_is_joined_again(lanes, members, bytes_of_one):
    tiles = Tiles.of(lanes, members, bytes_of_one)
    array = jnp.asarray(np.random.default_rng(0).normal(size=(lanes, members, 3)))
    cut = tiles.cut(array)
    assert cut.shape[-2:] == (3, tiles.width)
    np.testing.assert_array_equal(tiles.joined(cut), array)


@a_case
def test_a_member_sees_the_experience_of_its_lane(lanes, members, bytes_of_one):
    tiles = Tiles.of(lanes, members, bytes_of_one)
    of_lane = jnp.arange(lanes, dtype=jnp.float32)
    lane_of_member = tiles.cut(jnp.broadcast_to(of_lane[:, None], (lanes, members)))
    seen = tiles.spread(tiles.seen(jnp.broadcast_to(of_lane[:, None, None], (lanes, 2, 4))))
    assert seen.shape == (lane_of_member.shape[0], 2, 4, tiles.width)
    expected = jnp.broadcast_to(seen[:, :1, 0], lane_of_member.shape)
    np.testing.assert_array_equal(lane_of_member, expected)


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from((1, 300, 700, 3000, 10**6)))
def test_a_tile_is_whole_vectors_of_few_bytes(lanes, members, bytes_of_one):
    tiles = Tiles.of(lanes, members, bytes_of_one)
    assert tiles.width % 8 == 0
    held = tiles.tile_lanes * tiles.unit_members * tiles.units
    assert held <= max(8, 24 * 2**10 // bytes_of_one)
    # Cutting evenly and filling vectors up leaves less than half of the work idle.
    in_all = tiles.width
    in_all *= math.ceil(lanes / tiles.tile_lanes)
    in_all *= math.ceil(members / (tiles.unit_members * tiles.units))
    assert in_all < 2 * lanes * members + 16


def test_each_tile_is_a_call_of_its_own():
    rows = jnp.arange(6.0).reshape(3, 2)
    for count in (1, 3):
        found = each(lambda row, other: (row + 1.0, jnp.sum(other)), rows[:count], rows[:count])
        np.testing.assert_array_equal(found[0], rows[:count] + 1.0)
        np.testing.assert_array_equal(found[1], rows[:count].sum(1))
