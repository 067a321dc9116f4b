"""What stands in a component by dotted paths: found, told, exchanged."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np

from ..components.component import AbstractComponent
from ..components.known import require_known


def numeric_hyperparameters(component: AbstractComponent) -> dict[str, float]:
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


def dotted_paths(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables as dotted paths: TOML reads `optimizer.step_size = [...]` as tables."""
    flat = {}
    for key, value in tables.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{path}": inner for path, inner in dotted_paths(value).items()}
        else:
            flat[key] = value
    return flat


def known_paths(component: Any, path: str = "") -> Iterator[str]:
    """Every path that an axis may name, from `path` itself down to single numbers."""
    if path:
        yield path
    for name, part in _parts(component).items():
        yield from known_paths(part, f"{path}.{name}" if path else name)


def exchanged(component: Any, values: Mapping[str, Any], root: str = "") -> Any:
    """The component with other values at these dotted paths, which begin with `root` if given.

    Outer ones first, and those of one component at once, so that only what they make together has
    to be valid. A number in the place of an array stands for all of its elements.

    **Raises:** `ValueError` for an unknown path, naming the nearest and all, and for what a
    component refuses, naming the paths of its values.
    """
    own = [value for path, value in values.items() if path == root]
    for value in own:
        component = _like(component, value)
    start = f"{root}." if root else ""
    parts: dict[str, dict[str, Any]] = {}
    for path, value in values.items():
        if path != root:
            name = path.removeprefix(start).split(".")[0]
            if name not in _parts(component):
                require_known(f"path {path!r} in `axes`", path, known_paths(component, root))
            parts.setdefault(name, {})[path] = value
    changes = {
        name: exchanged(_parts(component)[name], inner, f"{start}{name}")
        for name, inner in parts.items()
    }
    if isinstance(component, tuple):
        return tuple(changes.get(str(place), part) for place, part in enumerate(component))
    try:
        # Through the constructor, so that a component checks what it is given.
        return dataclasses.replace(component, **changes) if changes else component
    except (TypeError, ValueError) as error:
        told = ", ".join(path for inner in parts.values() for path in inner)
        raise ValueError(f"{told}: {error}") from error


def _parts(component: Any) -> dict[str, Any]:
    """What a path may go on with: the fields of a component, the places in a tuple of several."""
    if isinstance(component, eqx.Module):
        return {
            field.name: getattr(component, field.name) for field in dataclasses.fields(component)
        }
    if isinstance(component, tuple) and any(isinstance(part, eqx.Module) for part in component):
        return {str(place): part for place, part in enumerate(component)}
    return {}


def _like(old: Any, value: Any) -> Any:
    """The value; a number in the place of an array stands for all of its elements."""
    is_array = isinstance(old, np.ndarray | jax.Array) and old.ndim > 0
    if is_array and np.ndim(value) == 0:
        return np.full(old.shape, value, np.asarray(old).dtype)
    return value
