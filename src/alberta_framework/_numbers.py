"""Numbers in compiled code: explicit dtypes, finiteness, two-float sums."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
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


def action_number(where: str, value: Any, n_actions: int) -> Any:
    """The number of an action, 0 to `n_actions` - 1, as an int32.

    What is being traced is checked by its dtype and shape alone.

    **Raises:** `TypeError` for what is no single integer, `bool` included; `ValueError` for one out
    of range.
    """
    whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, jax.Array | np.ndarray | np.integer):
        whole = jnp.issubdtype(value.dtype, jnp.integer) and value.shape == ()
    if not whole:
        told = repr(value)
        if isinstance(value, jax.Array) and is_traced(value):
            told = f"{value.dtype}{list(value.shape)}"
        raise TypeError(f"{where} must be an integer, the number of an action, got {told}.")
    if is_traced(value):
        return value
    if not 0 <= int(value) < n_actions:
        raise ValueError(f"{where} must lie in 0 .. {n_actions - 1}, got {value}.")
    return value if isinstance(value, jax.Array) else np.int32(value)


def all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every float of the tree is finite.

    Zero times a number is zero when it is finite and NaN when it is not, so what has one shape is
    added up first and costs one reduction together, and no sum can overflow. Of a matrix the
    columns are added up first, by a product: XLA computes its elements once for it, and again in
    every reduction.

    The verdict is a reduction too, so that what leads up to it is not computed once more in
    everything that it decides on.
    """
    by_shape: dict[tuple, Any] = {}
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            part = _columns(leaf)
            by_shape[part.shape] = by_shape.get(part.shape, 0.0) + 0.0 * part
    sums = [jnp.sum(total) for total in by_shape.values()]
    return jnp.all(jnp.stack(sums) == 0.0) if sums else jnp.asarray(True)


# From this size on a matrix is added up by columns; each number counts so little that the sum of a
# million of the largest does not overflow.
_MATRIX, _LITTLE = 256, 2.0**-20


def _columns(leaf: Array) -> Array:
    if leaf.ndim < 2 or leaf.size < _MATRIX:
        return leaf
    rows = jnp.reshape(leaf, (-1, leaf.shape[-1]))
    return jnp.full(rows.shape[0], _LITTLE, rows.dtype) @ rows


def compensated_add(
    high: Float[Array, "..."], low: Float[Array, "..."], increment: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Add to the two-float number `high + low`; the new residual is below one ulp of `high`."""
    y = increment + low
    total = high + y
    return total, y - (total - high)
