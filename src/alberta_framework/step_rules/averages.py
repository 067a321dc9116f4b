"""Exponential averages of rules that see only their errors and traces."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..components.numbers import f32


def next_step(steps: Int[Array, ""]) -> Int[Array, ""]:
    """One more step; int32, saturating, when no average is short of its start any more."""
    return jnp.minimum(steps, jnp.int32(2**31 - 2)) + jnp.int32(1)


def moved(average: Any, value: Any, rate: Any) -> Array:
    """rate average + (1 - rate) value."""
    return f32(rate) * average + (1.0 - f32(rate)) * value


def share_seen(rate: Any, steps: Int[Array, ""]) -> Float[Array, ""]:
    """1 - rate^steps: how much of an average that began at 0 the values make up.

    By the logarithm, whose small rest at rates next to 1 a power of float32 would lose.
    """
    return -jnp.expm1(steps.astype(jnp.float32) * jnp.log(f32(rate)))
