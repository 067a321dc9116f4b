"""The folder that a run writes its files to."""

import itertools
import tempfile
from pathlib import Path

from .problems import Problem, UsageProblem, reason


def new_folder(chosen: Path | None, name: str) -> Path:
    """Make the folder that was chosen, or `results/NAME`, `results/NAME-2`, ...

    **Raises:** `UsageProblem` if the chosen one holds something already, `Problem` if the folder
    cannot be made or written to.
    """
    try:
        folder = _first_free(Path("results") / name) if chosen is None else chosen
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageProblem(f"{str(folder)!r} is not empty, and nothing is overwritten.")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError as error:
        wanted = Path("results") / name if chosen is None else chosen
        raise Problem(f"cannot write to {str(wanted)!r}: {reason(error)}.") from error


def _first_free(wanted: Path) -> Path:
    numbered = (wanted.with_name(f"{wanted.name}-{n}") for n in itertools.count(2))
    return next(folder for folder in itertools.chain([wanted], numbered) if not folder.exists())
