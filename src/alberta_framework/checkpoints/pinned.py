"""Checkpoints that are kept for longer than the next few saves: one of an hour, one of a day."""

import contextlib
import datetime
import logging
import os
import re
import shutil
from pathlib import Path
from typing import NamedTuple

from ..components.ranges import require_count
from .file_format import is_checkpoint

_log = logging.getLogger(__name__)
_FORMS = {"hour": "%Y%m%dT%H", "day": "%Y%m%d"}


class Pins(NamedTuple):
    """Of how many hours, and of how many days, a checkpoint is kept."""

    hourly: int = 0
    daily: int = 0

    def require(self, owner: str) -> None:
        """Check that they are counts.

        **Raises:** `ValueError` naming the argument.
        """
        require_count(owner, "keep_hourly", self.hourly, low=0)
        require_count(owner, "keep_daily", self.daily, low=0)

    def pin(self, path: Path) -> None:
        """Keep the file at `path` if it is the first of its hour, or day (UTC), under the name
        `path.hour-20300131T23` or `path.day-20300131`; the oldest of too many are removed.

        What cannot be kept is told: the save itself is complete.
        """
        now = datetime.datetime.now(datetime.UTC)
        for span, keep in (("hour", self.hourly), ("day", self.daily)):
            if not keep:
                continue
            pinned = path.with_name(f"{path.name}.{span}-{now.strftime(_FORMS[span])}")
            try:
                if not pinned.exists():
                    _copy(path, pinned)
            except OSError as error:
                _log.warning("%s: was not kept: %s", pinned, error)
            for older in _of(path, span)[keep:]:
                with contextlib.suppress(OSError):
                    older.unlink()


def pinned_files(path: Path) -> list[Path]:
    """The files that are kept of hours and days, newest first."""
    found = [*_of(path, "hour"), *_of(path, "day")]
    return sorted(found, key=lambda file: file.stat().st_mtime_ns, reverse=True)


def _of(path: Path, span: str) -> list[Path]:
    form = re.compile(re.escape(path.name) + rf"\.{span}-\d{{8}}" + (r"T\d\d" * (span == "hour")))
    try:
        names = os.listdir(path.parent)
    except OSError:
        return []
    found = [path.with_name(name) for name in sorted(names, reverse=True) if form.fullmatch(name)]
    return [file for file in found if is_checkpoint(file)]


def _copy(path: Path, pinned: Path) -> None:
    try:
        # A save puts a new file in the place of the old one, which stays under this name.
        os.link(path, pinned)
    except OSError:
        temporary = path.with_name(f".{path.name}.tmp-pin")
        shutil.copy2(path, temporary)
        os.replace(temporary, pinned)
