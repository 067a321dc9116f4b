"""What older versions wrote, brought to the form of today.

- The life of a state had four rows of words before it counted the rejected steps in a row: the rows
  that are missing come after them, and begin at 0.
- A Horde had the state of a learner of many heads, which held the discounts of the last transition
  for it: today it has a state of its own, and that of a learner of targets holds none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from ..learners import Lifecycle
from .leaves import Leaf, described, module_names

_LIFE = ".words"
_HEADS, _HORDE, _DISCOUNTS = "MultiHeadMLPState", "HordeState", ".previous_discounts"


class Upgrade(NamedTuple):
    """The leaves and the names of the Modules by path, as today's classes have them; `kept` says
    which of the stored leaves they are."""

    leaves: list[Leaf]
    nodes: dict[str, str]
    kept: list[bool]


def upgraded(stored: list[Leaf], nodes: Mapping[str, str], template: Any) -> Upgrade:
    """What was stored, for a state like `template`."""
    wanted = module_names(template)
    hordes = {p for p, name in nodes.items() if name == _HEADS and wanted.get(p) == _HORDE}
    heads = {p for p, name in nodes.items() if name == _HEADS and wanted.get(p) == _HEADS}
    kept = [leaf.path not in {path + _DISCOUNTS for path in heads} for leaf in stored]
    leaves = [leaf for leaf, keep in zip(stored, kept, strict=True) if keep]
    return Upgrade(
        leaves=[
            leaf._replace(shape=(*leaf.shape[:-2], Lifecycle.rows, 2))
            if _is_older_life(leaf, nodes)
            else leaf
            for leaf in leaves
        ],
        nodes={path: _HORDE if path in hordes else name for path, name in nodes.items()},
        kept=kept,
    )


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
