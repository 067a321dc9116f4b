"""What the fields of a file are: numbers, categories, truth values, times."""

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from ..components.float32 import holds_integer
from ..event_features import (
    AbstractEventField,
    BooleanField,
    CategoryField,
    NumberField,
    TimestampField,
)
from .field_bounds import FieldBounds
from .values import as_number, as_truth

# So many categories have inputs of their own; others share hashed ones.
CAPACITY = 32
_HASHED = 8
# A text that is hardly ever the same is a name, from which nothing can be learned for the next.
_NAMES_FROM = 100
# Where so many are of one kind, the others are mistakes, and the rows that hold them are told.
_MOSTLY = 0.9

Cell = Callable[[Any], Any]


class FieldKind(NamedTuple):
    """A field of the file: what makes numbers of it, and how a cell becomes such a value; without
    them, why it is left out."""

    name: str
    field: AbstractEventField | None
    cell: Cell
    why: str = ""


class Seen:
    """What was seen of one field, value by value.

    **Arguments:** `written`: whether values are texts that write what they are, as in a table.
    """

    def __init__(self, written: bool = False) -> None:
        self.written = written
        self.count = 0
        self.numbers = self.truths = self.times = self.nested = 0
        self.too_large = False
        self.distinct: set[Any] = set()
        self.kept = True
        # Of those that are no numbers.
        self.first_text: Any = None

    def add(self, value: Any) -> None:
        if value is None:
            return
        self.count += 1
        if isinstance(value, dict | list):
            self.nested += 1
            return
        text = isinstance(value, str)
        typed = self.written or not text
        number = as_number(value) if typed else None
        if number is not None:
            self.numbers += 1
            self.too_large |= type(_whole(value)) is int and not holds_integer(int(number))
        elif typed and as_truth(value) is not None:
            self.truths += 1
        elif text and _is_time(value):
            self.times += 1
        if number is None and self.first_text is None:
            self.first_text = value
        if self.kept and len(self.distinct) <= 100_000:
            self.distinct.add(value)
        else:
            self.kept = False

    def is_mostly(self, count: int) -> bool:
        """Whether so many are enough for others to be mistakes."""
        return count > 0 and count >= _MOSTLY * self.count

    def absent(self, rows: int) -> int:
        """In how many of so many rows it was missing."""
        return rows - self.count


def kind_of(
    name: str,
    seen: Seen,
    rows: int,
    *,
    category: bool = False,
    time: bool = False,
    bounds: FieldBounds | None = None,
) -> FieldKind:
    """What a field is, by what was seen of it; or as somebody says that knows.

    **Raises:** `ValueError` for bounds of what is no number.
    """
    found = _kind_of(name, seen, rows, category, time)
    if bounds is None:
        return found
    if found.field is None:
        return found._replace(why=f"{found.why} within its bounds")
    if not isinstance(found.field, NumberField):
        what = type(found.field).__name__
        raise ValueError(
            f"{name!r} must be a number to have bounds, and what there is within them is taken as "
            f"a {what}"
        )
    try:
        field = dataclasses.replace(found.field, low=bounds.low, high=bounds.high)
    except ValueError as error:
        raise ValueError(f"bounds of {name!r}: {error}".rstrip(".")) from error
    return found._replace(field=field)


def _kind_of(name: str, seen: Seen, rows: int, category: bool, time: bool) -> FieldKind:
    missing = seen.absent(rows) > 0
    written = seen.written
    if not seen.count:
        return FieldKind(name, None, _as_is, "it is never there")
    if seen.nested:
        return FieldKind(name, None, _as_is, "it holds lists or objects")
    if time:
        return FieldKind(
            name, TimestampField(name, missing=missing), _number if written else _as_is
        )
    if not category:
        if seen.is_mostly(seen.truths):
            return FieldKind(name, BooleanField(name, missing=missing), _truth)
        if seen.is_mostly(seen.numbers):
            field = NumberField(name, missing=missing, rounded=seen.too_large)
            return FieldKind(name, field, _number if written else _as_is)
        if seen.is_mostly(seen.times):
            return FieldKind(name, TimestampField(name, missing=missing), _as_is)
        if len(seen.distinct) > max(_NAMES_FROM, seen.count / 2):
            return FieldKind(name, None, _as_is, _why_no_input(seen))
    distinct = len(seen.distinct)
    few = seen.kept and distinct <= CAPACITY
    field = CategoryField(
        name, capacity=distinct if few else CAPACITY, hashed=1 if few else _HASHED, missing=missing
    )
    return FieldKind(name, field, _whole if written else _category)


def kinds_of(
    seen: Mapping[str, Seen],
    rows: int,
    categories: Collection[str],
    times: Collection[str],
    bounds: Mapping[str, FieldBounds] | None = None,
) -> list[FieldKind]:
    """What each field is, in the order they came in."""
    found = [
        kind_of(
            name,
            own,
            rows,
            category=name in categories,
            time=name in times,
            bounds=(bounds or {}).get(name),
        )
        for name, own in seen.items()
    ]
    # Where a column has the name of the input that says that another is missing.
    return [
        kind._replace(field=dataclasses.replace(kind.field, missing=False))
        if kind.field is not None and kind.field.missing and f"{kind.name}.missing" in seen
        else kind
        for kind in found
    ]


def _why_no_input(seen: Seen) -> str:
    numbers = f"; {seen.numbers:,} of {seen.count:,} are numbers" if seen.numbers else ""
    return f"it is a name, hardly ever the same, as {seen.first_text!r:.40}{numbers}"


def _is_time(text: str) -> bool:
    # A bare "20240101" is a time to Python, and rather a number.
    if "-" not in text and ":" not in text:
        return False
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _whole(value: Any) -> Any:
    """The integer that a text writes as Python would; any other value as it is."""
    if isinstance(value, str) and value[-1:].isdecimal() and len(value) < 20:
        with contextlib.suppress(ValueError):
            found = int(value)
            return found if str(found) == value else value
    return value


# Cells as values of their field; what is none stays as it is, for the field to refuse.


def _number(value: Any) -> Any:
    found = as_number(value)
    return value if found is None else found


def _truth(value: Any) -> Any:
    found = as_truth(value)
    return value if found is None else found


def _category(value: Any) -> Any:
    return str(value) if isinstance(value, float) else value


def _as_is(value: Any) -> Any:
    return value
