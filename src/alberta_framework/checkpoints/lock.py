"""One process to a checkpoint: a lock beside the file, freed by the death of its holder."""

import contextlib
import datetime
import errno
import itertools
import logging
import os
import platform
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from .errors import CheckpointInUseError

try:
    import fcntl
except ImportError:  # of Unix alone; elsewhere only the writers of one process are kept apart
    fcntl = None

_log = logging.getLogger(__name__)
_LONGEST_HOLDER = 200
# What file systems without such locks answer.
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
# Of a writer that had been overtaken when it let go: no file is the one it left.
_BEHIND = ("behind",)
_SINCE = "since this one read or wrote it; to overwrite that would lose what was learned"


class _Held:
    """The lock of this process on a path: how many share it, and the latest save by one of them."""

    def __init__(self, descriptor: int):
        self.descriptor, self.sharers, self.latest_save = descriptor, 0, 0


class _Registry:
    """The locks of this process.

    Claims are let go when they are collected, which may happen at any line of any thread, of the
    registry's own too: so they line up, and whoever has the registry lets them go afterwards.
    """

    def __init__(self):
        self.mutex = threading.Lock()
        self.held: dict[Path, _Held] = {}
        self.leaving: deque[tuple[Path, _Held]] = deque()
        self.saves = itertools.count(1)

    @contextlib.contextmanager
    def __call__(self) -> Iterator[dict[Path, _Held]]:
        try:
            with self.mutex:
                yield self.held
        finally:
            self.see_off()

    def leave(self, path: Path, held: _Held) -> None:
        self.leaving.append((path, held))
        self.see_off()

    def see_off(self) -> None:
        while self.leaving and self.mutex.acquire(blocking=False):
            try:
                path, held = self.leaving.popleft()
                held.sharers -= 1
                if not held.sharers and self.held.get(path) is held:
                    del self.held[path]
                    _unlock(path, held.descriptor)
            except IndexError:  # another thread was quicker
                pass
            finally:
                self.mutex.release()


_registry = _Registry()


class CheckpointClaim:
    """The claim of one writer, which lives for long, to a checkpoint.

    Other processes are kept out by `flock` on `PATH.lock`, which the system frees when this process
    ends, however it ends. Within the process a path may be claimed again, so that a writer that
    nobody uses any more is in nobody's way; but who would overwrite what another has saved since is
    refused.

    **Arguments:** `path`: of the file; missing folders are made, a symbolic link is followed.

    **Raises:** `CheckpointInUseError` naming the process that holds it; `OSError` where no lock can
    be written, nor then could a checkpoint.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(os.path.realpath(path))
        self._left: tuple | None = None
        with _registry() as locks:
            self._take(locks)

    def _take(self, locks: dict[Path, _Held]) -> None:
        if self.path not in locks:
            locks[self.path] = _Held(_locked(self.path))
        held = locks[self.path]
        held.sharers += 1
        self._seen, self._process = held.latest_save, os.getpid()
        self._leave = weakref.finalize(self, _registry.leave, self.path, held)

    def before_save(self) -> None:
        """To be called before each save.

        **Raises:** `CheckpointInUseError` if another has saved since this writer began or saved
        last, or, after `release`, holds the checkpoint now.
        """
        with _registry() as locks:
            if not self._leave.alive or self._process != os.getpid():
                self._take(locks)
                if self._left not in (None, _identity(self.path)):
                    self._leave()
                    raise CheckpointInUseError(self.path, f"was saved to by another {_SINCE}")
            held = locks[self.path]
            if not _is_at(held.descriptor, _lock_path(self.path)):
                # Somebody has removed the lock file, or the folder with it.
                before, held.descriptor = held.descriptor, _locked(self.path)
                os.close(before)
            if held.latest_save != self._seen:
                reason = f"was saved to by another daemon of this process {_SINCE}"
                raise CheckpointInUseError(self.path, reason)
            held.latest_save = self._seen = next(_registry.saves)

    def release(self) -> None:
        """Let others have it; a later `before_save` claims it again."""
        with _registry() as locks:
            held = locks.get(self.path)
            if self._leave.alive and held is not None:
                current = held.latest_save == self._seen
                self._left = _identity(self.path) if current else _BEHIND
        self._leave()


def _locked(path: Path) -> int:
    """A descriptor of the lock file of `path`, locked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = _lock_path(path)
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise CheckpointInUseError(path, f"is in use by {holder}") from None
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                os.close(descriptor)
                raise
            _log.warning("%s: locks are not supported here; start no second process on it", path)
        # The holder before removes the file as it lets go; then this is a lock on nothing.
        if _is_at(descriptor, lock):
            break
        os.close(descriptor)
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    os.truncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()} on {platform.node()} since {now}\n".encode())
    return descriptor


def _unlock(path: Path, descriptor: int) -> None:
    # Removed while it is still locked: whoever opened it before finds that it is gone.
    if _is_at(descriptor, _lock_path(path)):
        with contextlib.suppress(OSError):
            os.unlink(_lock_path(path))
    os.close(descriptor)


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, _LONGEST_HOLDER, 0).decode("utf-8", "replace").strip()
    return text if text and text.isprintable() else "another process"


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _identity(path: Path) -> tuple:
    """What tells the file at a path from another that took its place."""
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _forget() -> None:
    """In a forked child: the locks are the parent's, and must not outlive it."""
    for held in _registry.held.values():
        os.close(held.descriptor)
    _registry.__init__()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
