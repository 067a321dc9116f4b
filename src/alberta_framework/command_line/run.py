"""`alberta run`: from a name or a file to a table and a folder of results."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from ..interface import EnvironmentFailure
from ..reports import Timer, format_duration
from .interruption import interruptible
from .jobs import job_of
from .output_folder import new_folder
from .problems import Problem
from .progress import progress_of

_INTERRUPTED = 130
_WIDTH_OF_FILES = 120


def run(
    source: str,
    seeds: int | None = None,
    steps: int | None = None,
    output: Path | None = None,
    quiet: bool = False,
    episodes: int | None = None,
    imports: Sequence[str] = (),
) -> int:
    """Run an experiment, print its table and write its files.

    **Arguments:** `imports`: modules to import first, besides those that the file names.

    **Returns:** the exit code: 0, 130 after Ctrl-C, or 1 where an environment failed; either way
    with what was finished saved.

    **Raises:** `Problem` for what a user can mend.
    """
    job: Any = job_of(source, seeds, steps, episodes, imports)
    folder = new_folder(output, job.comparison.name)
    try:
        with Timer(verbose=False) as timer:
            result, failure = _carried_out(job, quiet)
        if result is None:
            return _stopped(failure, "before anything was finished; nothing is saved")
        paths = folder.filled(lambda place: job.save(result, place))
    finally:
        folder.drop()  # which does nothing once there is something in it
    if quiet:
        print(folder.path)
    else:
        # Names and intervals hold brackets, which are no markup.
        width = None if sys.stdout.isatty() else _WIDTH_OF_FILES
        console = Console(width=width, markup=False, highlight=False)
        console.print(job.table(result))
        names = ", ".join(path.name for path in paths)
        duration = format_duration(timer.duration)
        console.print(f"{folder.path}: {names} ({duration})", soft_wrap=True)
    if result.complete and failure is None:
        return 0
    return _stopped(failure, f"after {job.extent(result)}; see {folder.path}")


def _stopped(failure: EnvironmentFailure | None, when: str) -> int:
    """Say in a line why and when it stopped; the exit code."""
    why = "" if failure is None else f"{' '.join(str(failure).split()).rstrip('.')}; "
    print(f"alberta: {why}stopped {when}{'.' * when.endswith('saved')}", file=sys.stderr)
    return _INTERRUPTED if failure is None else Problem.exit_code


def _carried_out(job: Any, quiet: bool) -> tuple[Any, EnvironmentFailure | None]:
    """The result of all, or of what was finished before Ctrl-C or a failure of an environment, and
    that failure; None if nothing was."""
    with (
        interruptible() as interruption,
        progress_of(job.comparison.name, job.total, job.unit, quiet) as show,
    ):
        try:
            started = job.begin()
        except KeyboardInterrupt:
            return None, None
        failure = None
        try:
            while not (started.finished or interruption.requested):
                job.advance(started, show)
        except KeyboardInterrupt:
            pass
        except EnvironmentFailure as error:
            failure = error
    try:
        job.close(started)
    except EnvironmentFailure as error:
        failure = failure or error
    return job.result(started), failure
