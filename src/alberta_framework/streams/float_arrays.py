"""Fields that are arrays by nature: kept as float32, flags as bool, checked by shape."""

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


def flag_array(value: Any) -> Any:
    """Truth values, or numbers 0 and 1, as a bool array; what is none is left to be refused."""
    numbers = value if value is None else float_array(value)
    if not isinstance(numbers, jax.Array):
        return value
    return numbers if numbers.dtype == jnp.bool_ else numbers != 0


def require_flags(component: eqx.Module, name: str, shape: tuple[int, ...]) -> None:
    """Check that the field `name` is a bool array of the shape."""
    value, owner = getattr(component, name), type(component).__name__
    allowed = f"flags of shape {shape}"
    if not isinstance(value, jax.Array) or value.dtype != jnp.bool_:
        raise TypeError(f"{owner}: `{name}` must be {allowed}, got {value!r}.")
    if value.shape != shape:
        raise ValueError(f"{owner}: `{name}` must be {allowed}, got shape {value.shape}.")
