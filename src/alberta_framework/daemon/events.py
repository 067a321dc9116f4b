"""Events as lines of JSON: one line in, one line out."""

import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..components.ranges import require_count
from .daemon import Daemon

_KEYS = ("id", "observation", "targets", "terminated")
_LONGEST_SAID = 80
# Of float32: binary digits, exponents; up to here every integer is exact.
_DIGITS, _LARGEST = 24, 128
_EXACT = 2**_DIGITS


class EventError(ValueError):
    """What is wrong with a line; the text begins with the field. `id` is the event's, or None."""

    def __init__(self, text: str, event_id: Any = None):
        super().__init__(text)
        self.id = event_id


class Event(NamedTuple):
    """One event; `observation` is None for a label that comes later, `targets` for no label.

    A null target is NaN.
    """

    id: Any
    observation: np.ndarray | None
    targets: np.ndarray | None
    terminated: bool


class EventSchema:
    """What the lines must look like: how many numbers, and their names.

    An integer that float32 cannot hold is an error, since its last digits, which an identifier or a
    time is told by, would be lost; as a fraction, `16777217.0`, it is rounded like any other.

    **Arguments:** the number of features and of heads; their names, without which events give lists
    alone.
    """

    def __init__(
        self,
        feature_dim: int,
        n_heads: int,
        feature_names: Sequence[str] | None = None,
        head_names: Sequence[str] | None = None,
    ):
        self.feature_dim, self.n_heads = feature_dim, n_heads
        self.features = _places(feature_names)
        self.heads = _places(head_names)

    def parsed(self, line: str | bytes) -> Event:
        """The event of a line.

        **Raises:** `EventError` naming the field.
        """
        found = self._loaded(line)
        try:
            return self._event(found)
        except EventError as error:
            try:
                _require_sayable(found.get("id"))
            except EventError:
                raise error from None
            error.id = found.get("id")
            raise

    def _loaded(self, line: str | bytes) -> dict[str, Any]:
        try:
            text = line.decode("utf-8") if isinstance(line, bytes) else line
            found = json.loads(text, object_pairs_hook=_object)
        except EventError:
            raise
        except (ValueError, RecursionError) as error:
            raise EventError(f"line: is no JSON: {_short(error)}") from None
        if not isinstance(found, dict):
            raise EventError(f"line: must be a JSON object, got {_short(found)}")
        return found

    def _event(self, found: dict[str, Any]) -> Event:
        for key in found:
            if key not in _KEYS:
                raise EventError(f"{_short(key)}: unknown field; known: {', '.join(_KEYS)}")
        observation = targets = None
        if found.get("observation") is not None:
            observation = _numbers(
                "observation", found["observation"], self.feature_dim, self.features, False
            )
        if found.get("targets") is not None:
            targets = _numbers("targets", found["targets"], self.n_heads, self.heads, True)
        terminated = found.get("terminated", False)
        if not isinstance(terminated, bool):
            raise EventError(f"terminated: must be true or false, got {_short(terminated)}")
        if type(found.get("id")) not in (str, int, type(None)):
            _require_sayable(found["id"])
        if observation is None and targets is None:
            raise EventError("observation: is missing, and there are no targets either")
        if observation is None and found.get("id") is None:
            raise EventError("id: targets without an observation need the id of an earlier event")
        return Event(found.get("id"), observation, targets, terminated)


class _Remembered:
    """An observation that labels may follow to, and the heads that have learned theirs, if any."""

    __slots__ = ("learned", "observation")

    def __init__(self, observation: np.ndarray):
        self.observation = observation
        self.learned: np.ndarray | None = None


