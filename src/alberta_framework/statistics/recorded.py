"""Recorded rewards as arrays, and the steps that are looked at."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rewards_of(rewards: ArrayLike) -> NDArray[np.float64]:
    """As float64 [..., T] with at least one step.

    **Raises:** `TypeError` for what are no real numbers; `ValueError` for no axis of time, or no
    step.
    """
    array = np.asarray(rewards)
    if array.dtype.kind not in "iufb":
        raise TypeError(f"`rewards` must be real numbers, got {array.dtype}.")
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"`rewards` must have shape [..., T] with a step, got {array.shape}.")
    return array.astype(np.float64)


def require_steps(name: str, value: Any, low: int = 1, high: int | None = None) -> None:
    """Check a number of steps, or of a step."""
    allowed = f"an integer >= {low}" + ("" if high is None else f" and <= {high}")
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"`{name}` must be {allowed}, got {value!r}.")
    if value < low or (high is not None and value > high):
        raise ValueError(f"`{name}` must be {allowed}, got {value}.")


def require_part(rewards: NDArray, first: str, start: Any, second: str, stop: Any) -> None:
    """Check that 0 <= start < stop <= T."""
    require_steps(first, start, low=0, high=rewards.shape[-1] - 1)
    require_steps(second, stop, low=int(start) + 1, high=rewards.shape[-1])
