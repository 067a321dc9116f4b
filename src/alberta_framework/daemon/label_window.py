"""The observations that labels may follow to, by the ids that a client gave them."""

import base64
import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..components.ranges import require_count
from .event_rows import EventRow

# Of one value for each of the old inputs or heads, and the value of a new one, one for each of the
# new ones.
Taken: TypeAlias = Callable[[Sequence[Any], Any], list[Any]]

MOST_BYTES = 64 << 20
# Of how many clients that have said their name the windows are kept.
_CLIENTS = 64
# What Python needs for an entry besides its numbers and texts.
_OF_AN_ENTRY = 500
_log = logging.getLogger(__name__)
# Made once, since to make one takes microseconds.
_encoded = json.JSONEncoder(sort_keys=True).encode


class Remembered:
    """An observation that labels may follow to.

    - `row`: what is learned from.
    - `event`: the fields that its features are made of, as JSON; None where there are none, or once
      the features have moved past it.
    - `learned`: which heads have learned their label; None for none.
    """

    __slots__ = ("bytes", "event", "learned", "row")

    def __init__(self, row: np.ndarray, event: str | None, learned: np.ndarray | None = None):
        self.row, self.event, self.learned = row, event, learned
        # As it came: it does not grow.
        self.bytes = _OF_AN_ENTRY + row.nbytes + len(event or "")

    def observation(self) -> EventRow:
        """For `Daemon.step`."""
        return EventRow(self.row, None if self.event is None else json.loads(self.event))

    def learn(self, labelled: np.ndarray) -> None:
        """These heads have learned their label."""
        self.learned = labelled if self.learned is None else self.learned | labelled
        self.event = None


class LabelWindow:
    """The latest events of a client that have an id: at most `most`, of `most_bytes` together."""

    def __init__(self, most: int, most_bytes: int):
        self._most, self._most_bytes, self._bytes = most, most_bytes, 0
        self._remembered: OrderedDict[str, Remembered] = OrderedDict()
        # How many were remembered so far.
        self.count = 0
        # Another thread may be saving it.
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._remembered)

    def find(self, event_id: Any) -> Remembered | None:
        """What is remembered under an id."""
        return self._remembered.get(_name(event_id))

    def remember(self, event_id: Any, found: Remembered) -> None:
        """Remember an event, in the place of an older one of the same id, and forget the oldest
        ones for which there is no room then."""
        self._add(_name(event_id), found)
        self.count += 1

    def stored(self) -> dict[str, Any]:
        """As JSON values."""
        with self._lock:
            names, entries = list(self._remembered), list(self._remembered.values())
        rows = [entry.row for entry in entries]
        events = [entry.event for entry in entries]
        learned = [entry.learned for entry in entries]
        targets = next((mask.size for mask in learned if mask is not None), 0)
        no_mask = np.zeros(targets, bool)
        masks = [no_mask if mask is None else mask for mask in learned]
        # Few values, however many events: a save looks at each one.
        return {
            "count": len(names),
            "ids": "\n".join(names),
            "features": rows[0].size if rows else 0,
            "targets": targets,
            "rows": _text(np.asarray(rows, "<f4")),
            "learned": _text(np.packbits(np.asarray(masks, bool))),
            "events": "\n".join(event or "" for event in events) if any(events) else None,
        }

    def resume(self, stored: Mapping[str, Any]) -> None:
        """Remember what was stored, as much of it as there is room for."""
        if not stored["count"]:
            return
        # JSON has no line break within a text.
        names, features, targets = stored["ids"].split("\n"), stored["features"], stored["targets"]
        rows = np.frombuffer(_bytes(stored["rows"]), "<f4").astype(np.float32)
        rows = rows.reshape(len(names), features)
        bits = np.frombuffer(_bytes(stored["learned"]), np.uint8)
        masks = np.unpackbits(bits, count=len(names) * targets).astype(bool)
        masks = masks.reshape(len(names), targets)
        events = (stored["events"] or "\n" * (len(names) - 1)).split("\n")
        for name, row, mask, event in zip(names, rows, masks, events, strict=True):
            learned = mask.copy() if mask.any() else None
            self._add(name, Remembered(row.copy(), event or None, learned))

    def _add(self, name: str, found: Remembered) -> None:
        found.bytes += len(name)
        with self._lock:
            before = self._remembered.pop(name, None)
            self._bytes += found.bytes - (0 if before is None else before.bytes)
            self._remembered[name] = found
            while len(self._remembered) > self._most or self._bytes > self._most_bytes:
                _, oldest = self._remembered.popitem(last=False)
                self._bytes -= oldest.bytes