class EventProcessor:
    """Carries lines through a daemon; a bad line is answered and changes nothing.

    An event with an `id` and an observation is remembered, so that targets may follow later under
    the same `id`; learning then happens on the observation as it was, once for each head. The
    latest `label_window` observations are remembered, by this processor alone: where several
    clients number their events each on their own, each needs a processor of its own.

    Targets that are all null are no label, and a learner of examples predicts only.

    **Arguments:** `daemon`, with its names of features and heads; `label_window` >= 0.
    """

    def __init__(self, daemon: Daemon, label_window: int = 10_000):
        require_count("EventProcessor", "label_window", label_window, low=0)
        self.daemon = daemon
        self.schema = EventSchema(
            daemon.feature_dim, daemon.n_heads, daemon.feature_names, daemon.head_names
        )
        self.label_window = label_window
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    def process(self, line: str | bytes, number: int) -> dict[str, Any]:
        """The answer to a line: of an event its predictions, of a bad line the error."""
        try:
            event = self.schema.parsed(line)
            return self._answer(event)
        except EventError as error:
            return {"id": error.id, "line": number, "error": str(error)}

    def answer(self, line: str | bytes, number: int) -> bytes:
        """The answer as a line of JSON."""
        return json.dumps(self.process(line, number), separators=(",", ":")).encode() + b"\n"

    def _answer(self, event: Event) -> dict[str, Any]:
        remembered = self._remembered_for(event)
        observation = event.observation if remembered is None else remembered.observation
        labelled = None if event.targets is None else ~np.isnan(event.targets)
        no_label = labelled is None or not labelled.any()
        if not no_label and remembered is not None and remembered.learned is not None:
            self._require_unlearned(event.id, labelled & remembered.learned)
        # An unlabelled event is a step of an episode all the same.
        learns = not no_label or self.daemon.learns_transitions
        targets = event.targets if learns else None
        predictions, rejected, step = self.daemon.step(observation, targets, event.terminated)
        if not no_label and remembered is not None and not rejected:
            before = remembered.learned
            remembered.learned = labelled if before is None else before | labelled
        values = [value if math.isfinite(value) else None for value in predictions.tolist()]
        heads = self.schema.heads
        named = values if heads is None else dict(zip(heads, values, strict=True))
        return {"id": event.id, "step": step, "predictions": named, "rejected": rejected}

    def _remembered_for(self, event: Event) -> _Remembered | None:
        """What is remembered under the event's id: from now on, or since an earlier event."""
        if event.observation is None:
            return self._earlier(event)
        if event.id is None or not self.label_window:
            return None
        name = json.dumps(event.id, sort_keys=True)
        self._remembered[name] = found = _Remembered(event.observation)
        self._remembered.move_to_end(name)
        if len(self._remembered) > self.label_window:
            self._remembered.popitem(last=False)
        return found

    def _earlier(self, event: Event) -> _Remembered:
        if self.daemon.learns_transitions:
            raise EventError("observation: is missing; a learner of transitions needs it", event.id)
        found = self._remembered.get(json.dumps(event.id, sort_keys=True))
        if found is None:
            text = f"id: no event {_short(event.id)} among the latest remembered"
            raise EventError(text, event.id)
        return found

    def _require_unlearned(self, event_id: Any, twice: np.ndarray) -> None:
        if twice.any():
            place = int(np.argmax(twice))
            head = place if self.schema.heads is None else list(self.schema.heads)[place]
            text = f"targets.{head}: event {_short(event_id)} has learned it already"
            raise EventError(text, event_id)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise EventError(f"{_short(twice)}: stands twice")
    return found


def _require_sayable(event_id: Any) -> None:
    """An answer repeats the id, and JSON has no word for what is not finite."""
    try:
        json.dumps(event_id, allow_nan=False)
    except ValueError:
        raise EventError("id: holds a number that is not finite") from None


def _places(names: Sequence[str] | None) -> dict[str, int] | None:
    return None if names is None else {name: i for i, name in enumerate(names)}


def _numbers(
    field: str, values: Any, length: int, places: dict[str, int] | None, partial: bool
) -> np.ndarray:
    """The numbers of a list or of an object of names; what is missing or null is NaN if allowed."""
    row: list[Any]
    if isinstance(values, dict):
        if places is None:
            raise EventError(f"{field}: names are not configured; give a list of {length} numbers")
        row = [None] * length
        for name, value in values.items():
            if name not in places:
                raise EventError(f"{field}.{_short(name)}: unknown; known: {', '.join(places)}")
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
        raise EventError(f"{field}: must be a list or an object, got {_short(values)}")
    for i, value in enumerate(row):
        kind = type(value)
        if kind is float or (kind is int and -_EXACT <= value <= _EXACT):
            continue
        name = i if where is None else where[i]
        if kind is int:
            _require_exact(f"{field}.{name}", value)
        elif not (value is None and partial):
            allowed = "a number or null" if partial else "a number"
            raise EventError(f"{field}.{name}: must be {allowed}, got {_short(value)}")
    found = np.array([np.nan if value is None else value for value in row], np.float64)
    with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
        return found.astype(np.float32)


def _require_exact(field: str, value: int) -> None:
    """A float32 has 24 binary digits and an exponent below 128."""
    size = abs(value)
    digits = size.bit_length() - (size & -size).bit_length() + 1
    if digits > _DIGITS or size.bit_length() > _LARGEST:
        raise EventError(
            f"{field}: {_short(value)} is an integer that float32 cannot hold exactly; send its "
            "parts, its difference to another, or, where the last digits mean nothing, a fraction"
        )


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, Exception) else repr(value)
    return text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]}..."
