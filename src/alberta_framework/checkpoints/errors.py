"""What is wrong with a file that should be a checkpoint."""

import errno
import os
from pathlib import Path


class CheckpointError(ValueError):
    """A checkpoint that is damaged, foreign, too new, or of another structure.

    The text starts with the path of the file.
    """

    def __init__(self, path: str | Path, reason: str):
        self.path, self.reason = Path(path), reason
        super().__init__(f"{path}: {reason}")


class CheckpointInUseError(CheckpointError):
    """A checkpoint that another process, or another daemon of this one, saves to."""


def not_found(path: str | os.PathLike) -> FileNotFoundError:
    """That no checkpoint lies at a path, which is told whole: a relative one may be meant from
    another folder."""
    said = "no checkpoint was found at"
    return FileNotFoundError(errno.ENOENT, said, os.path.abspath(path))
