"""Numeric hyperparameters by their dotted paths."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from ..components.component import AbstractComponent


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
