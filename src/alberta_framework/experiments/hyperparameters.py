"""Numeric hyperparameters by their dotted paths, and grids of them."""

import difflib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..compilation.boundary import strong
from ..components.component import AbstractComponent

Point = dict[str, float]


def numeric_hyperparameters(component: AbstractComponent) -> Point:
    """Every number of a component by its path, as `optimizer.meta_step_size`, or with the place of
    a component among several, `features.parts.0.gamma`.

    Numbers that stand in an array or a tuple themselves have no path and are left out.
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(component)
    names = [[_name(key) for key in path] for path, _ in paths]
    return {
        ".".join(own): np.asarray(leaf).item()
        for own, (_, leaf) in zip(names, paths, strict=True)
        if np.ndim(leaf) == 0 and all(own) and not own[-1].isdigit()
    }


def _name(key: Any) -> str:
    """What a path calls a step into a component; empty for what has no name in one."""
    if isinstance(key, jax.tree_util.SequenceKey):
        return str(key.idx)
    return key.name if isinstance(key, jax.tree_util.GetAttrKey) else ""


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
        part = config
        for parent in parents:
            part = part[int(parent) if isinstance(part, list) else parent]
        part[name] = value
    return type(component).from_config(config) if point else component


def stacked(components: Sequence[Any]) -> Any:
    """Components of one structure as one, every number strong and with a leading axis."""
    # Converted once, and not component by component, of which there may be thousands.
    return jax.tree.map(np.asarray, strong(jax.tree.map(_stack, *components)))


def _stack(*leaves: Any) -> Any:
    arrays = any(isinstance(leaf, jax.Array) for leaf in leaves)
    return jnp.stack(leaves) if arrays else np.stack(leaves)


def require_known(what: str, name: str, known: Iterable[str]) -> None:
    """`ValueError` naming the valid names and the nearest one unless `name` is among `known`."""
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {what}: {hint}Known: {', '.join(names) or 'none'}.")


def dotted_paths(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables as dotted paths: TOML reads `optimizer.step_size = [...]` as tables."""
    flat = {}
    for key, value in tables.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{path}": inner for path, inner in dotted_paths(value).items()}
        else:
            flat[key] = value
    return flat
