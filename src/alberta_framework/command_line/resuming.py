"""Where a run is saved while it is under way, and how it is gone on with."""

import importlib.util
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..checkpoints.unfinished import holds_save
from .output_folder import OutputFolder, new_folder
from .problems import UsageProblem

_CHECKPOINT = "checkpoint"


def folder_of(output: Path | None, resume: Path | None, name: str) -> OutputFolder:
    """The folder to resume, or a new one, as in `new_folder`.

    **Raises:** `UsageProblem` for both at once, and for a folder without a checkpoint.
    """
    if resume is None:
        return new_folder(output, name)
    if output is not None:
        raise UsageProblem("--resume writes to the folder it resumes; leave --output out.")
    where = resume / _CHECKPOINT
    if not where.is_dir():
        raise UsageProblem(
            f"--resume: {str(resume)!r} holds no checkpoint; none was found at {where.absolute()}."
        )
    return OutputFolder(resume, False)


def checkpoint_of(folder: OutputFolder) -> Path | None:
    """Where the run that writes into `folder` is saved; None without Orbax."""
    return None if importlib.util.find_spec("orbax") is None else folder.path / _CHECKPOINT


@contextmanager
def kept_if_saved(checkpoint: Path | None) -> Iterator[bool]:
    """Remove a checkpoint that began in the block and holds nothing after it; whether it was there
    before."""
    there = checkpoint is not None and checkpoint.exists()
    try:
        yield there
    finally:
        if checkpoint is not None and not there and not holds_save(checkpoint):
            shutil.rmtree(checkpoint, ignore_errors=True)


def drop_checkpoint(folder: OutputFolder) -> None:
    """When all is done there is nothing to go on with."""
    shutil.rmtree(folder.path / _CHECKPOINT, ignore_errors=True)


def to_go_on(
    command: str, source: Any, folder: OutputFolder, options: dict[str, Any]
) -> str | None:
    """The command that goes on with what is saved; None if nothing is. Of `options` those that were
    given, lists several times."""
    if not holds_save(folder.path / _CHECKPOINT):
        return None
    told = []
    for name, value in options.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            told += [] if one is None else [name, str(one)]
    return shlex.join(["alberta", command, str(source), "--resume", str(folder.path), *told])
