"""Writes that failed, told in a log that the next ones do not fill."""

import logging
import time
from pathlib import Path

_TOLD_AGAIN_S = 60.0


class FailedWrites:
    """How many writes to a file failed, and what is told of it.

    Of those that fail one after the other the first is told, one a minute of the others, and that
    one has succeeded again.

    - `count`: of this process.

    **Arguments:** `log`; `done`: what is done to the file, "saved" or "recorded".
    """

    def __init__(self, log: logging.Logger, done: str):
        self.count = 0
        self._log, self._done, self._in_a_row, self._told_at = log, done, 0, 0.0

    def note(self, path: Path | None, error: BaseException) -> None:
        """One has failed, and nobody is told but by the log."""
        self.count += 1
        self._in_a_row += 1
        now = time.monotonic()
        if self._in_a_row > 1 and now - self._told_at < _TOLD_AGAIN_S:
            return
        self._told_at = now
        often = f" ({self._in_a_row} times in a row)" if self._in_a_row > 1 else ""
        self._log.error("%s: was not %s, going on: %s%s", path, self._done, error, often)

    def end(self, path: Path | None) -> None:
        """One has succeeded."""
        if self._in_a_row:
            text = "%s: is %s again, after %d that failed"
            self._log.warning(text, path, self._done, self._in_a_row)
            self._in_a_row = 0
