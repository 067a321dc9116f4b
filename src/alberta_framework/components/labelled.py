"""Arrays that say more than their numbers: masks, and names of their entries."""

from typing import Any

import numpy as np


def is_labelled(kind: type) -> bool:
    """Whether values of this type may be masked or named: NumPy's masked arrays, and Series and
    DataFrames as of pandas. Every call asks this, and nearly all types are told apart at once."""
    return hasattr(kind, "mask") and (hasattr(kind, "iloc") or issubclass(kind, np.ma.MaskedArray))


def without_mask(value: Any) -> np.ndarray:
    """The numbers of a masked array none of which is masked.

    **Raises:** `TypeError` for masked entries, whose numbers are none, and for named ones, whose
    names would be ignored; it tells what to pass instead.
    """
    if not isinstance(value, np.ma.MaskedArray):
        kind = type(value).__name__
        raise TypeError(
            f"a {kind} would be taken by position, whatever its labels say; pass its numbers in "
            "the order of the features, as `row[names].to_numpy()`."
        )
    if np.ma.is_masked(value):
        raise TypeError(
            f"a masked array with {np.ma.count_masked(value)} masked entries has no numbers there; "
            "pass `array.filled(value)`: NaN rejects an observation, and is no target."
        )
    return np.asarray(value)
