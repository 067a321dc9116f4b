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


def truth(value: Any) -> Bool[Array, "..."]:
    """Flags as truth values; a number counts as true unless it is 0."""
    value = jnp.asarray(value)
    return value if value.dtype == jnp.bool_ else value != jnp.zeros((), value.dtype)


def action_number(where: str, value: Any, n_actions: int) -> Any:
    """The number of an action, 0 to `n_actions` - 1, as an int32.

    What is being traced is checked by its dtype and shape alone.

    **Raises:** `TypeError` for what is no single integer, `bool` included; `ValueError` for one out
    of range.
    """
    known: Any = value
    whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, jax.Array | np.ndarray | np.integer):
        whole = jnp.issubdtype(known.dtype, jnp.integer) and known.shape == ()
    if not whole:
        told = f"{known.dtype}{list(known.shape)}" if is_traced(value) else repr(value)
        raise TypeError(f"{where} must be an integer, the number of an action, got {told}.")
    if is_traced(value):
        return value
    if not 0 <= int(value) < n_actions:
        raise ValueError(f"{where} must lie in 0 .. {n_actions - 1}, got {value}.")
    return value if isinstance(value, jax.Array) else np.int32(value)


# Numbers are judged with a margin. XLA may compute a value again where it is stored, and there
# contract a product and a sum that it kept apart where the step was judged: next to the largest
# float32 one of the two would overflow and the other would not.
_MARGIN = 4.0


def all_finite(tree: Any) -> Bool[Array, ""]:
    """Whether every float of the tree is finite, and below 2^123.

    A sum is finite when all its numbers are, and none is when one of them is not. So what has one
    shape is added up first and costs one reduction together. Of a matrix the columns are added up
    before that, by a product: XLA computes its elements once for it, and again in every reduction.

    The verdict is a reduction too, so that what leads up to it is not computed once more in
    everything that it decides on.
    """
    by_shape: dict[tuple, list] = {}
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            by_shape.setdefault(leaf.shape, []).append(leaf)
    by_columns: dict[tuple, Any] = {}
    for leaves in by_shape.values():
        part = _by_columns(sum(leaves[1:], leaves[0]))
        by_columns[part.shape] = by_columns.get(part.shape, 0.0) + 0.0 * part
    sums = [jnp.sum(total) for total in by_columns.values()]
    return jnp.all(jnp.stack(sums) == 0.0) if sums else jnp.asarray(True)


def _by_columns(leaf: Array) -> Array:
    if leaf.ndim < 2:
        return _MARGIN * leaf
    rows = jnp.reshape(leaf, (-1, leaf.shape[-1]))
    return jnp.full(rows.shape[0], _MARGIN, rows.dtype) @ rows


def affine(
    weights: Float[Array, "*units inputs"], x: Float[Array, " inputs"], bias: Float[Array, "*units"]
) -> Float[Array, "*units"]:
    """w.x + b, rounded alike in every program that contains it.

    The processor has an instruction for a product and a sum that rounds once. The compiler takes it
    or not by what else it finds to do around a sum of products, unless something stands between the
    two: here a selection that always gives the product (or the NaN of x). A matrix of several rows
    is multiplied by a routine of its own, which is the same everywhere.
    """
    if x.shape[-1] == 1 or weights.size == x.size:
        x = jnp.broadcast_to(x, weights.shape)
        return jnp.sum(jnp.where(x == x, weights * x, x), axis=-1) + bias
    return weights @ x + bias


def compensated_add(
    high: Float[Array, "..."], low: Float[Array, "..."], increment: Float[Array, "..."]
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Add to the two-float number `high + low`; the new residual is below one ulp of `high`."""
    y = increment + low
    total = high + y
    return total, y - (total - high)
