"""Lines of JSON: what every event has in common, and what is wrong with a line."""

import abc
import codecs
import json
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from ..components.float32 import EVERY_INTEGER, holds_integer
from ..event_features import FieldError

LONGEST_LINE = 1 << 20
# Of a line that is longer so much is kept, to find its id in.
KEPT_OF_A_LONG_LINE = 1 << 16
_LONGEST_SAID = 80

_DECODER = json.JSONDecoder()

Event = TypeVar("Event")


class EventError(ValueError):
    """What is wrong with a line; the text begins with the field. `id` is the event's, or None."""

    def __init__(self, text: str, event_id: Any = None):
        super().__init__(text)
        self.id = event_id


class LongLine(bytes):
    """The beginning of a line of more than `LONGEST_LINE` bytes."""


class AbstractEventSchema(abc.ABC, Generic[Event]):
    """What the lines must look like. `fields`: those that an event may have."""

    fields: ClassVar[tuple[str, ...]]

    def parsed(self, line: str | bytes) -> Event:
        """The event of a line.

        **Raises:** `EventError` naming the field.
        """
        found = _loaded(line)
        try:
            for key in found:
                if key not in self.fields:
                    known = ", ".join(self.fields)
                    raise EventError(f"{short(key)}: unknown field; known: {known}")
            return self._event(found)
        except EventError as error:
            try:
                require_sayable(found.get("id"))
            except EventError:
                raise error from None
            error.id = found.get("id")
            raise

    @abc.abstractmethod
    def _event(self, found: dict[str, Any]) -> Event:
        """The event of an object that has no unknown fields."""


def _loaded(line: str | bytes) -> dict[str, Any]:
    if isinstance(line, LongLine):
        raise EventError(f"line: is longer than {LONGEST_LINE:,} bytes", _id_in(line))
    try:
        text = line.decode("utf-8") if isinstance(line, bytes) else line
        found = json.loads(text, object_pairs_hook=_object)
    except EventError as error:
        whole = line if isinstance(line, bytes) else line.encode("utf-8", "surrogatepass")
        error.id = _id_in(whole)
        raise
    except (ValueError, RecursionError) as error:
        raise EventError(f"line: is no JSON: {short(error)}") from None
    if not isinstance(found, dict):
        raise EventError(f"line: must be a JSON object, got {short(found)}")
    return found


def _id_in(beginning: bytes) -> Any:
    """The first id of an object of which perhaps only the beginning is there; None if it is not
    among its whole fields."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(beginning)
        place = _past_blanks(text, 0)
        while text[place] in "{,":
            name, place = _value_at(text, place + 1)
            if text[place] != ":":
                return None
            value, place = _value_at(text, place + 1)
            # A number may go on where the text ends; what comes after it says that it does not.
            if name == "id" and text[place] in ",}":
                require_sayable(value)
                return value
    except (ValueError, IndexError, RecursionError):
        pass
    return None


def _value_at(text: str, place: int) -> tuple[Any, int]:
    value, place = _DECODER.raw_decode(text, _past_blanks(text, place))
    return value, _past_blanks(text, place)


def _past_blanks(text: str, place: int) -> int:
    while text[place] in " \t\r\n":
        place += 1
    return place


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise EventError(f"{short(twice)}: stands twice")
    return found


def require_sayable(event_id: Any) -> None:
    """An answer repeats the id, and JSON has no word for what is not finite."""
    if type(event_id) in (str, int, type(None)):
        return
    try:
        json.dumps(event_id, allow_nan=False)
    except ValueError:
        raise EventError("id: holds a number that is not finite") from None


def places_of(names: Sequence[str] | None) -> dict[str, int] | None:
    """Where each name stands."""
    return None if names is None else {name: i for i, name in enumerate(names)}


def numbers_in(
    field: str, values: Any, length: int, places: dict[str, int] | None, partial: bool = False
) -> np.ndarray:
    """The numbers of a list or of an object of names; what is missing or null is NaN if allowed."""
    row: list[Any]
    if isinstance(values, dict):
        if places is None:
            raise EventError(f"{field}: names are not configured; give a list of {length} numbers")
        row = [None] * length
        for name, value in values.items():
            if name not in places:
                raise EventError(f"{field}.{short(name)}: unknown; known: {', '.join(places)}")
            row[places[name]] = value
        missing = [name for name in places if name not in values]
        if missing and not partial:
            raise EventError(f"{field}.{missing[0]}: is missing")
        where = list(places)
    elif isinstance(values, list):
        if len(values) != length:
            raise EventError(f"{field}: must have {length} numbers, got {len(values)}")
        row, where = values, None
    else:
        raise EventError(f"{field}: must be a list or an object, got {short(values)}")
    for i, value in enumerate(row):
        kind = type(value)
        if kind is float or (kind is int and abs(value) <= EVERY_INTEGER):
            continue
        if not (value is None and partial):
            name = i if where is None else where[i]
            require_number(f"{field}.{name}", value, "a number or null" if partial else "a number")
    found = np.array([np.nan if value is None else value for value in row], np.float64)
    with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
        return found.astype(np.float32)


def observation_in(value: Any, length: int, places: dict[str, int] | None, featured: bool) -> Any:
    """The numbers of an observation; if features are made of its fields, the fields."""
    if not featured:
        return numbers_in("observation", value, length, places)
    if not isinstance(value, dict):
        raise EventError(f"observation: must be an object of fields, got {short(value)}")
    return value


def of_observation(error: FieldError, event_id: Any) -> EventError:
    """What is wrong with a field as what is wrong with the event's observation."""
    return EventError(f"observation.{error}", event_id)


def require_number(field: str, value: Any, allowed: str = "a number") -> None:
    """Check that a value is a number, and one that float32 can hold if it is an integer."""
    if type(value) is int:
        _require_exact(field, value)
    elif type(value) is not float:
        raise EventError(f"{field}: must be {allowed}, got {short(value)}")


def flag_in(found: dict[str, Any], field: str, default: bool = False) -> bool:
    """The flag of that name, or the default."""
    value = found.get(field, default)
    if not isinstance(value, bool):
        raise EventError(f"{field}: must be true or false, got {short(value)}")
    return value


def _require_exact(field: str, value: int) -> None:
    if not holds_integer(value):
        raise EventError(
            f"{field}: {short(value)} is an integer that float32 cannot hold exactly; send its "
            "parts, its difference to another, or, where the last digits mean nothing, a fraction"
        )


def short(value: Any) -> str:
    """A value as an error shows it."""
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]}..."
