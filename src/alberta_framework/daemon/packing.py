"""A state as one array of 32-bit words: one array in, one array out of each compiled call."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32


class Packing:
    """Where the leaves of a state of one structure lie in its words."""

    def __init__(self, state: Any):
        leaves, self.treedef = jax.tree.flatten(state)
        self.shapes = [(leaf.shape, np.dtype(leaf.dtype)) for leaf in leaves]
        for shape, dtype in self.shapes:
            if dtype.itemsize != 4:
                raise TypeError(
                    f"A daemon's state must hold numbers of 32 bits, got {dtype}{list(shape)}."
                )

    def pack(self, state: Any) -> UInt32[Array, " words"]:
        """The words of a state."""
        words = [
            jnp.ravel(jax.lax.bitcast_convert_type(leaf, jnp.uint32))
            for leaf in jax.tree.leaves(state)
        ]
        return jnp.concatenate(words) if words else jnp.zeros(0, jnp.uint32)

    def unpack(self, words: Any) -> Any:
        """The state of these words, traced or not; NumPy words give a state of NumPy arrays."""
        leaves, start = [], 0
        for shape, dtype in self.shapes:
            stop = start + math.prod(shape)
            part = words[start:stop].reshape(shape)
            if isinstance(words, np.ndarray):
                leaves.append(part.view(dtype))
            else:
                leaves.append(jax.lax.bitcast_convert_type(part, dtype))
            start = stop
        return jax.tree.unflatten(self.treedef, leaves)


@eqx.filter_jit
def packed(packing: Packing, state: Any) -> UInt32[Array, " words"]:
    """The words of a state, compiled."""
    return packing.pack(state)
