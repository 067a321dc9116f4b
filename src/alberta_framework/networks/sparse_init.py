"""Sparse initial weights: each unit of a layer listens to a few of its inputs."""

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from ..compilation.unrolled_keys import unrolled
from ..components.numbers import f32
from ..components.ranges import require_choice, require_key, require_shape


def sparse_init(
    key: PRNGKeyArray,
    shape: tuple[int, int],
    sparsity: float = 0.9,
    init_type: str = "uniform",
) -> Float[Array, "fan_out fan_in"]:
    """Initial weights of a layer, exactly `int(sparsity * fan_in + 0.5)` of each row being 0.

    The others are uniform in [-s, s), or normal with standard deviation s, s = 1 / sqrt(fan_in).
    With few inputs and the default sparsity every weight is 0 (fan_in <= 5 at 0.9): pass a smaller
    one there.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606, algorithm 1.

    **Arguments:** `shape`: (fan_out, fan_in); `sparsity` in [0, 1]; `init_type`: `"uniform"` or
    `"normal"`.

    **Raises:** `ValueError` naming the argument.
    """
    require_shape("sparse_init", shape)
    if len(shape) != 2:
        raise ValueError(f"sparse_init: `shape` must be (fan_out, fan_in), got {shape}.")
    fan_out, fan_in = shape
    key = require_key("sparse_init", key)
    require_sparsity("sparse_init", sparsity)
    require_choice("sparse_init", "init_type", init_type, ("uniform", "normal"))
    scale = 1.0 / fan_in**0.5
    zeros = int(sparsity * fan_in + 0.5)
    weights_key, mask_key = jr.split(unrolled(key))
    if init_type == "uniform":
        weights = jr.uniform(weights_key, (fan_out, fan_in), jnp.float32, -scale, scale)
    else:
        # Without the barrier XLA folds the scale into the normal's own constants under jit, and
        # the last bit differs.
        weights = jax.lax.optimization_barrier(jr.normal(weights_key, shape, jnp.float32)) * scale
    row_keys = jr.split(mask_key, fan_out)
    ranks = jax.vmap(lambda row_key: jr.permutation(row_key, fan_in))(row_keys)
    return weights * f32(ranks >= zeros)


def require_sparsity(owner: str, sparsity: float) -> None:
    number = isinstance(sparsity, int | float) and not isinstance(sparsity, bool)
    if not number or not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"{owner}: `sparsity` must lie in [0, 1], got {sparsity!r}.")
