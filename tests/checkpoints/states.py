"""States to save: any shapes filled with random bits, and exact comparison of what comes back."""

import jax
import jax.numpy as jnp
import numpy as np


def _filled_leaf(rng, leaf):
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        data = jax.eval_shape(jax.random.key_data, leaf)
        words = rng.integers(0, 2**32, size=data.shape, dtype=np.uint32)
        return jax.random.wrap_key_data(jnp.asarray(words))
    if leaf.dtype == np.bool_:
        return jnp.asarray(rng.integers(0, 2, size=leaf.shape).astype(bool))
    octets = rng.bytes(int(np.prod(leaf.shape)) * leaf.dtype.itemsize)
    return jnp.asarray(np.frombuffer(octets, leaf.dtype).reshape(leaf.shape))


def filled(shapes, seed=0):
    """A state of these shapes with random bits in every leaf: any NaN, any sign, any key."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: _filled_leaf(rng, leaf), shapes)


def _described(leaf):
    """Everything that tells two leaves apart, as plain values."""
    if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        words = np.asarray(jax.random.key_data(leaf))
        return "key", str(jax.random.key_impl(leaf)), leaf.shape, words.tobytes()
    if isinstance(leaf, jax.Array | np.ndarray):
        kind = "jax" if isinstance(leaf, jax.Array) else "numpy"
        values = np.asarray(leaf)
        return kind, values.dtype.descr, values.dtype, values.shape, values.tobytes()
    if isinstance(leaf, float | complex):
        return type(leaf), np.asarray(leaf).tobytes()
    return type(leaf), leaf


def assert_same_state(ours, expected):
    """Equal structure, and every leaf of equal type, dtype, shape and bits."""
    assert jax.tree.structure(ours) == jax.tree.structure(expected)
    theirs = jax.tree.leaves(expected)
    for (path, leaf), other in zip(jax.tree.leaves_with_path(ours), theirs, strict=True):
        assert _described(leaf) == _described(other), jax.tree_util.keystr(path)


def same_state(ours, expected):
    """Whether `assert_same_state` holds."""
    try:
        assert_same_state(ours, expected)
    except AssertionError:
        return False
    return True


def numbered(n):
    """A state of NumPy arrays that carries its number in every leaf."""
    return {"whole": np.full(40, n), "parts": [np.full((3, 5), n, np.float32), np.int32([n])]}


def number_of(state):
    """The one number that all leaves of a numbered state carry."""
    found = {float(value) for leaf in jax.tree.leaves(state) for value in np.ravel(leaf)}
    assert len(found) == 1, f"leaves of several states: {found}"
    return int(found.pop())
