"""What a program gives as an observation or as targets, as a row of float32."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..components.labelled import is_labelled, without_mask


def numbers_of(
    argument: str, values: Any, length: int, names: Sequence[str] | None, partial: bool
) -> np.ndarray:
    """The numbers as float32; a Series of pandas by the names of its entries.

    Out of float32's range is infinite, and rejected later. If `partial`, a name may be missing,
    which is NaN.

    **Raises:** `TypeError` naming the argument: for another shape or kind, masked entries, labels
    that are not the names.
    """
    if is_labelled(type(values)):
        values = _unlabelled(argument, values, names, partial)
    try:
        found = np.asarray(values)
        found = found.astype(np.float64) if found.dtype.kind in "biufO" else None
    except (OverflowError, TypeError, ValueError):
        found = None
    if found is None or found.shape not in ((length,), () if length == 1 else (length,)):
        shape = "no numbers" if found is None else f"shape {found.shape}"
        raise TypeError(f"Daemon: `{argument}` must be {length} numbers, got {shape}.")
    with np.errstate(over="ignore"):
        return found.astype(np.float32).reshape(length)


def _unlabelled(argument: str, values: Any, names: Sequence[str] | None, partial: bool) -> Any:
    if names is None or getattr(values, "ndim", 0) != 1 or not hasattr(values, "iloc"):
        try:
            return without_mask(values)
        except TypeError as error:
            raise TypeError(f"Daemon: `{argument}`: {error}") from None
    labels = list(values.index)
    known, found = set(names), set(labels)
    if len(found) != len(labels) or not found <= known or (found != known and not partial):
        raise TypeError(
            f"Daemon: `{argument}` must have the labels {list(names)}, each once, got {labels}."
        )
    # As objects, since some versions of pandas put no NaN among integers.
    row = values.reindex(names).astype(object)
    return row.where(row.notna(), np.nan).to_numpy()
