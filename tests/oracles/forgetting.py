"""How a learner asks an oracle of an optimizer, which may have to see the weights."""

import numpy as np


def change(optimizer, error, x, weights, bias):
    if not hasattr(optimizer, "forgotten"):
        return optimizer.update(error, x)
    return optimizer.update(error, x, weights, bias)


def step_on(optimizer, z, error, weights):
    if not hasattr(optimizer, "forgotten"):
        return optimizer.update_from_gradient(z, error)
    return optimizer.update_from_gradient(z, error, weights)


def forgotten(optimizer, *weights):
    """What a step takes away from weights (and a bias) besides, asked after it."""
    if not hasattr(optimizer, "forgotten"):
        return tuple(np.zeros_like(w) for w in weights) if len(weights) > 1 else 0.0
    return optimizer.forgotten(*weights)
