"""What older versions wrote, brought to the form of today.

The life of a state had four rows of words before it counted the rejected steps in a row: the rows
that are missing come after them, and begin at 0.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..learners import Lifecycle
from .leaves import Leaf, described, module_names

_LIFE = ".words"


def upgraded(leaves: list[Leaf], nodes: Mapping[str, str]) -> list[Leaf]:
    """The leaves as today's classes have them; `nodes` are the names of the Modules by path."""
    return [
        leaf._replace(shape=(*leaf.shape[:-2], Lifecycle.rows, 2))
        if _is_older_life(leaf, nodes)
        else leaf
        for leaf in leaves
    ]


def upgraded_array(array: Any, shape: tuple[int, ...]) -> Any:
    """An array that was stored as an older leaf, as the upgraded leaf of this shape."""
    if array.ndim != len(shape) or array.shape == shape:
        return array
    filled = [(0, new - old) for new, old in zip(shape, array.shape, strict=True)]
    return (np if isinstance(array, np.ndarray) else jnp).pad(array, filled)


def upgraded_arrays(arrays: Sequence[np.ndarray], state: Any) -> list[np.ndarray]:
    """The stored leaves of a state like `state`, where nothing but their order was stored."""
    leaves, nodes = described(state), module_names(state)
    return [
        upgraded_array(array, leaf.shape) if _is_life(leaf, nodes) else array
        for array, leaf in zip(arrays, leaves, strict=True)
    ]


def _is_life(leaf: Leaf, nodes: Mapping[str, str]) -> bool:
    owner = nodes.get(leaf.path.removesuffix(_LIFE))
    return leaf.path.endswith(_LIFE) and owner == Lifecycle.__name__


def _is_older_life(leaf: Leaf, nodes: Mapping[str, str]) -> bool:
    return _is_life(leaf, nodes) and len(leaf.shape) >= 2 and leaf.shape[-2] < Lifecycle.rows
