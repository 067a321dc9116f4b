"""What a value of a file is, or a text in a table writes."""

import math
from typing import Any

_TRUTH = {"true": True, "false": False}


def as_number(value: Any) -> float | None:
    """The finite number that a value is or writes; None for another.

    A text with an underscore is a name, although Python takes "1_12" for 112.
    """
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def as_truth(value: Any) -> bool | None:
    """The truth value that a value is or writes; None for another."""
    if isinstance(value, str):
        return _TRUTH.get(value.lower()) if len(value) < 6 else None
    return value if isinstance(value, bool) else None
