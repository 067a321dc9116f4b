"""Saves that failed, told in a log that the next ones do not fill."""

import logging
import time
from pathlib import Path

_TOLD_AGAIN_S = 60.0


class FailedSaves:
    """How many saves failed. Of those that fail one after the other the first is told, one a minute
    of the others, and that a save has succeeded again.

    - `count`: of this process.
    """

    def __init__(self, log: logging.Logger):
        self.count = 0
        self._log, self._in_a_row, self._told_at = log, 0, 0.0

    def note(self, path: Path | None, error: BaseException) -> None:
        """A save has failed, and nobody is told but by the log."""
        self.count += 1
        self._in_a_row += 1
        now = time.monotonic()
        if self._in_a_row > 1 and now - self._told_at < _TOLD_AGAIN_S:
            return
        self._told_at = now
        often = f" ({self._in_a_row} saves in a row)" if self._in_a_row > 1 else ""
        self._log.error("%s: was not saved, going on: %s%s", path, error, often)

    def end(self, path: Path | None) -> None:
        """A save has succeeded."""
        if self._in_a_row:
            self._log.warning("%s: is saved again, after %d that failed", path, self._in_a_row)
            self._in_a_row = 0
