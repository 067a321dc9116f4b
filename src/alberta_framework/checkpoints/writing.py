"""Replacing a file so that a crash at any moment leaves the old one or the new one."""

import contextlib
import itertools
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from .errors import CheckpointError
from .file_format import is_checkpoint, read, read_header

_LEFTOVER_AGE_S = 3600.0


def require_replaceable(path: Path) -> None:
    """Check that nothing but a checkpoint would be overwritten.

    **Raises:** `ValueError` if something else lies at `path`.
    """
    if path.exists() and not (path.is_file() and is_checkpoint(path)):
        raise ValueError(f"{path}: not a checkpoint, will not overwrite")


def set_aside(path: Path, payload: bool = False) -> Path | None:
    """Rename a file that lies at `path` and is no sound checkpoint to `path.damaged`.

    What was set aside before stays, unless it is empty: the name is numbered then. The payload is
    checked if asked for, else the header and the size alone.

    **Returns:** its new name; None if there was nothing to set aside.
    """
    try:
        (read if payload else read_header)(path)
        return None
    except FileNotFoundError:
        return None
    except CheckpointError:
        if not path.is_file():
            return None
    for suffix in itertools.chain([""], (f"-{n}" for n in itertools.count(2))):
        aside = path.with_name(f"{path.name}.damaged{suffix}")
        if not aside.exists() or not aside.stat().st_size:
            break
    os.replace(path, aside)
    return aside


def replace_file(path: Path, pieces: Iterable[bytes], keep: int) -> None:
    """Write `pieces` to `path`, keeping the `keep` newest files as `path`, `path.1`, ...

    The bytes are on the disk before the name points at them.

    **Raises:** `OSError`; the old file is as it was then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(path)
    mode = path.stat().st_mode & 0o777 if path.exists() else None
    temporary = _temporary(path)
    # As a new file always is: the permissions that the process's mask leaves.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if mode is not None:
                os.chmod(temporary, mode)
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        _rotate(path, keep)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)
    for number, older in numbered(path):
        if number >= keep:
            with contextlib.suppress(OSError):
                older.unlink()


def numbered(path: Path) -> list[tuple[int, Path]]:
    """The older files `path.1`, `path.2`, ... that are there, newest first."""
    form = re.compile(re.escape(path.name) + r"\.([1-9]\d*)")
    try:
        names = os.listdir(path.parent)
    except OSError:
        return []
    found = [
        (int(match[1]), path.with_name(name)) for name in names if (match := form.fullmatch(name))
    ]
    return sorted((number, older) for number, older in found if is_checkpoint(older))


def _rotate(path: Path, keep: int) -> None:
    if keep == 1 or not path.exists():
        return
    for number, older in reversed(numbered(path)):
        if number < keep - 1:
            os.replace(older, path.with_name(f"{path.name}.{number + 1}"))
    # The newest stays under its own name at every moment.
    second = _temporary(path)
    try:
        try:
            os.link(path, second)
        except OSError:
            shutil.copy2(path, second)
        os.replace(second, path.with_name(f"{path.name}.1"))
    finally:
        # Moving one link of a file onto another of the same file does nothing at all.
        with contextlib.suppress(OSError):
            os.unlink(second)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp-{secrets.token_hex(8)}")


def _remove_leftovers(path: Path) -> None:
    """Remove what a process that was killed left behind an hour ago or longer."""
    now, prefix = time.time(), f".{path.name}.tmp-"
    for entry in os.scandir(path.parent):
        if entry.name.startswith(prefix):
            with contextlib.suppress(OSError):
                if now - entry.stat().st_mtime > _LEFTOVER_AGE_S:
                    os.unlink(entry.path)


def _sync_folder(folder: Path) -> None:
    """Put the new name on the disk too; some platforms do not open folders."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
