"""Parameter trees as flat lists of float64 arrays, [W0, b0, W1, b1, ...]."""

import numpy as np


def flatten(layers):
    """Pairs (W, b) as one list of leaves; a `b` of None is left out."""
    return [np.array(leaf, np.float64) for layer in layers for leaf in layer if leaf is not None]


def zeros(leaves):
    return [np.zeros(leaf.shape) for leaf in leaves]


def add(leaves, others):
    return [a + b for a, b in zip(leaves, others, strict=True)]


def total(leaves, lanes=0):
    """Sum over all leaves together; the last `lanes` axes are kept, they hold separate lives."""
    return sum(np.sum(leaf, axis=tuple(range(leaf.ndim - lanes))) for leaf in leaves)


def dot(leaves, others, lanes=0):
    return total([a * b for a, b in zip(leaves, others, strict=True)], lanes)


def stack(history):
    """A list over steps of trees as one tree whose leaves have the steps first."""
    return [np.stack(leaves) for leaves in zip(*history, strict=True)]
