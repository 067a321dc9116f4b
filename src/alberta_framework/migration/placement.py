"""What was learned, put leaf for leaf into a new state."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from ..checkpoints.leaves import Leaf, decoded, described, encoded, module_names
from .axes import Axes
from .places import Places


class Placed(NamedTuple):
    """A state with what was learned in it, and the paths of what was kept, of the parts that begin
    anew, and of those that have no place in it."""

    state: Any
    kept: tuple[str, ...]
    new: tuple[str, ...]
    dropped: tuple[str, ...]


def placed(old: Any, fresh: Any, axes: Sequence[tuple[Places, Axes]]) -> Placed:
    """`fresh` with the numbers of `old`, each leaf with those of the leaf at the same path.

    Along an axis that counts inputs or heads each takes its own numbers, and new ones have those of
    `fresh`. A part of another class, or which only one of the two has, begins anew, or is dropped,
    as a whole.

    **Arguments:** `axes`: of inputs, and of heads, their places and the axes that count them.

    **Raises:** `ValueError` naming a leaf that has other axes or another dtype.
    """
    before, after = described(old), described(fresh)
    parts = _Parts(module_names(old), module_names(fresh))
    numbers = dict(zip((leaf.path for leaf in before), encoded(old, before), strict=True))
    sources = {leaf.path: leaf for leaf in before if parts.changed(leaf.path) is None}
    arrays, kept = [], []
    for leaf, array in zip(after, encoded(fresh, after), strict=True):
        source = sources.get(leaf.path)
        if source is not None and parts.changed(leaf.path) is None:
            array = _filled(source, leaf, numbers[leaf.path], array, axes)
            kept.append(leaf.path)
        arrays.append(array)
    taken = set(kept)
    state = jax.tree.unflatten(jax.tree.structure(fresh), decoded(after, arrays))
    return Placed(
        state,
        tuple(kept),
        parts.told(leaf.path for leaf in after if leaf.path not in taken),
        parts.told(leaf.path for leaf in before if leaf.path not in taken),
    )


class _Parts:
    """The Modules of two states by path, and where their classes differ."""

    def __init__(self, before: Mapping[str, str], after: Mapping[str, str]):
        self._differ = sorted(
            path for path in {**before, **after} if before.get(path) != after.get(path)
        )

    def changed(self, path: str) -> str | None:
        """The largest part around a leaf that is of another class in the other state."""
        return next((part for part in self._differ if _within(path, part)), None)

    def told(self, paths: Iterable[str]) -> tuple[str, ...]:
        """The parts that these leaves are of, or the leaves themselves."""
        found = ((self.changed(path), path) for path in paths)
        return tuple(dict.fromkeys(path if part is None else part for part, path in found))


def _within(path: str, part: str) -> bool:
    return path.startswith(part) and path[len(part) : len(part) + 1] in ("", ".", "[")


def _filled(
    source: Leaf,
    leaf: Leaf,
    old: np.ndarray,
    new: np.ndarray,
    axes: Sequence[tuple[Places, Axes]],
) -> np.ndarray:
    """The new array with the old numbers in their places."""
    there = [list(range(size)) for size in old.shape]
    here = [list(range(size)) for size in old.shape]
    sizes = list(source.shape)
    for places, counting in axes:
        for axis in counting.get(leaf.path, ()):
            here[axis], there[axis] = places.kept
            sizes[axis] = len(places.before)
    if leaf != source._replace(shape=tuple(sizes)):
        expected = source._replace(shape=tuple(sizes)).spoken()
        raise ValueError(
            f"migrate: {leaf.path} must be {expected} for what was learned, and is "
            f"{leaf.spoken()} in the new learner."
        )
    if old.shape == new.shape and here == there == [list(range(size)) for size in new.shape]:
        return old
    array = new.copy()
    array[np.ix_(*here)] = old[np.ix_(*there)]
    return array
