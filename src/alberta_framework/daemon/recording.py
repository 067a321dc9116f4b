"""A log of the events that a daemon learned from, from which its life can be replayed."""

import itertools
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..event_features import EventFeatures
from .event_rows import recorded_fields
from .failed_writes import FailedWrites

_log = logging.getLogger(__name__)
VERSION = 1


class Recording:
    """Appends a line of JSON for each event that changes the state, before it does.

    The first line says whose life it is; each other one has the number of its event, `step`, and
    what the learner was given, to the last bit: null for NaN, 1e999 for infinity; and the `fields`
    of the event, where they are what features are made of and move on with. After a crash the
    daemon goes on from its checkpoint, and numbers that were there come again: the later line is
    what was learned. What cannot be written is told, and learned all the same; then a number is
    missing, and a replay says so.

    **Arguments:** `path`; `about`: what tells the life from others, as JSON values; `features`:
    what makes the observations of events, if anything does.

    **Raises:** `ValueError` if another life, or something else, is recorded there; `OSError`.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        about: Mapping[str, Any],
        features: EventFeatures | None = None,
    ):
        self.path, self._features = Path(path), features
        self.failed = FailedWrites(_log, "recorded")
        about = json.loads(json.dumps({"recording": VERSION, **about}))
        self._torn = False
        if self.path.exists() and self.path.stat().st_size:
            self._require_same(about)
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        if not os.fstat(self._descriptor).st_size:
            self._append(json.dumps(about))

    def event(
        self,
        step: int,
        observation: np.ndarray,
        targets: np.ndarray,
        terminated: bool,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """An event of a learner; `fields`: those by which its features move on."""
        line: dict[str, Any] = {"step": step}
        line |= {"observation": observation.tolist(), "targets": targets.tolist()}
        self._write(line | ({"terminated": True} if terminated else {}), fields)

    def act(
        self,
        step: int,
        observation: np.ndarray,
        reward: float | None,
        terminated: bool,
        truncated: bool,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """An event of an agent; `fields` as of a learner."""
        line: dict[str, Any] = {"step": step, "observation": observation.tolist()}
        line |= {} if reward is None else {"reward": reward}
        line |= {"terminated": True} if terminated else {}
        self._write(line | ({"truncated": True} if truncated else {}), fields)

    def recovered(self, step: int, restored_from: int | None) -> None:
        """After the event `step` the state gave way to that of an earlier one, or to a new one."""
        self._write({"step": step, "restored_from": restored_from})

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _write(self, line: Mapping[str, Any], fields: Mapping[str, Any] | None = None) -> None:
        text = json.dumps(line, separators=(",", ":"))
        # There are numbers and names of ours in it alone.
        text = text.replace("Infinity", "1e999").replace("NaN", "null")
        try:
            if fields is not None and self._features is not None:
                text = f'{text[:-1]},"fields":{recorded_fields(self._features, fields)}}}'
            self._append(text)
        except (OSError, TypeError, ValueError) as error:
            self.failed.note(self.path, error)
        else:
            self.failed.end(self.path)

    def _append(self, text: str) -> None:
        data = (b"\n" if self._torn else b"") + text.encode() + b"\n"
        self._torn = True
        written = os.write(self._descriptor, data)
        if written < len(data):
            raise OSError(f"only {written} of {len(data)} bytes were written")
        self._torn = False

    def _require_same(self, about: Mapping[str, Any]) -> None:
        with self.path.open("rb") as file:
            first = file.readline()
            file.seek(-1, os.SEEK_END)
            self._torn = file.read(1) != b"\n"
        found = _header(first)
        if found is None:
            raise ValueError(f"Daemon: `record`: {self.path} is there and is no recording.")
        for name, value in about.items():
            differ = _difference(name, found.get(name), value)
            if differ is not None:
                where, there, here = differ
                raise ValueError(
                    f"Daemon: `record`: {self.path} is of another life: {where} is {there!r:.200} "
                    f"there, got {here!r:.200}; choose another file."
                )


def _difference(path: str, stored: Any, given: Any) -> tuple[str, Any, Any] | None:
    """Where two JSON values differ first, and what they have there."""
    if isinstance(stored, dict) and isinstance(given, dict):
        names = dict.fromkeys((*stored, *given))
        pairs = [(name, stored.get(name), given.get(name)) for name in names]
    elif isinstance(stored, list) and isinstance(given, list) and len(stored) == len(given):
        pairs = [(place, *both) for place, both in enumerate(zip(stored, given, strict=True))]
    else:
        return None if stored == given else (path, stored, given)
    found = (_difference(f"{path}.{name}", *both) for name, *both in pairs)
    return next((one for one in found if one is not None), None)


def _header(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "recording" in found else None


class Recorded:
    """What a recording holds: whose life it is, `about`, and the lines of what became of it;
    `torn`: whether it ends in the middle of one.

    **Raises:** `ValueError` for a file that is no recording, or lacks events; `OSError`.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        with self.path.open("rb") as file:
            found = _header(file.readline())
            if found is None:
                raise ValueError(f"{self.path}: is no recording of a daemon.")
            if found["recording"] != VERSION:
                raise ValueError(
                    f"{self.path}: is of format {found['recording']}; this version reads {VERSION}."
                )
            self.about = found
            steps, line = [], b"\n"
            for line in file:
                steps.append(self._step_of(line))
        self.torn = not line.endswith(b"\n")
        self.kept = _kept(steps)
        events = [s for (s, is_event), k in zip(steps, self.kept, strict=True) if k and is_event]
        self.first, self.last = (events[0], events[-1]) if events else (None, None)
        for before, after in itertools.pairwise(events):
            if after != before + 1:
                missing = f"{before + 1:,}" + ("" if after == before + 2 else f" to {after - 1:,}")
                raise ValueError(f"{self.path}: event {missing} was not recorded.")

    def lines(self):
        """Each line that counts, in order: of an event, or of a recovery after one."""
        with self.path.open("rb") as file:
            file.readline()
            for line, kept in zip(file, self.kept, strict=False):
                if kept:
                    yield json.loads(line)

    @staticmethod
    def _step_of(line: bytes) -> tuple[int, bool]:
        """The number of the event of a line, and whether it is one; a line of which a crash left a
        part counts for nothing."""
        try:
            found = json.loads(line)
            return int(found["step"]), "observation" in found
        except (ValueError, KeyError, TypeError):
            return -1, False


def _kept(steps: list[tuple[int, bool]]) -> list[bool]:
    """Which lines count: those that no later event takes the place of."""
    kept, least = [False] * len(steps), None
    for place in range(len(steps) - 1, -1, -1):
        step, is_event = steps[place]
        kept[place] = step >= 0 and (least is None or step < least)
        if is_event:
            least = step if least is None else min(least, step)
    return kept
