"""Sizes of layers."""

from typing import Any

from ..components.ranges import require_count


def sizes(owner: str, hidden_sizes: Any) -> tuple[int, ...]:
    """`hidden_sizes` as a tuple of Python ints.

    **Raises:** `TypeError`, `ValueError` for what is no tuple or list of integers >= 1.
    """
    if not isinstance(hidden_sizes, tuple | list):
        raise TypeError(
            f"{owner}: `hidden_sizes` must be a tuple of integers >= 1, got {hidden_sizes!r}."
        )
    for size in hidden_sizes:
        require_count(owner, "hidden_sizes", size)
    return tuple(int(size) for size in hidden_sizes)
