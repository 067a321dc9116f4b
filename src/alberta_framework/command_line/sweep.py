"""`alberta sweep`: from a file to a table, a folder of results and figures."""

import dataclasses
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import jax
from rich.console import Console

from ..reports import Timer, format_duration
from ..sweeps import SweepExperiment, SweepRun, save_sweep, sweep_from_config
from .catalogue import parsed
from .interruption import interruptible
from .output_folder import OutputFolder
from .own_modules import with_own_modules
from .problems import Problem, UsageProblem
from .resuming import checkpoint_of, drop_checkpoint, folder_of, kept_if_saved, to_go_on
from .steps_bar import steps_bar
from .sweep_table import sweep_table

_INTERRUPTED = 130
_WIDTH_OF_FILES = 120


def sweep(
    file: Path,
    seeds: int | None = None,
    steps: int | None = None,
    output: Path | None = None,
    resume: Path | None = None,
    devices: int | None = None,
    quiet: bool = False,
    imports: Sequence[str] = (),
) -> int:
    """Run a sweep, print its best points and write its files.

    **Arguments:** `imports`: modules to import first, besides those that the file names.

    **Returns:** the exit code: 0, or 130 after Ctrl-C, with a checkpoint to resume from.

    **Raises:** `Problem` for what a user can mend.
    """
    _offer_cores(devices)
    experiment = _experiment(file, seeds, steps, imports)
    folder = folder_of(output, resume, experiment.name)
    options = {"--seeds": seeds, "--steps": steps, "--import": imports}
    try:
        with Timer(verbose=False) as timer:
            run = _carried_out(experiment, folder, quiet)
        if run is None or not run.finished:
            return _stopped(run, to_go_on("sweep", file, folder, options))
        result = run.result()
        paths = folder.filled(lambda place: save_sweep(experiment, result, place))
        drop_checkpoint(folder)
    finally:
        folder.drop()  # which does nothing once there is something in it
    if quiet:
        print(folder.path)
        return 0
    # Names and intervals hold brackets, which are no markup.
    width = None if sys.stdout.isatty() else _WIDTH_OF_FILES
    console = Console(width=width, markup=False, highlight=False)
    console.print(sweep_table(experiment, result))
    names = ", ".join(path.name for path in paths)
    console.print(f"{folder.path}: {names} ({format_duration(timer.duration)})", soft_wrap=True)
    return 0


def _offer_cores(devices: int | None) -> None:
    """Make every core a device, or as many as wanted, unless JAX runs already."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    count = devices or len(usable) or os.cpu_count() or 1
    try:
        jax.config.update("jax_num_cpu_devices", count)
    except RuntimeError as error:
        if devices is not None and devices != jax.local_device_count():
            raise UsageProblem(f"--devices: {error}") from error


def _experiment(
    file: Path, seeds: int | None, steps: int | None, imports: Sequence[str]
) -> SweepExperiment:
    config = with_own_modules(parsed(file), str(file), file.parent, imports)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            experiment = sweep_from_config(config, file.stem)
        except ValueError as error:
            raise UsageProblem(f"{file}: {error}") from error
        except ImportError as error:
            raise Problem(f"{file}: {error}") from error
    doubts = [str(w.message) for w in warned if issubclass(w.category, UserWarning)]
    for message in dict.fromkeys(doubts):
        print(f"alberta: {file}: {message}", file=sys.stderr)
    changes = {"seeds": seeds, "num_steps": steps}
    try:
        return dataclasses.replace(
            experiment, **{name: value for name, value in changes.items() if value is not None}
        )
    except ValueError as error:
        raise UsageProblem(f"--steps: {error}") from error


def _carried_out(experiment: SweepExperiment, folder: OutputFolder, quiet: bool) -> SweepRun | None:
    """The sweep, finished or stopped by Ctrl-C; None if it was not begun."""
    checkpoint = checkpoint_of(folder)
    with (
        kept_if_saved(checkpoint) as there,
        interruptible() as interruption,
        steps_bar(Console(stderr=True), quiet) as bar,
    ):
        try:
            run = experiment.run(checkpoint)
        except KeyboardInterrupt:
            return None
        except ValueError as error:
            raise UsageProblem(str(error)) from error
        if there and not run.steps_done and checkpoint is not None:
            where = checkpoint.absolute()
            print(f"alberta: no checkpoint was found in {where}: begun anew.", file=sys.stderr)
        task = bar.add_task(experiment.name, total=run.total_steps, completed=run.steps_done)
        try:
            while not (run.finished or interruption.requested):
                run.advance(lambda done: bar.update(task, completed=done))
        except KeyboardInterrupt:
            pass
        run.save()
    return run


def _stopped(run: SweepRun | None, again: str | None) -> int:
    if again is None:
        message = "stopped before anything was finished; nothing is saved."
    elif run is None:
        message = f"stopped before anything was done; the checkpoint is as it was: {again}"
    else:
        done, total = f"{run.steps_done:,}", f"{run.total_steps:,}"
        message = f"stopped after {done} of {total} steps; to go on: {again}"
    print(f"alberta: {message}", file=sys.stderr)
    return _INTERRUPTED
