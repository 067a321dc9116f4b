"""The initial layers of a network: sparse weights, no biases."""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import PRNGKeyArray

from ..components.ranges import require_choice, require_count, require_key, require_range
from .mlp import MLPParams
from .sparse_init import ROUNDINGS, require_sparsity, sparse_init


def sparse_layers(
    key: PRNGKeyArray,
    shapes: tuple[tuple[int, int], ...],
    sparsity: float,
    rounding: str = "nearest",
    min_inputs: int = 0,
) -> tuple[MLPParams, PRNGKeyArray]:
    """Weights of each shape (fan_out, fan_in) by `sparse_init`, biases 0; the key to draw on with.

    Each layer draws from a key that is split off.
    """
    weights, biases = [], []
    for shape in shapes:
        key, layer_key = jr.split(key)
        layer = sparse_init(layer_key, shape, sparsity, rounding=rounding, min_inputs=min_inputs)
        weights.append(layer)
        biases.append(jnp.zeros(shape[0], jnp.float32))
    return MLPParams(tuple(weights), tuple(biases)), key


def require_fields(network: Any) -> None:
    """Validate the fields that networks of sparse layers share."""
    owner = type(network).__name__
    require_count(owner, "n_out", network.n_out)
    require_sparsity(owner, network.sparsity)
    require_range(network, "leaky_relu_slope")
    require_choice(owner, "rounding", network.rounding, ROUNDINGS)
    require_count(owner, "min_inputs", network.min_inputs, low=0)
    require_choice(owner, "use_layer_norm", network.use_layer_norm, (True, False))


def initial(network: Any, key: Any, shapes: tuple[tuple[int, int], ...]) -> MLPParams:
    """Sparse layers of these shapes, as the network's fields say."""
    key = require_key(f"{type(network).__name__}.init", key)
    return _drawn(key, shapes, network.sparsity, network.rounding, network.min_inputs)


# A program of its own: what it draws depends on sizes alone, so that networks share it.
@ft.partial(jax.jit, static_argnums=(1, 2, 3, 4))
def _drawn(
    key: PRNGKeyArray,
    shapes: tuple[tuple[int, int], ...],
    sparsity: float,
    rounding: str,
    min_inputs: int,
) -> MLPParams:
    return sparse_layers(key, shapes, sparsity, rounding, min_inputs)[0]
