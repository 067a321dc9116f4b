"""Between what two numbers the values of a field lie, if they are any."""

import math
from typing import Any, NamedTuple


class FieldBounds(NamedTuple):
    """What is below `low` or above `high` counts as missing; None is no such bound."""

    low: float | None = None
    high: float | None = None

    def hold(self, number: float) -> bool:
        """Whether a number lies within them."""
        low = -math.inf if self.low is None else self.low
        return low <= number <= (math.inf if self.high is None else self.high)


def require_bounds(owner: str, name: str, bounds: Any) -> FieldBounds:
    """A pair of numbers in their order, of which one may be None, as bounds of the field `name`.

    **Raises:** `TypeError`, `ValueError`.
    """
    told = f"{owner}: `bounds` of {name!r} must be two finite numbers, the lower one first, or None"
    if not isinstance(bounds, tuple | list) or len(bounds) != 2:
        raise TypeError(f"{told} for one of them, got {bounds!r}")
    numbers = [bound for bound in bounds if bound is not None]
    if any(isinstance(bound, bool) or not isinstance(bound, int | float) for bound in numbers):
        raise TypeError(f"{told} for one of them, got {bounds!r}")
    if not numbers or not all(map(math.isfinite, numbers)) or numbers != sorted(numbers):
        raise ValueError(f"{told} for one of them, got {bounds!r}")
    return FieldBounds(*bounds)


def read_bounds(text: str) -> tuple[str, FieldBounds]:
    """The field and the bounds that `FIELD=LOW:HIGH` writes; one of the numbers may be left out.

    **Raises:** `ValueError` for a text that does not.
    """
    name, _, told = text.rpartition("=")
    low, colon, high = (part.strip() for part in told.partition(":"))
    try:
        found = [float(part) if part else None for part in (low, high)]
        if not name or not colon:
            raise ValueError
        return name, require_bounds("--bounds", name, tuple(found))
    except ValueError:
        raise ValueError(
            "must be FIELD=LOW:HIGH, two finite numbers, the lower one first, of which one may be "
            f"left out, got {text!r}"
        ) from None
