"""Lanes cut into tiles whose states stay in the first cache while they learn a whole chunk."""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

# The numbers of a vector instruction, or a multiple.
_VECTOR = 8
# How much wider than its members a unit may be before several members share one.
_SPARE = 1.07
# Of states; a step reads and writes about as much besides.
_TILE_BYTES = 24 * 2**10
# How many copies are joined at once.
_COPIES = 16


@dataclass(frozen=True)
class Tiles:
    """Lanes times members of a lane, a tile of some lanes times some members after the other.

    A tile is the last axis of its arrays. It is made of units, side by side: some members of all
    its lanes, one after the other, and then from the beginning again up to whole vectors. All
    units of a tile see the same experience.
    """

    lanes: int
    members: int
    tile_lanes: int
    unit_members: int
    units: int

    @classmethod
    def of(cls, lanes: int, members: int, bytes_of_one: int) -> "Tiles":
        """Tiles of about equal size, for states of `bytes_of_one`."""
        width = max(_VECTOR, _TILE_BYTES // max(1, bytes_of_one))
        tile_lanes = _even(lanes, width)
        most = max(1, width // tile_lanes)
        choices = range(1, min(members, most, _VECTOR) + 1)
        spare = {n: _vectors(n * tile_lanes) / (n * tile_lanes) for n in choices}
        enough = max(_SPARE, min(spare.values()))
        unit = next(n for n in choices if spare[n] <= enough)
        return cls(lanes, members, tile_lanes, unit, _even(math.ceil(members / unit), most // unit))

    @property
    def unit_width(self) -> int:
        return _vectors(self.unit_members * self.tile_lanes)

    @property
    def width(self) -> int:
        """Of the last axis."""
        return self.units * self.unit_width

    def cut(self, array: Any) -> Any:
        """An array [lanes, members, ...] as [tiles of lanes, tiles of members, ..., width]."""
        array = _longer(array, self.tile_lanes, 0)
        array = _longer(array, self.units * self.unit_members, 1)
        lanes, members, *rest = array.shape
        array = array.reshape(
            lanes // self.tile_lanes,
            self.tile_lanes,
            members // (self.units * self.unit_members),
            self.units,
            self.unit_members,
            *rest,
        )
        array = jnp.moveaxis(array, (3, 4, 1), (-3, -2, -1))
        array = _repeated(array.reshape(*array.shape[:-2], -1), self.unit_width)
        return array.reshape(*array.shape[:-2], -1)

    def joined(self, array: Any) -> Any:
        """What `cut` makes tiles of."""
        array = array.reshape(*array.shape[:-1], self.units, self.unit_width)
        array = array[..., : self.unit_members * self.tile_lanes]
        array = array.reshape(*array.shape[:-1], self.unit_members, self.tile_lanes)
        array = jnp.moveaxis(array, (-3, -2, -1), (3, 4, 1))
        lanes, inner_lanes, members, units, inner_members, *rest = array.shape
        array = array.reshape(lanes * inner_lanes, members * units * inner_members, *rest)
        return array[: self.lanes, : self.members]

    def seen(self, experience: Any) -> Any:
        """Experience [lanes, steps, ...] as [tiles of lanes, steps, ..., width of a unit]."""
        experience = _longer(experience, self.tile_lanes, 0)
        lanes, steps, *rest = experience.shape
        shape = lanes // self.tile_lanes, self.tile_lanes, steps, *rest
        return _repeated(jnp.moveaxis(experience.reshape(shape), 1, -1), self.unit_width)

    def spread(self, array: Any) -> Any:
        """What a unit sees, for all units."""
        return _repeated(array, self.width)


def each(fn: Any, *args: Any) -> Any:
    """`fn` of every tile along the first axis, one after the other."""
    if jax.tree.leaves(args)[0].shape[0] > 1:
        return jax.lax.map(lambda tile: fn(*tile), args)
    return jax.tree.map(lambda a: a[None], fn(*jax.tree.map(lambda a: a[0], args)))


def _even(count: int, limit: int) -> int:
    """The size of the parts when `count` is cut into as few as `limit` allows, evenly."""
    return math.ceil(count / math.ceil(count / limit))


def _vectors(count: int) -> int:
    return _VECTOR * math.ceil(count / _VECTOR)


def _longer(array: Any, multiple: int, axis: int) -> Any:
    """The array with its beginning at the end once more, up to a multiple."""
    missing = -array.shape[axis] % multiple
    if not missing:
        return array
    return jnp.concatenate([array, jax.lax.slice_in_dim(array, 0, missing, axis=axis)], axis)


def _repeated(array: Any, width: int) -> Any:
    times, rest = divmod(width, array.shape[-1])
    if times > _COPIES:
        return _repeated(jnp.concatenate([array] * _COPIES, -1), width)
    parts = [array] * times + ([array[..., :rest]] if rest else [])
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts, -1)
