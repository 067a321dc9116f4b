"""`save_checkpoint`: now, or in the background."""

import atexit
import errno
import functools as ft
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from ..components.ranges import require_choice, require_count
from . import orbax
from .agent_template import config_and_init
from .file_format import file_bytes, header_fields
from .leaves import described
from .metadata import plain_metadata
from .pinned import Pins
from .writing import replace_file, require_replaceable, set_aside

_log = logging.getLogger(__name__)


def save_checkpoint(
    state: Any,
    path: str | os.PathLike,
    metadata: Mapping[str, Any] | None = None,
    *,
    learner: Any = None,
    keep: int = 1,
    backend: str = "file",
    blocking: bool = True,
    foreign: str = "refuse",
    keep_hourly: int = 0,
    keep_daily: int = 0,
) -> Future | None:
    """Save any tree of arrays, keys and numbers, replacing the checkpoint that lies at `path`.

    A crash at any moment leaves the old checkpoint or the new one. An error leaves the old one.

    **Arguments:**

    - `path`: relative or absolute; missing folders are made, a symbolic link is followed.
    - `metadata`: JSON values; tuples become lists, NumPy and JAX scalars Python numbers.
    - `learner`: what the state belongs to; its configuration is stored, so that `load_agent` needs
      nothing else.
    - `keep`: how many files to keep, as `path`, `path.1`, ...
    - `keep_hourly`, `keep_daily`: of how many hours and days (UTC) to keep the first file besides,
      as `path.hour-20300131T23` and `path.day-20300131`; of a file only. Default 0.
    - `backend`: "file", or "orbax" for sharded arrays and those of several hosts (`path` is a
      folder then).
    - `blocking`: False takes the state as it is now and writes in the background, one save after
      another.

    **Returns:** None; a `Future` if not blocking. An error that nobody asked it for is raised by
    the next save to this path, and logged when the process ends.

    **Raises:** `TypeError`, `ValueError` for a leaf, metadata or a learner that cannot be stored,
    and for a path where something else lies; `OSError` when the disk refuses.
    """
    require_count("save_checkpoint", "keep", keep)
    pins = Pins(keep_hourly, keep_daily)
    pins.require("save_checkpoint")
    if backend == "orbax" and any(pins):
        raise ValueError("save_checkpoint: `keep_hourly`, `keep_daily` are for files, not orbax.")
    require_choice("save_checkpoint", "backend", backend, ("file", "orbax"))
    require_choice("save_checkpoint", "blocking", blocking, (True, False))
    require_choice("save_checkpoint", "foreign", foreign, ("refuse", "set aside"))
    target = _target(path)
    said = plain_metadata(metadata)
    leaves = described(state)
    config, init = (None, None) if learner is None else config_and_init(learner, state, leaves)
    fields = header_fields(state, leaves, said, config, init)
    _background.raise_unasked(target)
    if backend == "orbax":
        write = orbax.save(state, target, fields, keep)
    else:
        pieces = file_bytes(state, leaves, fields)
        if foreign == "refuse":
            require_replaceable(target)
            replace = replace_file
        else:
            replace = _replace_whatever
        write = ft.partial(_replaced_and_pinned, replace, target, pieces, keep, pins)
    return _background.now(target, write) if blocking else _background.later(target, write)


def _replaced_and_pinned(
    replace: Callable[[Path, list[bytes], int], None],
    target: Path,
    pieces: list[bytes],
    keep: int,
    pins: Pins,
) -> None:
    replace(target, pieces, keep)
    pins.pin(target)


def _replace_whatever(target: Path, pieces: list[bytes], keep: int) -> None:
    aside = set_aside(target)
    if aside is not None:
        _log.warning("%s: was no sound checkpoint any more; kept as %s", target, aside)
    require_replaceable(target)
    replace_file(target, pieces, keep)


def _target(path: str | os.PathLike) -> Path:
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
    return target


class _SaveFuture(Future):
    """A future that knows whether its error was asked for."""

    def __init__(self):
        super().__init__()
        self.asked = False

    def result(self, timeout: float | None = None) -> None:
        try:
            return super().result(timeout)
        finally:
            self.asked = self.done()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        try:
            return super().exception(timeout)
        finally:
            self.asked = self.done()

    @property
    def unasked_error(self) -> BaseException | None:
        if self.asked or not self.done() or self.cancelled():
            return None
        return super().exception()


class _Background:
    """A thread that writes, in order, while there is something to write; a save that blocks waits
    for those to the same path. A process does not end before its threads have."""

    def __init__(self):
        self.lock = threading.Lock()
        self.waiting: deque[Callable[[], None]] = deque()
        self.thread: threading.Thread | None = None
        self.futures: dict[Path, list[_SaveFuture]] | None = None

    def later(self, path: Path, write: Callable[[], None]) -> _SaveFuture:
        future = _SaveFuture()

        def work():
            try:
                write()
            except BaseException as error:  # handed to whoever asks
                future.set_exception(error)
            else:
                future.set_result(None)

        with self.lock:
            if self.futures is None:
                self.futures = {}
                atexit.register(self.log_unasked)
            others = [f for f in self.futures.get(path, []) if not f.done() or f.unasked_error]
            self.futures[path] = [*others, future]
            self.waiting.append(work)
        self.have_written()
        return future

    def now(self, path: Path, write: Callable[[], None]) -> None:
        # Their own callers are told what became of them.
        self.have_written()
        wait(self.of(path))
        write()

    def have_written(self) -> None:
        """See that somebody writes what waits: a thread, or this one if there can be no other."""
        with self.lock:
            busy = self.thread is not None and self.thread.is_alive()
            if not self.waiting or busy or self.begun():
                return
        self.run()
        self.log_unasked()  # nobody may be left to ask

    def begun(self) -> bool:
        """Whether a thread could be started; when the process ends it might never run."""
        if not threading.main_thread().is_alive():
            return False
        try:
            self.thread = threading.Thread(target=self.run, name="alberta-checkpoint")
            self.thread.start()
        except RuntimeError:
            return False
        return True

    def run(self) -> None:
        while True:
            with self.lock:
                if not self.waiting:
                    self.thread = None
                    return
                work = self.waiting.popleft()
            work()

    def of(self, path: Path) -> list[_SaveFuture]:
        return [] if self.futures is None else self.futures.get(path, [])

    def raise_unasked(self, path: Path) -> None:
        for future in self.of(path):
            error = future.unasked_error
            if error is not None:
                future.asked = True
                raise error

    def log_unasked(self) -> None:
        for path, futures in (self.futures or {}).items():
            for future in futures:
                if future.unasked_error is not None:
                    _log.error("%s: was not saved: %s", path, future.unasked_error)


_background = _Background()
if hasattr(os, "register_at_fork"):
    # The thread and the saves under way are the parent's.
    os.register_at_fork(after_in_child=_background.__init__)