class LabelWindows:
    """The windows of the clients that have a name, which are saved with the state: those of the
    latest 64 that have said it."""

    def __init__(self):
        # Of a client that has not come back since the start: as it was stored.
        self._windows: OrderedDict[str, LabelWindow | Mapping[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def of(
        self, client: str, most: int, most_bytes: int, feature_dim: int, n_targets: int
    ) -> LabelWindow:
        """That of a client, whose connections of one name share it; new if there is none."""
        with self._lock:
            found = self._windows.pop(client, None)
            if not isinstance(found, LabelWindow):
                stored, found = found, LabelWindow(most, most_bytes)
                if stored is not None and stored["count"]:
                    sizes = stored["features"], stored["targets"] or n_targets
                    if sizes == (feature_dim, n_targets):
                        found.resume(stored)
                    else:
                        _log.warning(
                            "events of the client %r that wait for labels are forgotten: they have "
                            "other features or targets",
                            client,
                        )
            self._windows[client] = found
            while len(self._windows) > _CLIENTS:
                self._windows.popitem(last=False)
            return found

    def remembered(self) -> int:
        """How many events were remembered so far; of clients that are kept."""
        windows = list(self._windows.values())
        return sum(window.count for window in windows if isinstance(window, LabelWindow))

    def stored(self) -> dict[str, Any] | None:
        """As JSON values; None without a client."""
        with self._lock:
            windows = dict(self._windows)
        told = {
            client: window.stored() if isinstance(window, LabelWindow) else window
            for client, window in windows.items()
        }
        return told or None

    def resume(self, stored: Mapping[str, Any]) -> None:
        """Go on with those of another process."""
        self._windows.update(stored)


def migrated_windows(
    stored: Mapping[str, Any] | None, inputs: Taken, heads: Taken, keep_fields: bool
) -> dict[str, Any] | None:
    """What `LabelWindows.stored` told, for a learner of other inputs and heads: new inputs are 0 in
    events that came before them, new heads have learned no label. Without `keep_fields` the
    features do not move on with those events."""
    if stored is None:
        return None
    return {
        client: found if not found["count"] else _migrated(found, inputs, heads, keep_fields)
        for client, found in stored.items()
    }


def _migrated(
    found: Mapping[str, Any], inputs: Taken, heads: Taken, keep_fields: bool
) -> dict[str, Any]:
    count, features, targets = found["count"], found["features"], found["targets"]
    rows = np.frombuffer(_bytes(found["rows"]), "<f4").reshape(count, features)
    bits = np.frombuffer(_bytes(found["learned"]), np.uint8)
    masks = np.unpackbits(bits, count=count * targets).reshape(count, targets)
    # One column more, for those that were not there.
    rows, masks = (np.pad(columns, ((0, 0), (0, 1))) for columns in (rows, masks))
    rows = rows[:, inputs(range(features), features)]
    # Of a learner of classes one label is of all heads.
    masks = masks[:, heads(range(targets), targets) if targets > 1 else slice(targets)]
    return {
        **found,
        "features": rows.shape[1],
        "targets": masks.shape[1],
        "rows": _text(np.asarray(rows, "<f4")),
        "learned": _text(np.packbits(masks)),
        "events": found["events"] if keep_fields else None,
    }


def _name(event_id: Any) -> str:
    """The JSON text of an id, the same for equal ones."""
    # Most are counted, and JSON writes a whole number as Python does.
    return str(event_id) if type(event_id) is int else _encoded(event_id)


def require_window(owner: str, most: Any, most_bytes: Any) -> None:
    """Check the sizes of a window.

    **Raises:** `TypeError`, `ValueError` naming the argument.
    """
    require_count(owner, "label_window", most, low=0)
    require_count(owner, "label_window_bytes", most_bytes, low=0)


def _text(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
