"""Fields that are arrays by nature: kept as float32, checked by shape."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np


def float_array(value: Any) -> Any:
    """The value as a float32 array; what is none is left for `require_array` to refuse."""
    if isinstance(value, jax.Array):
        real = jnp.issubdtype(value.dtype, jnp.floating) or jnp.issubdtype(value.dtype, jnp.integer)
        return value.astype(jnp.float32) if real else value
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        return value
    if array.dtype.kind not in "biuf":
        return value
    with np.errstate(over="ignore"):  # out of float32's range is infinite
        return jnp.asarray(array.astype(np.float32))


def require_array(component: eqx.Module, name: str, shape: tuple[int | str, ...]) -> None:
    """Check that the field `name` is a float32 array of the shape; a letter is any size >= 1.

    Tracers are checked too: their shapes are known.
    """
    value, owner = getattr(component, name), type(component).__name__
    allowed = f"a real array of shape ({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
    if not isinstance(value, jax.Array) or value.dtype != jnp.float32:
        raise TypeError(f"{owner}: `{name}` must be {allowed}, got {value!r}.")
    sizes = zip(value.shape, shape, strict=False)
    fits = all(size >= 1 if isinstance(want, str) else size == want for size, want in sizes)
    if value.ndim != len(shape) or not fits:
        raise ValueError(f"{owner}: `{name}` must be {allowed}, got shape {value.shape}.")
