"""Exact 64-bit counts as two uint32 words (high, low), which need no 64-bit mode of JAX."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, UInt32

from .state import HostNumber


def words_from(count: int | np.ndarray) -> np.ndarray:
    """The words `[..., 2]` of a count below 2^64."""
    count = np.asarray(count, np.uint64)
    return np.stack([count >> np.uint64(32), count & np.uint64(0xFFFFFFFF)], -1).astype(np.uint32)


def count_from(words: Array | np.ndarray) -> int | np.ndarray:
    """The count: a Python `int`, or an int64 array of the batch shape."""
    pairs = np.asarray(words).astype(np.uint64)
    count = (pairs[..., 0] << np.uint64(32)) | pairs[..., 1]
    return int(count) if count.ndim == 0 else count.astype(np.int64)


def advanced(words: UInt32[Array, "... 2"], by: ArrayLike = 1) -> UInt32[Array, "... 2"]:
    """The words after adding `by` (uint32, one number per count)."""
    by = jnp.asarray(by, jnp.uint32)
    low = words[..., 1] + by
    high = words[..., 0] + (low < by).astype(jnp.uint32)
    return jnp.stack([high, low], -1)


class Count(HostNumber):
    """A count that a field of a state holds as two words."""

    def __init__(self, field: str):
        self.field = field

    def read(self, state):
        return count_from(jax.device_get(self.concrete(getattr(state, self.field))))

    def written(self, state, value):
        return {self.field: jnp.asarray(words_from(value))}


class StepCount(Count):
    """The property `step_count` of a state whose field `steps` holds the two words."""

    def __init__(self):
        super().__init__("steps")


def as_float(words: UInt32[Array, "*batch 2"]) -> Array:
    """The count as float32, rounded; for compiled code."""
    high, low = (words[..., i].astype(jnp.float32) for i in range(2))
    return high * jnp.float32(2.0**32) + low
