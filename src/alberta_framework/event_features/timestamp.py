"""Fields that are times."""

import datetime
import math
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from ..components.ranges import require_choice
from .abstract import AbstractEventField, Reader, moved_means, number_in
from .field_error import FieldError, short

_SECOND = 10**9
_DAY = 86_400 * _SECOND
_WEEK = 7 * _DAY
# 1970-01-01 was a Thursday; weeks begin with Monday.
_FROM_MONDAY = 3 * _DAY
_NANOSECONDS = {"s": _SECOND, "ms": 10**6, "us": 10**3, "ns": 1}
# A hundred thousand years.
_FURTHEST = 2**42 * _SECOND
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_ALLOWED = "a time: a finite number, a text of ISO 8601 or null"


class TimestampState(NamedTuple):
    """The time of the last event that had one, in nanoseconds since 1970; the means of the numbers
    so far, and of how many."""

    last: int | None
    means: tuple[float, ...]
    count: int = 0


class TimestampField(AbstractEventField[TimestampState]):
    """A time, as places on the circles of the day and of the week, and as seconds since the last.

    With h the time of day as a share of the day, and d the time of week as one of the week from
    Monday on, both UTC, the numbers are sin 2πh, cos 2πh, sin 2πd, cos 2πd, and the seconds since
    the last event that had a time: 0 at the first, negative if events come out of order. (In
    another time zone they are the same circles, turned.) The time is kept as an integer of
    nanoseconds, and is never rounded itself.

    **Arguments:**

    - `name`: the field in events: a number since 1970-01-01 UTC, or a text of ISO 8601, of UTC
      unless it says otherwise; in Python a `datetime` too.
    - `unit`: of a number: `"s"`, `"ms"`, `"us"` or `"ns"`.
    - `hour`, `weekday`, `elapsed`: which of the numbers there are.
    - `missing`: whether one more number says that it was missing.
    """

    name: str = eqx.field(static=True)
    unit: str = eqx.field(static=True, default="s")
    hour: bool = eqx.field(static=True, default=True)
    weekday: bool = eqx.field(static=True, default=True)
    elapsed: bool = eqx.field(static=True, default=True)
    missing: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        self._require_field()
        require_choice("TimestampField", "unit", self.unit, tuple(_NANOSECONDS))
        for name in ("hour", "weekday", "elapsed"):
            require_choice("TimestampField", name, getattr(self, name), (True, False))
        if not self.feature_names:
            raise ValueError(
                "TimestampField: one of `hour`, `weekday` and `elapsed` must be True, got False."
            )

    @property
    def feature_names(self) -> list[str]:
        hour = ["hour_sin", "hour_cos"] if self.hour else []
        weekday = ["weekday_sin", "weekday_cos"] if self.weekday else []
        elapsed = ["elapsed_s"] if self.elapsed else []
        return [f"{self.name}.{part}" for part in hour + weekday + elapsed]

    def told_names(self, state: TimestampState) -> list[str]:
        del state
        return self.feature_names

    def init(self) -> TimestampState:
        return TimestampState(None, (0.0,) * len(self.feature_names))

    def reader(self) -> Reader[TimestampState]:
        name, unit = self.name, self.unit
        hour, weekday, elapsed = self.hour, self.weekday, self.elapsed

        def read(state, value):
            last, means, count = state
            if value is None:
                return list(means), state
            time, numbers = _nanoseconds(name, value, unit), []
            if hour:
                numbers += _on_circle(time, _DAY)
            if weekday:
                numbers += _on_circle(time + _FROM_MONDAY, _WEEK)
            if elapsed:
                numbers.append(0.0 if last is None else (time - last) / _SECOND)
            means = moved_means(means, count + 1, numbers)
            return numbers, TimestampState(time, means, count + 1)

        return read

    def stands_for_nothing(self) -> None:
        return None

    def stored(self, state: TimestampState) -> dict[str, Any]:
        return state._asdict() | {"means": list(state.means)}

    def restored(self, stored: dict[str, Any]) -> TimestampState:
        fields: dict[str, Any] = {**stored, "means": tuple(stored["means"])}
        return TimestampState(**fields)


def _nanoseconds(field: str, value: Any, unit: str) -> int:
    if isinstance(value, str | datetime.datetime):
        return _of_calendar(field, value)
    if isinstance(value, np.datetime64) and not np.isnat(value):
        return int(value.astype("datetime64[ns]").astype(np.int64))
    value, size = number_in(field, value, _ALLOWED), _NANOSECONDS[unit]
    # The whole of a float is exact, and so is what is left of it.
    whole = math.floor(value)
    time = whole * size + round((value - whole) * size)
    if abs(time) > _FURTHEST:
        told = f"got {short(value)}; the unit is {unit!r}"
        raise FieldError(f"{field}: must lie within 100,000 years of 1970, {told}")
    return time


def _of_calendar(field: str, value: Any) -> int:
    try:
        found = datetime.datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise FieldError(f"{field}: must be {_ALLOWED}, got {short(value)}") from None
    found = found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
    since = found - _EPOCH
    return (since.days * 86_400 + since.seconds) * _SECOND + since.microseconds * 1000


def _on_circle(time: int, period: int) -> list[float]:
    angle = 2.0 * math.pi * ((time % period) / period)
    return [math.sin(angle), math.cos(angle)]
