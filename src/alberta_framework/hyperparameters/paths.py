"""Numeric hyperparameters by their dotted paths."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from ..components.component import AbstractComponent


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
