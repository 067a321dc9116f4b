"""What every kind of field of an event offers."""

import abc
import math
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import equinox as eqx
import numpy as np

from ..components.component import AbstractComponent
from ..components.ranges import require_choice
from .field_error import FieldError, short

State = TypeVar("State")
Reader: TypeAlias = Callable[[State, Any], tuple[list[float], State]]


class AbstractEventField(AbstractComponent, Generic[State]):
    """Makes so many numbers of one field of an event; carries a state along.

    The state is a value of Python's own, never changed, only replaced. What it makes of a field
    that is missing are the running means of what it made of those that were there.

    - `name`: that of the field in events.
    - `missing`: whether one more number says that the field was missing.
    """

    name: eqx.AbstractVar[str]
    missing: eqx.AbstractVar[bool]

    @property
    @abc.abstractmethod
    def feature_names(self) -> list[str]:
        """The names of its numbers, which never change."""

    @abc.abstractmethod
    def told_names(self, state: State) -> list[str]:
        """The names of its numbers as a report tells them, by what is known so far."""

    @abc.abstractmethod
    def init(self) -> State:
        """The state before the first event."""

    @abc.abstractmethod
    def reader(self) -> Reader[State]:
        """The function of a state and a value that gives the numbers, and the state after it; None
        is a value that is missing. It raises a `FieldError` for a value of the wrong kind.

        A function and no method, so that what it needs of the component is looked up once: Modules
        take microseconds for that.
        """

    @abc.abstractmethod
    def stands_for_nothing(self) -> Callable[[Any], bool] | None:
        """The function of a value that tells whether it says that there is none, and counts as
        missing; None if no value does."""

    @abc.abstractmethod
    def stored(self, state: State) -> dict[str, Any]:
        """The state as JSON values."""

    @abc.abstractmethod
    def restored(self, stored: dict[str, Any]) -> State:
        """The state that `stored` tells of, to the last bit."""

    def _require_field(self) -> None:
        """Check what every field has."""
        owner = type(self).__name__
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(
                f"{owner}: `name` must be a text, the name of a field, got {self.name!r}."
            )
        require_choice(owner, "missing", self.missing, (True, False))


def number_in(field: str, value: Any, allowed: str = "a finite number or null") -> int | float:
    """A finite number, as Python's own."""
    value = value.item() if isinstance(value, np.generic) else value
    if type(value) not in (int, float) or not _is_finite(value):
        raise FieldError(f"{field}: must be {allowed}, got {short(value)}")
    return value


def _is_finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def moved_means(means: Sequence[float], count: int, numbers: Sequence[float]) -> tuple[float, ...]:
    """The means over `count` rows, the last of which is `numbers`."""
    return tuple(m + (x - m) / count for m, x in zip(means, numbers, strict=True))
