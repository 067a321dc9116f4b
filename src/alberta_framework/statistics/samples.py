"""What the statistics accept: one number per seed, and probabilities inside (0, 1)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def sample(name: str, values: ArrayLike, at_least: int = 1) -> NDArray[np.float64]:
    """`values` as a float64 vector of `at_least` numbers; `ValueError` naming it otherwise."""
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or array.size < at_least:
        raise ValueError(
            f"`{name}` must hold one number per seed, at least {at_least}, "
            f"got an array of shape {array.shape}."
        )
    return array


def paired_samples(
    a: ArrayLike, b: ArrayLike, at_least: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both samples, of equal length."""
    first, second = sample("a", a, at_least), sample("b", b, at_least)
    if first.size != second.size:
        raise ValueError(
            "`a` and `b` must be of equal length in a paired test, "
            f"got {first.size} and {second.size} values."
        )
    return first, second


def require_probability(name: str, value: float) -> None:
    """`ValueError` unless `value` lies strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        raise ValueError(f"`{name}` must lie in (0, 1), got {value!r}.")


def require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """`ValueError` unless `value` is one of `choices`."""
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(choices)}, got {value!r}.")
