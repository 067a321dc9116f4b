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
    """Every number of a component by its path, as `optimizer.meta_step_size`.

    Numbers inside arrays or tuples have no path of this kind and are left out.
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(component)
    return {
        ".".join(key.name for key in path): np.asarray(leaf).item()
        for path, leaf in paths
        if np.ndim(leaf) == 0 and all(isinstance(k, jax.tree_util.GetAttrKey) for k in path)
    }


def dotted_paths(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables as dotted paths: TOML reads `optimizer.step_size = [...]` as tables."""
    flat = {}
    for key, value in tables.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{path}": inner for path, inner in dotted_paths(value).items()}
        else:
            flat[key] = value
    return flat


def known_paths(component: Any, path: str) -> Iterator[str]:
    """Every path that an axis may name, from `path` itself down to single numbers."""
    yield path
    if isinstance(component, eqx.Module):
        for field in dataclasses.fields(component):
            yield from known_paths(getattr(component, field.name), f"{path}.{field.name}")


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
            if not _has(component, name):
                known = known_paths(component, root) if root else _below(component)
                require_known(f"path {path!r} in `axes`", path, known)
            parts.setdefault(name, {})[path] = value
    changes = {
        name: exchanged(getattr(component, name), inner, f"{start}{name}")
        for name, inner in parts.items()
    }
    try:
        # Through the constructor, so that a component checks what it is given.
        return dataclasses.replace(component, **changes) if changes else component
    except (TypeError, ValueError) as error:
        told = ", ".join(path for inner in parts.values() for path in inner)
        raise ValueError(f"{told}: {error}") from error


def _has(component: Any, name: str) -> bool:
    fields = isinstance(component, eqx.Module) and dataclasses.fields(component)
    return bool(fields) and name in {field.name for field in fields}


def _below(component: Any) -> Iterator[str]:
    for field in dataclasses.fields(component):
        yield from known_paths(getattr(component, field.name), field.name)


def _like(old: Any, value: Any) -> Any:
    """The value; a number in the place of an array stands for all of its elements."""
    is_array = isinstance(old, np.ndarray | jax.Array) and old.ndim > 0
    if is_array and np.ndim(value) == 0:
        return np.full(old.shape, value, np.asarray(old).dtype)
    return value
