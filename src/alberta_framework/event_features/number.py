"""Fields that are numbers."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from ..components.float32 import holds_integer
from ..components.ranges import require_choice, require_count
from .abstract import AbstractEventField, Reader, moved_means, number_in
from .field_error import FieldError, short

# So that float32 holds every difference of two as well: what was once let in spoils no later event.
_LARGEST = 2.0**126
# What may change from one start to the next: the numbers that are made stay what they were.
_FREE = {"config": "omit_default", "resume": "free"}
_NUMBERS = int | float | np.integer | np.floating


class NumberState(NamedTuple):
    """The mean of the numbers so far, and of how many; the latest events, the last one last, None
    where the number was missing; the last number there was."""

    mean: float = 0.0
    count: int = 0
    past: tuple[int | float | None, ...] = ()
    last: int | float | None = None


class NumberField(AbstractEventField[NumberState]):
    """A number, what it was some events ago, and by how much it has changed.

    A number that is missing, now or in the past, is the mean of those there were. The difference is
    to the last number there was; it is 0 for the first one, and where the number is missing.

    An integer that float32 cannot hold to its last digit is an error as a value, unless it may be
    `rounded`. Its difference is taken before it is rounded: with `value=False, difference=True` any
    counter can be a field.

    **Arguments:**

    - `name`: the field in events.
    - `lags`: how many events ago, each >= 1.
    - `difference`: whether the difference is a number of its own.
    - `value`: whether the number itself is one.
    - `missing`: whether one more number says that it was missing.
    - `rounded`: whether integers are rounded as fractions are, to some seven digits.
    - `low`, `high`: what is below or above counts as missing, as the -9999 of a sensor that has
      measured nothing; default None, no such bound.
    """

    name: str = eqx.field(static=True)
    lags: tuple[int, ...] = eqx.field(static=True, default=())
    difference: bool = eqx.field(static=True, default=False)
    value: bool = eqx.field(static=True, default=True)
    missing: bool = eqx.field(static=True, default=False)
    rounded: bool = eqx.field(static=True, default=False, metadata=_FREE)
    low: float | None = eqx.field(static=True, default=None, metadata=_FREE)
    high: float | None = eqx.field(static=True, default=None, metadata=_FREE)

    def __init__(
        self,
        name: str,
        lags: Any = (),
        difference: bool = False,
        value: bool = True,
        missing: bool = False,
        rounded: bool = False,
        low: float | None = None,
        high: float | None = None,
    ):
        self.name, self.difference, self.value, self.missing = name, difference, value, missing
        self.rounded, self.low, self.high = rounded, _in_float(low), _in_float(high)
        self.lags = tuple(lags) if isinstance(lags, list | tuple) else lags

    def __check_init__(self):
        self._require_field()
        if not isinstance(self.lags, tuple):
            raise TypeError(
                f"NumberField: `lags` must be a tuple of integers >= 1, got {self.lags!r}."
            )
        for lag in self.lags:
            require_count("NumberField", "lags", lag)
        if len(set(self.lags)) < len(self.lags):
            raise ValueError(f"NumberField: `lags` must be different, got {self.lags}.")
        require_choice("NumberField", "difference", self.difference, (True, False))
        require_choice("NumberField", "value", self.value, (True, False))
        require_choice("NumberField", "rounded", self.rounded, (True, False))
        for bound in ("low", "high"):
            _require_bound(bound, getattr(self, bound))
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(
                f"NumberField: `low` must be at most `high`, {self.high}, got {self.low}."
            )
        if not self.feature_names:
            raise ValueError(
                "NumberField: `value` must be True where there are no `lags` and no `difference`, "
                "got False."
            )

    @property
    def feature_names(self) -> list[str]:
        value = [self.name] if self.value else []
        lags = [f"{self.name}.lag{lag}" for lag in self.lags]
        return value + lags + ([f"{self.name}.difference"] if self.difference else [])

    def told_names(self, state: NumberState) -> list[str]:
        del state
        return self.feature_names

    def init(self) -> NumberState:
        return NumberState()

    def reader(self) -> Reader[NumberState]:
        name, whole, lags, difference = self.name, self.value, self.lags, self.difference
        held, kept = (whole or bool(lags)) and not self.rounded, max(lags, default=0)

        def read(state, value):
            mean, count, past, last = state
            if value is not None:
                value = _number(name, value, held)
                count += 1
                (mean,) = moved_means((mean,), count, (float(value),))
            numbers = []
            if whole:
                numbers.append(mean if value is None else float(value))
            for lag in lags:
                was = past[-lag] if lag <= len(past) else None
                numbers.append(mean if was is None else float(was))
            if difference:
                numbers.append(0.0 if last is None or value is None else float(value - last))
            if kept:
                past = (*past, value)[-kept:]
            return numbers, NumberState(mean, count, past, last if value is None else value)

        return read

    def stands_for_nothing(self) -> Callable[[Any], bool] | None:
        if self.low is None and self.high is None:
            return None
        inf = float("inf")
        low = -inf if self.low is None else self.low
        high = inf if self.high is None else self.high

        def outside(value):
            number = isinstance(value, _NUMBERS) and not isinstance(value, bool)
            # One that is not finite is a mistake, here as elsewhere.
            return number and bool(-inf < value < low or high < value < inf)

        return outside

    def stored(self, state: NumberState) -> dict[str, Any]:
        return state._asdict() | {"past": list(state.past)}

    def restored(self, stored: dict[str, Any]) -> NumberState:
        fields: dict[str, Any] = {**stored, "past": tuple(stored["past"])}
        return NumberState(**fields)


def _in_float(bound: Any) -> Any:
    return float(bound) if type(bound) is int and abs(bound) <= _LARGEST else bound


def _require_bound(name: str, bound: Any) -> None:
    """Check a bound.

    **Raises:** `TypeError`, `ValueError`.
    """
    if bound is None:
        return
    if isinstance(bound, bool) or not isinstance(bound, int | float):
        raise TypeError(f"NumberField: `{name}` must be a number or None, got {bound!r}.")
    if not abs(bound) <= _LARGEST:
        raise ValueError(f"NumberField: `{name}` must lie within ±{_LARGEST:.2g}, got {bound!r}.")


def _number(field: str, value: Any, held: bool) -> int | float:
    """`held`: whether float32 has to hold it itself, and not only its difference to another."""
    value = number_in(field, value)
    if abs(value) > _LARGEST:
        raise FieldError(f"{field}: must lie within ±{_LARGEST:.2g}, got {short(value)}")
    if held and type(value) is int and not holds_integer(value):
        raise FieldError(
            f"{field}: {short(value)} is an integer that float32 cannot hold exactly; make it a "
            "TimestampField, or take its difference alone (`value=False`, no `lags`), or, where "
            "the last digits mean nothing, make it `rounded`, or send a fraction"
        )
    return value
