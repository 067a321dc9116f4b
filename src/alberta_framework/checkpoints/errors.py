"""What is wrong with a file that should be a checkpoint."""

from pathlib import Path


class CheckpointError(ValueError):
    """A checkpoint that is damaged, foreign, too new, or of another structure.

    The text starts with the path of the file.
    """

    def __init__(self, path: str | Path, reason: str):
        self.path, self.reason = Path(path), reason
        super().__init__(f"{path}: {reason}")
