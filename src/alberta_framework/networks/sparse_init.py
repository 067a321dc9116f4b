"""Sparse initial weights: each unit of a layer listens to a few of its inputs."""

import math
from fractions import Fraction

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from ..compilation.unrolled_keys import unrolled
from ..components.numbers import f32
from ..components.ranges import require_choice, require_count, require_key, require_shape

ROUNDINGS = ("nearest", "ceil")


def sparse_init(
    key: PRNGKeyArray,
    shape: tuple[int, int],
    sparsity: float = 0.9,
    init_type: str = "uniform",
    rounding: str = "nearest",
    min_inputs: int = 0,
) -> Float[Array, "fan_out fan_in"]:
    """Initial weights of a layer, equally many of each row, `sparsity` of them, being 0.

    The others are uniform in [-s, s), or normal with standard deviation s, s = 1 / sqrt(fan_in).
    How many are 0 is `int(sparsity * fan_in + 0.5)`, with `rounding="ceil"` sparsity * fan_in
    rounded up, as the authors do; but at most fan_in - `min_inputs`. With few inputs and the
    default sparsity every weight is 0 (fan_in <= 5, rounded up <= 9): pass a smaller one there, or
    `min_inputs`.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606, algorithm 1.

    **Arguments:** `shape`: (fan_out, fan_in); `sparsity` in [0, 1]; `init_type`: `"uniform"` or
    `"normal"`; `rounding`: `"nearest"` or `"ceil"`; `min_inputs` >= 0: to how many inputs every
    unit listens, to all where there are no more.

    **Raises:** `ValueError` naming the argument.
    """
    require_shape("sparse_init", shape)
    if len(shape) != 2:
        raise ValueError(f"sparse_init: `shape` must be (fan_out, fan_in), got {shape}.")
    fan_out, fan_in = shape
    key = require_key("sparse_init", key)
    require_sparsity("sparse_init", sparsity)
    require_choice("sparse_init", "init_type", init_type, ("uniform", "normal"))
    require_choice("sparse_init", "rounding", rounding, ROUNDINGS)
    require_count("sparse_init", "min_inputs", min_inputs, low=0)
    scale = 1.0 / fan_in**0.5
    zeros = min(_zeros(sparsity, fan_in, rounding), max(fan_in - min_inputs, 0))
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


def fresh_sparse_weights(
    key: PRNGKeyArray,
    shape: tuple[int, int],
    sparsity: float = 0.9,
    rounding: str = "nearest",
    min_inputs: int = 0,
) -> Float[Array, "units inputs"]:
    """Weights with the distribution of those of `sparse_init`, uniform, drawn otherwise.

    For units that are made new in the middle of a life: a program that sorts, as `sparse_init`
    does, is run some 12 us slower in every step of a loop, whether it comes to sorting or not
    (JAX 0.12, on a CPU).
    """
    units, fan_in = shape
    scale = 1.0 / fan_in**0.5
    zeros = min(_zeros(sparsity, fan_in, rounding), max(fan_in - min_inputs, 0))
    weights_key, order_key = jr.split(unrolled(key))
    weights = jr.uniform(weights_key, shape, jnp.float32, -scale, scale)
    if zeros == 0:
        return weights
    # Numbers that order the inputs of a unit: random, and all different by their last bits.
    bits = jnp.uint32((1 << (fan_in - 1).bit_length()) - 1)
    order = jr.bits(order_key, shape, jnp.uint32) & ~bits
    order = order | jnp.arange(fan_in, dtype=jnp.uint32)[None, :]

    def with_bit(i, least):
        """The largest number of which at most `zeros` are smaller, bit by bit."""
        tried = least | (jnp.uint32(1 << 31) >> jnp.uint32(i))
        fewer = jnp.sum(order < tried, -1, keepdims=True) <= zeros
        return jnp.where(fewer, tried, least)

    least = jax.lax.fori_loop(0, 32, with_bit, jnp.zeros((units, 1), jnp.uint32))
    return jnp.where(order >= least, weights, 0.0)


def _zeros(sparsity: float, fan_in: int, rounding: str) -> int:
    if rounding == "nearest":
        return int(sparsity * fan_in + 0.5)
    # The decimal that was written: as binary fractions 0.55 of 100 is a little more than 55.
    return math.ceil(Fraction(repr(float(sparsity))) * fan_in)


def require_sparsity(owner: str, sparsity: float) -> None:
    number = isinstance(sparsity, int | float) and not isinstance(sparsity, bool)
    if not number or not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"{owner}: `sparsity` must lie in [0, 1], got {sparsity!r}.")
