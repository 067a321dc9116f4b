"""Points of a grid of hyperparameters."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ..components.component import AbstractComponent
from ..components.known import require_known
from .paths import numeric_hyperparameters

Point = dict[str, float]


def grid_points(grid: Mapping[str, Sequence[float]]) -> tuple[Point, ...]:
    """Every combination of the values of a grid, the last path fastest; one empty point for none.

    A point maps each path to its value.
    """
    return tuple(
        dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())
    )


def at_point(component: AbstractComponent, point: Mapping[str, float]) -> Any:
    """The component with the numbers at the point's paths exchanged.

    **Raises:** `ValueError` for an unknown path (naming those that are known), a value that is no
    number, or one outside its range.
    """
    config = component.to_config()
    for path, value in point.items():
        require_known(f"path {path!r}", path, numeric_hyperparameters(component))
        *parents, name = path.split(".")
        part: Any = config
        for parent in parents:
            part = part[int(parent) if isinstance(part, list) else parent]
        part[name] = value
    return type(component).from_config(config) if point else component
