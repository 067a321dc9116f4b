"""The folder that a run writes its files to."""

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .problems import Problem, UsageProblem, reason


class OutputFolder:
    """A folder, and whether this command made it: what was there before is not for it to remove."""

    def __init__(self, path: Path, made: bool):
        self.path, self.made = path, made

    def drop(self) -> None:
        """Remove the folder if this command made it and nothing is in it."""
        if self.made:
            with contextlib.suppress(OSError):
                self.path.rmdir()

    def filled(self, write: Callable[[Path], list[Path]]) -> list[Path]:
        """The files that `write(folder)` makes, each in its place when all of them are complete.

        A file of the same name that was there before stays until then.

        **Raises:** `Problem` if they cannot be written; what `write` raises. The folder is as it
        was then.
        """
        try:
            unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=self.path))
            try:
                files = [self.path / file.relative_to(unfinished) for file in write(unfinished)]
                for file in files:
                    os.replace(unfinished / file.name, file)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        except OSError as error:
            raise Problem(f"cannot write to {str(self.path)!r}: {reason(error)}.") from error
        return files


def new_folder(chosen: Path | None, name: str) -> OutputFolder:
    """Make the folder that was chosen, or `results/NAME`, `results/NAME-2`, ...

    **Raises:** `UsageProblem` if the chosen one holds something already, `Problem` if the folder
    cannot be made or written to.
    """
    try:
        folder = _first_free(Path("results") / name) if chosen is None else _chosen(chosen)
        with tempfile.TemporaryFile(dir=folder.path):
            return folder
    except OSError as error:
        wanted = Path("results") / name if chosen is None else chosen
        raise Problem(f"cannot write to {str(wanted)!r}: {reason(error)}.") from error


def _chosen(path: Path) -> OutputFolder:
    there = path.is_dir()
    if there and any(path.iterdir()):
        raise UsageProblem(f"{str(path)!r} is not empty, and nothing is overwritten.")
    path.mkdir(parents=True, exist_ok=True)
    return OutputFolder(path, not there)


def _first_free(wanted: Path) -> OutputFolder:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    numbered = (wanted.with_name(f"{wanted.name}-{n}") for n in itertools.count(2))
    for path in itertools.chain([wanted], numbered):
        # Another command may be about to take the same name.
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            return OutputFolder(path, True)
    raise AssertionError("numbers do not end")
