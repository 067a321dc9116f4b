"""Validation of constructor arguments, for `__check_init__` and `init`."""

import math
import numbers
import warnings
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .numbers import is_traced


def require_range(
    component: eqx.Module,
    name: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    open_low: bool = False,
    open_high: bool = False,
    allow_infinity: bool = False,
) -> None:
    """Check that the numeric field `name` is a real number in the given interval.

    Tracers pass; arrays are checked element by element.

    **Raises:** `TypeError` for what is no real number (`bool` and `str` included), `ValueError`
    for what is not finite or lies outside.
    """
    value = getattr(component, name)
    if is_traced(value):
        return
    owner = type(component).__name__
    number = isinstance(value, numbers.Real | np.number) and not isinstance(value, bool | np.bool_)
    array = isinstance(value, np.ndarray | jax.Array) and np.dtype(value.dtype).kind in "iuf"
    if not (number or array):
        raise TypeError(f"{owner}: `{name}` must be a real number, got {value!r}.")
    left = "(" if open_low or math.isinf(low) else "["
    right = ")" if open_high or (math.isinf(high) and not allow_infinity) else "]"
    values = np.asarray(value, np.float64)
    outside = (values < low) | (values > high) | np.isnan(values)
    if open_low:
        outside |= values == low
    if open_high:  # as float32, in which the next number below may be the bound itself
        with np.errstate(over="ignore"):
            outside |= values.astype(np.float32) == np.float32(high)
    if not allow_infinity:
        outside |= np.isinf(values)
    if outside.any():
        found = value if values.ndim == 0 else values[outside].flat[0]
        raise ValueError(
            f"{owner}: `{name}` must lie in {left}{low:g}, {high:g}{right}, got {found}."
        )


def require_count(owner: str, name: str, value: Any, low: int = 1, high: int | None = None) -> None:
    """Check that a structural number is an `int` of at least `low` and below `high`."""
    allowed = f"an integer >= {low}" + ("" if high is None else f" and < {high}")
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{owner}: `{name}` must be {allowed}, got {value!r}.")
    if value < low or (high is not None and value >= high):
        raise ValueError(f"{owner}: `{name}` must be {allowed}, got {value}.")


def require_places(owner: str, places: Any, count: int) -> None:
    """Check that `places` are integers of 0 .. `count` - 1."""
    for place in places:
        require_count(f"{owner}.with_heads", "places", place, low=0, high=count)


def require_shape(owner: str, shape: Any) -> None:
    """Check that `shape` is a tuple of integers >= 1; `()` is allowed."""
    if not isinstance(shape, tuple | list):
        raise TypeError(f"{owner}: `shape` must be a tuple of integers >= 1, got {shape!r}.")
    for size in shape:
        require_count(owner, "shape", size)


def require_same_shape(owner: str, name: str, array: Any, like: Any) -> None:
    """Check, while tracing, that a tensor has the shape of its state."""
    if array.shape != like.shape:
        raise TypeError(f"{owner}: `{name}` must have shape {like.shape}, got {array.shape}.")


def require_key(owner: str, key: Any, name: str = "key", lanes: bool = False) -> Any:
    """The typed key, or with `lanes` one axis of them, at least one.

    Words as `jax.random.PRNGKey` gives them are wrapped.

    **Raises:** `TypeError` for anything else, `ValueError` for no keys.
    """
    found = _typed(key)
    if found is None or found.ndim != int(lanes):
        told = f"{key.dtype}{list(key.shape)}" if isinstance(key, jax.Array) else repr(key)
        allowed = "typed keys (jax.random.split) of shape (lanes,)"
        if not lanes:
            allowed = "a typed key (jax.random.key) of shape ()"
        raise TypeError(f"{owner}: `{name}` must be {allowed}, got {told}.")
    if lanes and not found.shape[0]:
        raise ValueError(f"{owner}: `{name}` must hold at least one key, got none.")
    return found


def _typed(key: Any) -> Any:
    if not isinstance(key, jax.Array):
        return None
    if jnp.issubdtype(key.dtype, jax.dtypes.prng_key):
        return key
    words = jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0))).shape
    if key.dtype != np.uint32 or key.shape[-1:] != words:
        return None
    return jax.random.wrap_key_data(key)


def require_steps(component: eqx.Module, name: str) -> None:
    """Check that the numeric field `name` counts steps: integers in [1, 2^31)."""
    value = getattr(component, name)
    if is_traced(value):
        return
    require_range(component, name, 1, 2**31 - 1)
    if np.any(np.asarray(value, np.float64) % 1):
        raise ValueError(
            f"{type(component).__name__}: `{name}` must be an integer number of steps, got {value}."
        )


def require_at_most(component: eqx.Module, low: str, high: str) -> None:
    """Check that the numeric field `low` is not above the field `high`."""
    a, b = getattr(component, low), getattr(component, high)
    if is_traced(a) or is_traced(b):
        return
    with np.errstate(over="ignore"):  # as float32, which a swept field is and a number becomes
        above = np.asarray(a, np.float32) > np.asarray(b, np.float32)
    if np.any(above):
        raise ValueError(
            f"{type(component).__name__}: `{low}` must be at most `{high}`, got {a} and {b}."
        )


def require_choice(owner: str, name: str, value: Any, allowed: tuple) -> None:
    """Check that a structural value is one of `allowed`."""
    if not any(type(value) is type(choice) and value == choice for choice in allowed):
        raise ValueError(f"{owner}: `{name}` must be one of {allowed}, got {value!r}.")


def require_part(component: eqx.Module, name: str, kind: type, optional: bool = False) -> None:
    """Check that the field `name` holds a component of the family `kind`."""
    value = getattr(component, name)
    if not isinstance(value, kind) and not (optional and value is None):
        also = " or None" if optional else ""
        raise TypeError(
            f"{type(component).__name__}: `{name}` must be an {kind.__name__}{also}, got {value!r}."
        )


def warn_outside(component: eqx.Module, name: str, low: Any, high: Any) -> None:
    """Warn when a concrete start value lies where the first update clips it."""
    value = getattr(component, name)
    if any(is_traced(v) for v in (value, low, high)):
        return
    values = np.asarray(value, np.float64)
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    # The float32 logarithm of a bound may come back a few ulp outside of it.
    if np.any(values < low * (1 - 1e-6)) or np.any(values > high * (1 + 1e-6)):
        warnings.warn(
            f"{type(component).__name__}: `{name}` = {value} lies outside the bounds of the step "
            f"sizes, [{low.max():.3g}, {high.min():.3g}]; the first update clips it.",
            UserWarning,
            stacklevel=3,
        )
