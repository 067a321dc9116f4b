"""Events as they come, objects of named fields, as rows of features."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ..components.component import AbstractComponent
from ..components.ranges import require_choice
from .abstract import AbstractEventField
from .field_error import FieldError, short

# How many names of fields that nobody declared are told apart.
_UNDECLARED = 64
_LONGEST_NAME = 80


class EventFeaturesState(NamedTuple):
    """What is carried from event to event: a value of Python's own, never changed, only replaced.

    - `fields`: what each field carries.
    - `events`: how many there were.
    - `missing`: in how many events each field was missing.
    - `undeclared`: fields that nobody declared, the first 64 names, and in how many events each
      was.
    - `undeclared_others`: how often there were others.
    """

    fields: tuple[Any, ...]
    events: int
    missing: tuple[int, ...]
    undeclared: Mapping[str, int]
    undeclared_others: int


# Of a state and an event the row, and the state after it.
EventReader: TypeAlias = Callable[
    [EventFeaturesState, Mapping[str, Any]], tuple[np.ndarray, EventFeaturesState]
]


class EventFeatures(AbstractComponent):
    """Makes a row of float32 of an event, an object of named fields: always as many numbers.

    It works on the host, outside of compiled code. What it carries along (means, categories, past
    values, the last time) is a state of its own; `see` gives it anew, so an event that is only
    predicted, or that a learner rejected, changes nothing if the state after it is dropped. The row
    is what it would be if the event were learned from.

    All numbers of a row are finite; what cannot be is an error that names the field.

    **Arguments:** `fields`: one or more of `NumberField`, `CategoryField`, `BooleanField`,
    `TimestampField`, or an `AbstractEventField` of your own; `extra`: what becomes of fields that
    nobody declared: they are counted and otherwise ignored, or an `"error"`.

    ```python
    features = EventFeatures((NumberField("load", lags=(1,)), CategoryField("host", capacity=2)))
    state = features.init()
    row, state = features.see(state, {"load": 0.5, "host": "web1"})
    ```
    """

    fields: tuple[AbstractEventField, ...]
    extra: Literal["ignore", "error"] = eqx.field(static=True, default="ignore")

    def __init__(self, fields: Sequence[Any], extra: Literal["ignore", "error"] = "ignore"):
        self.fields = tuple(fields) if isinstance(fields, Sequence) else (fields,)
        self.extra = extra

    def __check_init__(self):
        if not self.fields or not all(isinstance(f, AbstractEventField) for f in self.fields):
            raise TypeError(
                "EventFeatures: `fields` must be AbstractEventFields, at least one, got "
                f"{self.fields!r}."
            )
        require_choice("EventFeatures", "extra", self.extra, ("ignore", "error"))
        for names in ([field.name for field in self.fields], self.feature_names):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(
                    f"EventFeatures: the names of `fields`, and of what they make, must be "
                    f"different; {twice!r} is there twice."
                )

    @property
    def feature_dim(self) -> int:
        """How many numbers a row has."""
        return len(self.feature_names)

    @property
    def feature_names(self) -> list[str]:
        """The names of the numbers of a row, which never change."""
        return self._names([field.feature_names for field in self.fields])

    def told_names(self, state: EventFeaturesState) -> list[str]:
        """The names as a report tells them: with the categories that are known by now."""
        pairs = zip(self.fields, state.fields, strict=True)
        told = self._names([field.told_names(own) for field, own in pairs])
        return told if len(set(told)) == len(told) else self.feature_names

    def init(self) -> EventFeaturesState:
        """The state before the first event."""
        fields = tuple(field.init() for field in self.fields)
        return EventFeaturesState(fields, 0, (0,) * len(fields), {}, 0)

    def see(
        self, state: EventFeaturesState, event: Mapping[str, Any]
    ) -> tuple[Float[np.ndarray, " features"], EventFeaturesState]:
        """The row of an event, and the state after it.

        **Arguments:** `event`: the values by name; what is absent or None is missing.

        **Raises:** `TypeError` for what is no mapping; `FieldError` naming the field, for a value
        of the wrong kind or out of range, and with `extra="error"` for a field nobody declared.
        """
        return self.reader()(state, event)

    def reader(self) -> EventReader:
        """`see` as a function, which takes a twentieth of its time: for whoever reads many."""
        names = [field.name for field in self.fields]
        parts = [
            (field.name, field.reader(), field.missing, field.stands_for_nothing())
            for field in self.fields
        ]
        feature_names, only_declared = self.feature_names, self.extra == "error"

        def read(state, event):
            if not isinstance(event, Mapping):
                raise TypeError(f"EventFeatures: `event` must be a mapping, got {short(event)}.")
            row, fields, missing, declared = [], [], [], 0
            for (name, see, tells, is_nothing), own, count in zip(
                parts, state.fields, state.missing, strict=True
            ):
                value = event.get(name)
                declared += value is not None or name in event
                if is_nothing is not None and value is not None and is_nothing(value):
                    value = None
                numbers, after = see(own, value)
                row += numbers
                if tells:
                    row.append(1.0 if value is None else 0.0)
                fields.append(after)
                missing.append(count + (value is None))
            known, others = state.undeclared, state.undeclared_others
            if declared < len(event):
                unknown = [name for name in event if name not in names]
                if only_declared:
                    told = f"{short(unknown[0])}: unknown; known: {', '.join(names)}"
                    raise FieldError(told)
                known, others = _counted(known, others, unknown)
            found = _in_float32(row, feature_names)
            after = (tuple(fields), state.events + 1, tuple(missing), known, others)
            return found, EventFeaturesState(*after)

        return read

    def stored(self, state: EventFeaturesState) -> dict[str, Any]:
        """The state as JSON values, of which `restored` makes the same state to the last bit."""
        pairs = zip(self.fields, state.fields, strict=True)
        return {
            "fields": {field.name: field.stored(own) for field, own in pairs},
            "events": state.events,
            "missing": list(state.missing),
            "undeclared": dict(state.undeclared),
            "undeclared_others": state.undeclared_others,
        }

    def restored(self, stored: dict[str, Any]) -> EventFeaturesState:
        """The state that `stored` tells of."""
        return EventFeaturesState(
            tuple(field.restored(stored["fields"][field.name]) for field in self.fields),
            stored["events"],
            tuple(stored["missing"]),
            dict(stored["undeclared"]),
            stored["undeclared_others"],
        )

    def report(self, state: EventFeaturesState) -> dict[str, Any]:
        """How many events there were, how often each field was missing, and what came that nobody
        declared, as JSON."""
        names = [field.name for field in self.fields]
        return {
            "events": state.events,
            "missing": dict(zip(names, state.missing, strict=True)),
            "undeclared": dict(state.undeclared),
            "undeclared_others": state.undeclared_others,
        }

    def _names(self, of_fields: list[list[str]]) -> list[str]:
        found = []
        for field, names in zip(self.fields, of_fields, strict=True):
            found += names
            if field.missing:
                found.append(f"{field.name}.missing")
        return found


def _in_float32(row: list[float], names: list[str]) -> np.ndarray:
    with np.errstate(over="ignore"):
        found = np.array(row, np.float32)
    if not np.isfinite(found).all():
        place = int(np.argmin(np.isfinite(found)))
        raise FieldError(f"{names[place]}: {row[place]!r} is no finite number of float32")
    return found


def _counted(
    known: Mapping[str, int], others: int, unknown: list[Any]
) -> tuple[Mapping[str, int], int]:
    counts = dict(known)
    for name in unknown:
        told = str(name)[:_LONGEST_NAME]
        if told in counts or len(counts) < _UNDECLARED:
            counts[told] = counts.get(told, 0) + 1
        else:
            others += 1
    return counts, others
