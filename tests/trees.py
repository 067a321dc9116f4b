"""Comparisons of whole states and results."""

import jax
import numpy as np


def named_leaves(tree):
    """Pairs of path and NumPy array."""
    return [
        (jax.tree_util.keystr(path), np.asarray(leaf))
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    ]


def assert_same_bits(ours, expected):
    """Equal structure, and every leaf equal bit for bit (a NaN equals the same NaN)."""
    assert jax.tree.structure(ours) == jax.tree.structure(expected)
    for (path, a), (_, b) in zip(named_leaves(ours), named_leaves(expected), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), path
        assert a.tobytes() == b.tobytes(), f"{path}: {a} against {b}"


def assert_leaves_close(ours, expected, *, relative=1e-6, absolute=0.0):
    """Leaf by leaf, relative to the largest magnitude of the leaf, plus `absolute`.

    A residual, the rounding error which a running sum carries along, is relative to its sum.
    """
    assert jax.tree.structure(ours) == jax.tree.structure(expected)
    truth = dict(named_leaves(expected))
    for path, a in named_leaves(ours):
        b, whole = truth[path], truth[path.removesuffix("_residual")]
        assert a.shape == b.shape, path
        a, b = a.astype(np.float64), b.astype(np.float64)
        size = np.max(np.abs(whole), initial=0.0, where=np.isfinite(whole))
        np.testing.assert_allclose(a, b, rtol=0, atol=relative * size + absolute, err_msg=path)


# Off the processor a product of matrices is added up in another order in another program, and
# equal steps of two programs agree to rounding alone.
ROUNDING = {"rtol": 1e-5, "atol": 1e-6}


def assert_same_numbers(ours, expected, err_msg=""):
    """Numbers of the same steps, taken by two programs: equal on a processor, where the library
    rounds alike in every program; to rounding on another backend."""
    if jax.default_backend() == "cpu":
        np.testing.assert_array_equal(ours, expected, err_msg=err_msg)
    else:
        np.testing.assert_allclose(ours, expected, **ROUNDING, err_msg=err_msg)


def assert_same_steps(ours, expected):
    """`assert_same_numbers` of whole states, on a processor bit for bit."""
    if jax.default_backend() == "cpu":
        assert_same_bits(ours, expected)
        return
    assert jax.tree.structure(ours) == jax.tree.structure(expected)
    for (path, a), (_, b) in zip(named_leaves(ours), named_leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, **ROUNDING, err_msg=path)


def assert_finite(tree):
    for path, leaf in named_leaves(tree):
        if np.issubdtype(leaf.dtype, np.floating):
            assert np.all(np.isfinite(leaf)), f"{path}: {leaf}"


def layout(tree):
    """Structure, shapes, dtypes and weakness of every leaf."""
    kinds = [(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(tree)]
    return jax.tree.structure(tree), kinds


def once_more_rejected(state):
    """The state after one more rejected step."""
    counts = {name: getattr(state, name) + 1 for name in ("rejected_count", "rejected_in_a_row")}
    return state.replace(**counts)


def lane(tree, index):
    """One lane of a batched tree."""
    return jax.tree.map(lambda leaf: leaf[index], tree)
