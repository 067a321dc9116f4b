"""Heads kept as stacked arrays: one tensor for all heads, seen one by one."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..components.state import AbstractState


def _checked_index(index: int, length: int) -> int:
    # An array index past the end is clamped, and iteration by index would never end.
    if not -length <= index < length:
        raise IndexError(f"head {index} of {length}")
    return index


class HeadTraces(AbstractState):
    """Traces of all heads; `traces[i]` is head i's pair `(w[i], b[i])`."""

    w: Float[Array, "heads 1 hidden"]
    b: Float[Array, "heads 1"]

    def __len__(self) -> int:
        return self.w.shape[0]

    def __getitem__(self, index: int) -> tuple[Float[Array, "1 hidden"], Float[Array, "1"]]:
        index = _checked_index(index, len(self))
        return self.w[index], self.b[index]

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        return (self[index] for index in range(len(self)))


class HeadOptimizerStates(AbstractState):
    """The optimizer's states with the heads as first axis; `states[i]` is head i's pair."""

    w: Any
    b: Any

    def __len__(self) -> int:
        return jax.tree.leaves(self.w)[0].shape[0]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        index = _checked_index(index, len(self))
        return jax.tree.map(lambda a: a[index], (self.w, self.b))

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return (self[index] for index in range(len(self)))


def where_heads(mask: Bool[Array, " heads"], new: Any, old: Any) -> Any:
    """Of each head in `mask` what is new, of the others what is old."""

    def chosen(new, old):
        return jnp.where(jnp.reshape(mask, (-1,) + (1,) * (new.ndim - 1)), new, old)

    return jax.tree.map(chosen, new, old)
