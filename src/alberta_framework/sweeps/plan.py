"""Which compiled programs a sweep needs, and which points each of them carries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from ..hyperparameters.axes import Axes
from .roots import at_paths, require_roots, root_of


@dataclass(frozen=True)
class Program:
    """Points of one structure: they differ in numbers alone, so one compiled program runs them.

    - `streams`: each draws the experience of every seed once.
    - `learners`: if `paired`, the learner of each stream; else all of them learn from each stream.
    - `points` [streams, learners of a stream]: the number of each point in the sweep.
    """

    streams: tuple[Any, ...]
    learners: tuple[Any, ...]
    points: NDArray[np.int64]
    paired: bool


def programs(learner: Any, stream: Any, axes: Axes) -> tuple[Program, ...]:
    """The programs of a sweep, in the order in which their first points come.

    **Raises:** `ValueError` for an unknown path or a value that a component refuses.
    """
    require_roots(axes.values, learner, stream)
    paths, positions = list(axes.values), axes.positions
    heads = [root_of(path) for path in paths]
    learners, which_learner = _distinct(learner, "learner", axes, heads, positions)
    streams, which_stream = _distinct(stream, "stream", axes, heads, positions)
    if axes.combine == "zip" and len(set(heads)) > 1:
        return _pairs(learners, streams)
    point = {pair: i for i, pair in enumerate(zip(which_stream, which_learner, strict=True))}
    found = []
    for stream_group in _alike(streams):
        for learner_group in _alike(learners):
            points = np.array([[point[s, one] for one in learner_group] for s in stream_group])
            chosen_streams = tuple(streams[s] for s in stream_group)
            chosen = tuple(learners[one] for one in learner_group)
            found.append(Program(chosen_streams, chosen, points, paired=False))
    return tuple(sorted(found, key=lambda program: program.points[0, 0]))


def _pairs(learners: Sequence[Any], streams: Sequence[Any]) -> tuple[Program, ...]:
    groups = _alike(list(zip(learners, streams, strict=True)))
    return tuple(
        Program(
            tuple(streams[i] for i in group),
            tuple(learners[i] for i in group),
            np.array(group)[:, None],
            paired=True,
        )
        for group in groups
    )


def _distinct(component, root, axes, heads, positions) -> tuple[list[Any], list[int]]:
    """The component at each distinct combination of its own values, and which each point has."""
    own = [place for place, head in enumerate(heads) if head == root]
    number: dict[tuple[int, ...], int] = {}
    built, which = [], []
    for position in positions:
        key = tuple(position[place] for place in own)
        if key not in number:
            number[key] = len(built)
            built.append(at_paths(component, root, axes.point(position)))
        which.append(number[key])
    return built, which


def _alike(components: Sequence[Any]) -> list[list[int]]:
    """The places of components of the same structure, shapes included."""
    groups: dict[Any, list[int]] = {}
    for place, component in enumerate(components):
        leaves, structure = jax.tree.flatten(component)
        shapes = tuple(np.shape(leaf) for leaf in leaves)
        groups.setdefault((structure, shapes), []).append(place)
    return list(groups.values())
