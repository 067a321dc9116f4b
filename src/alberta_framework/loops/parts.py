"""A batch shared out among the cores: each learns its own lanes, a whole chunk at a time."""

import functools as ft
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..compilation.execution_plan import ByStructure, is_in_memory


class Parts:
    """Lanes cut into parts of equal size; where they do not divide, the first lanes fill the last
    part once more."""

    def __init__(self, lanes: int, count: int):
        self.lanes, self.count = lanes, count

    def cut(self, tree: Any) -> list[Any]:
        """The parts of a tree whose arrays begin with the lanes."""
        return list(_cut(tree, count=self.count))

    def joined(self, parts: list[Any]) -> Any:
        """What `cut` takes apart."""
        return joined(parts, 0, self.lanes)


@ft.partial(jax.jit, static_argnames="count")
def _cut(tree, count):
    def longer(array):
        return jnp.concatenate([array, array[: -array.shape[0] % count]])

    def part(array, i):
        size = array.shape[0] // count
        return array[i * size : (i + 1) * size]

    tree = jax.tree.map(longer, tree)
    return tuple(jax.tree.map(ft.partial(part, i=i), tree) for i in range(count))


def joined(parts: list[Any], axis: int, length: int | None = None) -> Any:
    """Trees of arrays, one after the other along an axis; of that axis only so much."""
    if len(parts) == 1 and length is None:
        return parts[0]
    leaves = [jax.tree.leaves(part) for part in parts]
    if not all(is_in_memory(leaf) for part in leaves for leaf in part):
        return _joined(parts, axis=axis, length=length)
    # Arrays that lie in the host's memory are joined there, with nothing to compile.
    kept = (slice(None),) * axis + (slice(length),)
    whole = [jax.device_put(np.concatenate(of, axis)[kept]) for of in zip(*leaves, strict=True)]
    return jax.tree.unflatten(jax.tree.structure(parts[0]), whole)


@ft.partial(jax.jit, static_argnames=("axis", "length"))
def _joined(parts, axis, length):
    kept = (slice(None),) * axis + (slice(length),)
    return jax.tree.map(lambda *arrays: jnp.concatenate(arrays, axis)[kept], *parts)


@ByStructure
def times_seen(*trees: Any, **static: Any) -> list[int]:
    """A place to count how often trees like these were worked on."""
    del trees, static
    return [0]


def on_each_core(work: Callable[[int, Any], Any], states: list[Any]) -> Iterator[list[Any]]:
    """`work(part, state)` of every part at once, again and again, each giving its next state.

    The very first time one part goes ahead of the others, so that what they share compiles once.
    """
    with ThreadPoolExecutor(len(states) - 1, "alberta-lanes") as others:

        def at_once(states):
            waiting = [others.submit(work, i, state) for i, state in enumerate(states) if i]
            return [work(0, states[0]), *[future.result() for future in waiting]]

        turn = times_seen(*states)
        if turn[0]:
            states = at_once(states)
        else:
            first = work(0, states[0])
            states = [first, *others.map(work, range(1, len(states)), states[1:])]
        turn[0] += 1
        while True:
            yield states
            states = at_once(states)
