"""Numbers in compiled code: explicit dtypes, finiteness, two-float sums."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, ArrayLike, Bool, Float


def is_traced(value: Any) -> bool:
    """Whether the value is abstract because some transformation is tracing."""
    return isinstance(value, Tracer)


def f32(value: ArrayLike) -> Float[Array, "..."]:
    """The value as a strong float32 array, also when x64 is on."""
    return jax.lax.convert_element_type(value, jnp.float32)


def scalar(value: ArrayLike) -> Float[Array, ""]:
    """A number of shape () or (1,) as a float32 scalar."""
    return f32(jnp.reshape(value, ()))


def all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every float of the tree is finite.

    Zero times a number is zero when it is finite and NaN when it is not, so the leaves of one
    shape are added up first and cost one reduction together, and no sum can overflow.
    """
    by_shape: dict[tuple, Any] = {}
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            by_shape[leaf.shape] = by_shape.get(leaf.shape, 0.0) + 0.0 * leaf
    sums = [jnp.sum(total) for total in by_shape.values()]
    return jnp.asarray(sum(sums, 0.0) == 0.0)


def affine(
    weights: Float[Array, "*units inputs"], x: Float[Array, " inputs"], bias: Float[Array, "*units"]
) -> Float[Array, "*units"]:
    """w.x + b, rounded alike in every program that contains it.

    The processor has one instruction for a product and a sum, which rounds once. Of one input the
    product itself meets the bias, and XLA uses the instruction where nothing else needs the
    product: the selection keeps them apart.
    """
    total = weights @ x
    if x.shape[-1] == 1:
        total = jnp.where(x[0] == x[0], total, x[0])
    return total + bias


def compensated_add(
    high: Float[Array, "..."], low: Float[Array, "..."], increment: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Add to the two-float number `high + low`; the new residual is below one ulp of `high`."""
    y = increment + low
    total = high + y
    return total, y - (total - high)
