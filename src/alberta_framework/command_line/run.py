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
from .problems import Problem, UsageProblem
from .progress import progress_of
from .resuming import checkpoint_of, drop_checkpoint, folder_of, kept_if_saved, to_go_on

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
    resume: Path | None = None,
    data: Path | None = None,
) -> int:
    """Run an experiment, print its tables and write its files.

    **Arguments:** `imports`: modules to import first, besides those that the file names; `resume`:
    the folder of a run of the same experiment that was stopped, to go on with; `data`: the file
    that is read, of an experiment that reads one.

    **Returns:** the exit code: 0, 130 after Ctrl-C or SIGTERM, or 1 where an environment failed;
    either way with what was finished saved, and where it can be a checkpoint to resume from.

    **Raises:** `Problem` for what a user can mend.
    """
    job: Any = job_of(source, seeds, steps, episodes, imports, data)
    if resume is not None and job.not_resumed is not None:
        raise UsageProblem(f"--resume: {job.not_resumed}")
    folder = folder_of(output, resume, job.comparison.name)
    checkpoint = checkpoint_of(folder) if job.not_resumed is None else None
    try:
        with Timer(verbose=False) as timer, kept_if_saved(checkpoint) as there:
            result, failure = _carried_out(job, quiet, checkpoint, there)
        options = {"--seeds": seeds, "--steps": steps, "--episodes": episodes, "--import": imports}
        again = to_go_on("run", source, folder, options)
        if result is None:
            nothing = "before anything was finished; nothing is saved"
            saved = f"before anything was done; the checkpoint is as it was: {again}"
            return _stopped(failure, nothing if again is None else saved)
        paths = folder.filled(lambda place: job.save(result, place))
        complete = result.complete and failure is None
        if complete:
            drop_checkpoint(folder)
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
    if complete:
        return 0
    further = "" if again is None else f"; to go on: {again}"
    return _stopped(failure, f"after {job.extent(result)}; see {folder.path}{further}")


def _stopped(failure: EnvironmentFailure | None, when: str) -> int:
    """Say in a line why and when it stopped; the exit code."""
    why = "" if failure is None else f"{' '.join(str(failure).split()).rstrip('.')}; "
    print(f"alberta: {why}stopped {when}{'.' * when.endswith('saved')}", file=sys.stderr)
    return _INTERRUPTED if failure is None else Problem.exit_code


def _carried_out(
    job: Any, quiet: bool, checkpoint: Path | None, there: bool
) -> tuple[Any, EnvironmentFailure | None]:
    """The result of all, or of what was finished before Ctrl-C or a failure of an environment, and
    that failure; None if nothing was."""
    with (
        interruptible() as interruption,
        progress_of(job.comparison.name, job.total, job.unit, quiet) as show,
    ):
        try:
            started = job.begin(checkpoint)
        except KeyboardInterrupt:
            return None, None
        except ValueError as error:
            raise UsageProblem(str(error)) from error
        if there and checkpoint is not None and not started.done:
            where = checkpoint.absolute()
            print(f"alberta: no checkpoint was found in {where}: begun anew.", file=sys.stderr)
        failure = None
        try:
            while not (started.finished or interruption.requested):
                job.advance(started, show)
        except KeyboardInterrupt:
            pass
        except EnvironmentFailure as error:
            failure = error
        if checkpoint is not None and not started.finished:
            started.save()
    try:
        job.close(started)
    except EnvironmentFailure as error:
        failure = failure or error
    return job.result(started), failure
