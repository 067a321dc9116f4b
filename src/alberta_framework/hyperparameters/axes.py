"""Grids of hyperparameters: which values each path takes, and how they make points."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ..components.ranges import require_choice
from .labels import labels_of


@dataclass(frozen=True)
class Axes:
    """The values of each path, and how they are combined to points.

    **Arguments:**

    - `values`: dotted path, as a sweep or a comparison takes it, to the values to try there.
    - `combine`: `"product"`, every combination, the last path fastest; `"zip"`, the first values
      together, the second ones, and so on. Without paths there is one point, which is empty.

    **Raises:** `ValueError` for no or repeated values, and for values of unequal number to zip.
    """

    values: Mapping[str, Sequence[Any]]
    combine: str = "product"

    def __post_init__(self):
        require_choice("sweep", "combine", self.combine, ("product", "zip"))
        values = listed("sweep: `axes`", self.values)
        counts = {path: len(given) for path, given in values.items()}
        if self.combine == "zip" and len(set(counts.values())) > 1:
            found = ", ".join(f"{count} for {path!r}" for path, count in counts.items())
            raise ValueError(f"sweep: `axes` must be of equal length to be zipped, got {found}.")
        object.__setattr__(self, "values", values)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values lie along each dimension of the grid; one dimension if zipped."""
        counts = tuple(map(len, self.values.values()))
        return counts if self.combine == "product" else counts[:1]

    @property
    def positions(self) -> list[tuple[int, ...]]:
        """Of each point, the position of its value along each path."""
        if self.combine == "zip":
            count = self.shape[0] if self.values else 1
            return [(place,) * len(self.values) for place in range(count)]
        return list(itertools.product(*map(range, self.shape)))

    @property
    def points(self) -> list[dict[str, Any]]:
        """The value of each path at each point, in the order of the points."""
        return [self.point(positions) for positions in self.positions]

    @property
    def labelled_points(self) -> list[dict[str, Any]]:
        """As `points`, with every value a number or a string."""
        labels = {path: self.labels(path) for path in self.values}
        return [
            {path: labels[path][place] for path, place in zip(labels, positions, strict=True)}
            for positions in self.positions
        ]

    def point(self, positions: Sequence[int]) -> dict[str, Any]:
        """The value of each path at a point."""
        pairs = zip(self.values.items(), positions, strict=True)
        return {path: given[place] for (path, given), place in pairs}

    def labels(self, path: str) -> list[Any]:
        """The values of a path as numbers or distinct strings, for a coordinate.

        Components are called by their class and, among several of one class, by what differs:
        `LMS(step_size=0.1)`.
        """
        return labels_of(self.values[path])


def listed(argument: str, values: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """The values of each path as a tuple; `ValueError` naming the argument that holds them."""
    return {path: _listed(argument, path, given) for path, given in values.items()}


def _listed(argument: str, path: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, np.ndarray | jax.Array) and given.ndim > 0:
        given = [value.item() if value.ndim == 0 else value for value in np.asarray(given)]
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise ValueError(f"{argument} must list the values of {path!r}, got {given!r}.")
    values = tuple(v.item() if isinstance(v, np.generic) else v for v in given)
    numbers = [v for v in values if isinstance(v, int | float)]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{argument} must list each value of {path!r} once, got {given!r}.")
    return values
