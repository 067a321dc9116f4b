"""A state as one array of 32-bit words: one array in, one array out of each compiled call.

Large arrays may stay beside it: to copy one costs more than to hand it over.
"""

import functools as ft
import math
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class _Leaf(NamedTuple):
    shape: tuple[int, ...]
    dtype: Any
    generator: Any  # of a typed key, whose shape and dtype are those of its data

    @property
    def words(self) -> int:
        """How many words it takes: two for each number of 64 bits, else one."""
        return math.prod(self.shape) * max(1, self.dtype.itemsize // 4)


class Packing:
    """Where the leaves of a tree of one structure lie in its words; equal for equal structures.

    **Arguments:** `tree`: or its shapes and dtypes; `most_words`: leaves of more stay as they are,
    beside the words. None: all leaves are in the words.
    """

    # An array more into a call and out of it takes as long as to copy so many words twice.
    MOST_WORDS: ClassVar[int] = 4096

    def __init__(self, tree: Any, most_words: int | None = None):
        leaves, self.treedef = jax.tree.flatten(tree)
        self.leaves = tuple(_described(leaf) for leaf in leaves)
        limit = math.inf if most_words is None else most_words
        self.beside = tuple(leaf.words > limit for leaf in self.leaves)
        self._key = self.treedef, self.leaves, self.beside
        # Every call asks for both.
        self._hash = hash(self._key)

    def __eq__(self, other: Any) -> bool:
        return self is other or (isinstance(other, Packing) and self._key == other._key)

    def __hash__(self) -> int:
        return self._hash

    def pack(self, tree: Any) -> Any:
        """The words of a tree; where there are leaves beside them, a list of both."""
        words, beside = [], []
        for leaf, stays in zip(jax.tree.leaves(tree), self.beside, strict=True):
            if stays:
                beside.append(leaf)
            else:
                words.append(jnp.ravel(_words(leaf)))
        joined = jnp.concatenate(words) if words else jnp.zeros(0, jnp.uint32)
        return [joined, *beside] if beside else joined

    def unpack(self, packed: Any) -> Any:
        """The tree that `pack` has packed."""
        words, *beside = packed if any(self.beside) else [packed]
        leaves, start = [], 0
        for leaf, stays in zip(self.leaves, self.beside, strict=True):
            if stays:
                leaves.append(beside.pop(0))
                continue
            leaves.append(_number(words[start : start + leaf.words], leaf))
            start += leaf.words
        return jax.tree.unflatten(self.treedef, leaves)


@ft.partial(jax.jit, static_argnums=0)
def packed(packing: Packing, tree: Any) -> Any:
    """The words of a tree, compiled."""
    return packing.pack(tree)


@ft.partial(jax.jit, static_argnums=0)
def unpacked(packing: Packing, words: Any) -> Any:
    """The tree of these words, compiled."""
    return packing.unpack(words)


def _described(leaf: Any) -> _Leaf:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        data = _data_of_a_key(leaf.dtype)
        shape = (*np.shape(leaf), *data.shape)
        return _Leaf(shape, np.dtype(data.dtype), jax.random.key_impl(leaf))
    return _Leaf(np.shape(leaf), np.dtype(leaf.dtype), None)


@ft.cache
def _data_of_a_key(dtype: Any) -> jax.ShapeDtypeStruct:
    # To ask JAX anew takes as long as the step of a network.
    return jax.eval_shape(jax.random.key_data, jax.ShapeDtypeStruct((), dtype))


def _words(leaf: Any) -> Any:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    if leaf.dtype == jnp.bool_:
        return leaf.astype(jnp.uint32)
    if leaf.dtype.itemsize < 4:
        unsigned = jnp.dtype(f"uint{8 * leaf.dtype.itemsize}")
        return jax.lax.bitcast_convert_type(leaf, unsigned).astype(jnp.uint32)
    return jax.lax.bitcast_convert_type(leaf, jnp.uint32)


def _number(words: Any, leaf: _Leaf) -> Any:
    size = leaf.dtype.itemsize
    words = jnp.reshape(words, (*leaf.shape, 2) if size == 8 else leaf.shape)
    if leaf.generator is not None:
        return jax.random.wrap_key_data(words, impl=leaf.generator)
    if leaf.dtype == jnp.bool_:
        return words != 0
    if size < 4:
        words = words.astype(jnp.dtype(f"uint{8 * size}"))
    return jax.lax.bitcast_convert_type(words, leaf.dtype)
