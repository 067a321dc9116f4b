"""The checkpoint of a daemon: who holds it, what is resumed from it, and when it is saved."""

import logging
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any, TypeAlias

from ..checkpoints import (
    CheckpointError,
    list_checkpoints,
    load_checkpoint_metadata,
    save_agent,
)
from ..checkpoints.agents import load_state_of
from ..checkpoints.lock import CheckpointClaim
from ..checkpoints.pinned import Pins
from ..checkpoints.writing import require_replaceable, set_aside
from ..components.ranges import require_choice, require_count
from ..learners import AbstractLearner
from .divergence import KeptState
from .failed_writes import FailedWrites

_log = logging.getLogger(__name__)
_KEY_OF_METADATA = "daemon"

# What is to be saved: the learner's state, and what the daemon tells beside it, its `steps` too.
Content: TypeAlias = tuple[Any, dict[str, Any]]


class Saving:
    """Where a daemon saves to, if anywhere, and when. Its caller sees to it that one method runs at
    a time.

    `path`, `every`, `every_s`, `resume`, `keep`, `frozen` and `pins` are the arguments of the
    daemon that say so; the path is claimed at once, unless it is only read.
    """

    def __init__(
        self,
        learner: AbstractLearner,
        path: str | os.PathLike | None,
        every: int | None,
        every_s: float | None,
        resume: bool,
        keep: int,
        frozen: bool,
        pins: Pins,
    ):
        require_count("Daemon", "keep", keep)
        pins.require("Daemon")
        require_choice("Daemon", "frozen", frozen, (True, False))
        require_choice("Daemon", "resume", resume, (True, False))
        if every is not None:
            require_count("Daemon", "checkpoint_every", every)
        _require_seconds(every_s)
        if not isinstance(path, str | os.PathLike | None):
            raise TypeError(f"Daemon: `checkpoint` must be a path, got {path!r}.")
        if path is None and not (every is None and every_s is None):
            raise ValueError("Daemon: there is a saving interval but no `checkpoint` to save to.")
        if frozen and (path is None or not resume):
            raise ValueError("Daemon: `frozen` needs a `checkpoint` to resume from.")
        if frozen and not (every is None and every_s is None):
            raise ValueError("Daemon: a `frozen` one has nothing to save, and so no interval.")
        self.path = None if path is None else Path(path)
        self.frozen, self._pins = frozen, pins
        self.every, self.every_s, self.keep = every, every_s, keep
        self._learner, self._resume = learner, resume
        self._claim = None
        if self.path is not None and not frozen:
            self._claim = CheckpointClaim(self.path)
            try:
                _require_room_beside(self._claim.path)
            except OSError:
                self._claim.release()
                raise
        self._template: Any = None
        # What else the checkpoint told that was resumed from, which goes on with it.
        self._beside: dict[str, Any] = {}
        self._under_way: Future | None = None
        # When the last save was begun, and what was the last that is on the disk.
        self._begun_step, self._begun_at = 0, time.monotonic()
        self._saved_step = self._begun_remembered = 0
        self._failed = FailedWrites(_log, "saved")

    def resumed(self, state: Any) -> tuple[Any, dict[str, Any] | None]:
        """The state that the checkpoint holds, and what was told beside it; the new state and None
        if there is none, or it is not to be resumed."""
        path, self._template = self.path, state
        if path is None:
            return state, None
        if not hasattr(state, "feature_dim"):
            raise TypeError(
                f"Daemon: a {type(state).__name__} needs a property `feature_dim` to be saved."
            )
        if not self._resume:
            require_replaceable(path)
            return state, None
        if not (path.exists() or list_checkpoints(path)):
            if self.frozen:
                raise CheckpointError(path, "is not there, and a frozen daemon learns nothing")
            _log.info("no checkpoint was found at %s: a new state", path.absolute())
            return state, None
        state, metadata = load_state_of(self._learner, state, path, fallback=True)
        self._beside = {k: told for k, told in metadata.items() if k != _KEY_OF_METADATA}
        if self.frozen:
            return state, metadata.get(_KEY_OF_METADATA, {})
        # Where an older file was taken, the damaged one makes way for the next.
        aside = set_aside(Path(os.path.realpath(path)), payload=True)
        if aside is not None:
            _log.warning("%s: is damaged; kept as %s", path, aside)
        return state, metadata.get(_KEY_OF_METADATA, {})

    def newest_before(self, steps: int, is_sound: Callable[[Any], bool]) -> KeptState | None:
        """The newest state that is kept of at most so many steps, and `is_sound`."""
        if self.path is None:
            return None
        if self._under_way is not None:
            wait([self._under_way])
        for kept_steps, file in self._kept(self.path, steps):
            try:
                state, _ = load_state_of(self._learner, self._template, file)
            except (CheckpointError, OSError) as error:
                _log.warning("%s: cannot be restored: %s", file, error)
                continue
            if is_sound(state):
                return KeptState(state, kept_steps)
        return None

    def _kept(self, path: Path, steps: int) -> list[tuple[int, Path]]:
        """The files that are kept of at most so many steps, newest first; not those that were
        written while events were being rejected."""
        found = []
        for file in list_checkpoints(path):
            try:
                about = load_checkpoint_metadata(file).get(_KEY_OF_METADATA, {})
            except (CheckpointError, OSError):
                continue
            trouble = (about.get("divergence") or {}).get("rejected_in_a_row", 0)
            if about.get("steps") is not None and about["steps"] <= steps and not trouble:
                found.append((about["steps"], file))
        return sorted(found, key=lambda pair: pair[0], reverse=True)

    def begin(self, steps: int) -> None:
        """Count from here on."""
        self._begun_step, self._begun_at = steps, time.monotonic()
        self._saved_step = steps

    def save(self, content: Callable[[], Content], blocking: bool) -> None:
        """Save now; as `Daemon.save`."""
        if self.path is None:
            raise ValueError("Daemon.save: there is no `checkpoint` to save to.")
        if self.frozen:
            raise ValueError("Daemon.save: it is `frozen`, and its checkpoint is only read.")
        before = self._taken_up()
        if blocking:
            if before is not None:
                # Whatever became of the one before: this one says what is so now.
                before.exception()
            try:
                self._begin(content, blocking=True)
                self._note_saved()
            except Exception:
                self._failed.count += 1
                raise
            return
        failed = before.exception() if before is not None and before.done() else None
        self._under_way = self._begin(content)
        if failed is not None:
            self._failed.count += 1
            raise failed

    def save_to(self, path: str | os.PathLike, content: Callable[[], Content]) -> None:
        """Save once, to another file."""
        state, about = content()
        save_agent(self._learner, state, path, self._told(about))

    def save_if_due(
        self, steps: int, remembered: Callable[[], int], content: Callable[[], Content]
    ) -> None:
        """A save that fails is counted and told, and tried again when the next is due: the event
        was learned, and is no less so for that. In time none is due of what is saved already: so
        many steps, and so many events remembered for their labels."""
        due = self.every is not None and steps - self._begun_step >= self.every
        if not due and self.every_s is not None:
            late = time.monotonic() - self._begun_at >= self.every_s
            due = late and (steps != self._begun_step or remembered() != self._begun_remembered)
        if not due or (self._under_way is not None and not self._under_way.done()):
            return
        # Asked for, not raised: a signal's handler that raises here is no failed save.
        before = self._taken_up()
        failed = None if before is None else before.exception()
        if failed is not None:
            self._failed.note(self.path, failed)
        known = remembered()  # first: what another thread remembers meanwhile may not be in it
        try:
            self._under_way = self._begin(content)
        except Exception as error:
            self._failed.note(self.path, error)
        else:
            self._begun_remembered = known

    def leave(self) -> None:
        """Save nowhere from now on."""
        self.release()
        self.path = self._claim = self.every = self.every_s = None

    def release(self) -> None:
        """Let others have the checkpoint; a later save claims it again."""
        if self._claim is not None:
            self._claim.release()

    def report(self, steps: int) -> dict[str, Any]:
        """For `Daemon.report`; what is being saved is not saved yet."""
        self._look()
        return {
            "path": None if self.path is None else str(self.path),
            "steps_since": steps - self._saved_step,
            "failed_saves": self._failed.count,
        }

    def _taken_up(self) -> Future | None:
        """The save that was under way, and no longer is."""
        self._look()
        before, self._under_way = self._under_way, None
        return before

    def _look(self) -> None:
        """Note what is on the disk by now."""
        before = self._under_way
        if before is not None and before.done() and before.exception() is None:
            self._note_saved()

    def _note_saved(self) -> None:
        self._saved_step = self._begun_step
        self._failed.end(self.path)

    def _told(self, about: dict[str, Any]) -> dict[str, Any]:
        return {**self._beside, _KEY_OF_METADATA: about}

    def _begin(self, content: Callable[[], Content], blocking: bool = False) -> Future | None:
        state, about = content()
        self._begun_step, self._begun_at = about["steps"], time.monotonic()
        assert self.path is not None and self._claim is not None
        self._claim.before_save()
        return save_agent(
            self._learner,
            state,
            self.path,
            self._told(about),
            keep=self.keep,
            keep_hourly=self._pins.hourly,
            keep_daily=self._pins.daily,
            blocking=blocking,
            foreign="set aside",
        )


def _require_room_beside(path: Path) -> None:
    """Check that the folder takes a new file, as each save is one before it takes the old one's
    place; a lock that is there already would not tell.

    **Raises:** `OSError`.
    """
    with tempfile.TemporaryFile(dir=path.parent):
        pass


def _require_seconds(seconds: Any) -> None:
    if seconds is None:
        return
    real = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not real or not 0.0 < seconds < float("inf"):
        raise (ValueError if real else TypeError)(
            f"Daemon: `checkpoint_every_s` must be a number of seconds > 0, got {seconds!r}."
        )
