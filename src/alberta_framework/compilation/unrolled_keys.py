"""Keys that draw the numbers of JAX's Threefry keys by straight code.

On the CPU JAX lowers the rounds of Threefry to a loop, whose passes over the drawn array cost some
three times the arithmetic, at run time and to compile. Written out, the rounds are one fusion. A
key's data and all that `jax.random` makes of it are the same bits.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jax.extend.random import define_prng_impl
from jaxtyping import Array, PRNGKeyArray, UInt32

from .execution_plan import execution_plan

_STANDARD = "threefry2x32"
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_TAG = "unrolled"
# Words of a vector instruction, of which a key has two.
_VECTOR = 4
_PARITY = np.uint32(0x1BD11BDA)


def unrolled(key: PRNGKeyArray) -> PRNGKeyArray:
    """The key as one that draws by straight code; the key itself where that is not the faster way.

    That is any key but a Threefry key, on any backend but the CPU, and any key while JAX does not
    number its draws one by one (`jax_threefry_partitionable`).
    """
    numbered = jax.config.jax_threefry_partitionable  # pyright: ignore[reportAttributeAccessIssue]
    gains = numbered and execution_plan().uses("unrolled keys")
    if str(jr.key_impl(key)) != _STANDARD or not gains:
        return key
    return jr.wrap_key_data(jr.key_data(key), impl=_UNROLLED)


def is_unrolled(key: PRNGKeyArray) -> bool:
    """Whether the key, or an array of keys, draws by straight code."""
    return str(jr.key_impl(key)) == _TAG


def split_by_vectors(key: PRNGKeyArray, count: int) -> PRNGKeyArray:
    """`split(key, count)`, and up to whole vectors more keys: three take longer than four.

    Only keys that number their draws one by one have the first ones in common.
    """
    return jr.split(key, _VECTOR * math.ceil(count / _VECTOR) if is_unrolled(key) else count)


def as_before(key: PRNGKeyArray, before: PRNGKeyArray) -> PRNGKeyArray:
    """The key as one of the kind of `before`."""
    return jr.wrap_key_data(jr.key_data(key), impl=jr.key_impl(before))


def _threefry(key: Any, high: Any, low: Any) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """Threefry-2x32 with 20 rounds of the counts, as two words.

    Source: Salmon, Moraes, Dror and Shaw (2011), Parallel Random Numbers: As Easy as 1, 2, 3.
    """
    schedule = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    high, low = high + schedule[0], low + schedule[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            high = high + low
            rotated = (low << np.uint32(rotation)) | (low >> np.uint32(32 - rotation))
            low = high ^ rotated
        high = high + schedule[(group + 1) % 3]
        low = low + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return high, low


def _draw(key: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Two words for each element, from its number in the array."""
    size = math.prod(shape)
    if size >> 32:
        raise NotImplementedError(f"one draw holds at most 2^32 numbers, got shape {shape}.")
    return _threefry(key, np.uint32(0), jax.lax.iota(jnp.uint32, size).reshape(shape))


def _seed(seed: Any) -> Any:
    return jr.key_data(jr.key(seed, impl=_STANDARD))


def _split(key: Any, shape: tuple[int, ...]) -> Any:
    return jnp.stack(_draw(key, shape), -1)


def _fold_in(key: Any, number: Any) -> Any:
    return jnp.stack(_threefry(key, np.uint32(0), jnp.asarray(number, jnp.uint32)))


def _random_bits(key: Any, bit_width: int, shape: tuple[int, ...]) -> Any:
    high, low = _draw(key, shape)
    if bit_width == 64:
        return (high.astype(jnp.uint64) << np.uint64(32)) | low.astype(jnp.uint64)
    return (high ^ low).astype(jnp.dtype(f"uint{bit_width}"))


_UNROLLED = define_prng_impl(
    key_shape=(2,),
    seed=_seed,
    split=_split,
    random_bits=_random_bits,
    fold_in=_fold_in,
    name="unrolled_threefry2x32",
    tag=_TAG,
)
