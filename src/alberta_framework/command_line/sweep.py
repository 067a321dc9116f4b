"""`alberta sweep`: from a file to a table, a folder of results and figures."""

import dataclasses
import importlib.util
import os
import shutil
import sys
import warnings
from pathlib import Path

import jax
from rich.console import Console

from ..experiments import Timer, format_duration
from ..sweeps import SweepExperiment, SweepRun, save_sweep, sweep_from_config
from .catalogue import parsed
from .interruption import interruptible
from .output_folder import new_folder
from .problems import Problem, UsageProblem, reason
from .steps_bar import steps_bar
from .sweep_table import sweep_table

_INTERRUPTED = 130
_WIDTH_OF_FILES = 120
_CHECKPOINT = "checkpoint"


def sweep(
    file: Path,
    seeds: int | None = None,
    steps: int | None = None,
    output: Path | None = None,
    resume: Path | None = None,
    devices: int | None = None,
    quiet: bool = False,
) -> int:
    """Run a sweep, print its best points and write its files.

    **Returns:** the exit code: 0, or 130 after Ctrl-C, with a checkpoint to resume from.

    **Raises:** `Problem` for what a user can mend.
    """
    _offer_cores(devices)
    experiment = _experiment(file, seeds, steps)
    if resume is None:
        folder = new_folder(output, experiment.name)
    elif output is not None:
        raise UsageProblem("--resume writes to the folder it resumes; leave --output out.")
    elif not (folder := resume / _CHECKPOINT).is_dir():
        raise UsageProblem(f"--resume: {str(resume)!r} holds no checkpoint.")
    else:
        folder = resume
    with Timer(verbose=False) as timer:
        run = _carried_out(experiment, folder, quiet)
    if run is None or not run.finished:
        return _stopped(run, file, folder)
    result = run.result()
    try:
        paths = save_sweep(experiment, result, folder)
        shutil.rmtree(folder / _CHECKPOINT, ignore_errors=True)
    except OSError as error:
        raise Problem(f"cannot write to {str(folder)!r}: {reason(error)}.") from error
    if quiet:
        print(folder)
        return 0
    # Names and intervals hold brackets, which are no markup.
    width = None if sys.stdout.isatty() else _WIDTH_OF_FILES
    console = Console(width=width, markup=False, highlight=False)
    console.print(sweep_table(experiment, result))
    names = ", ".join(path.name for path in paths)
    console.print(f"{folder}: {names} ({format_duration(timer.duration)})", soft_wrap=True)
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


def _experiment(file: Path, seeds: int | None, steps: int | None) -> SweepExperiment:
    config = parsed(file)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            experiment = sweep_from_config(config, file.stem)
        except ValueError as error:
            raise UsageProblem(f"{file}: {error}") from error
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


def _carried_out(experiment: SweepExperiment, folder: Path, quiet: bool) -> SweepRun | None:
    """The sweep, finished or stopped by Ctrl-C; None if it was not begun."""
    has_orbax = importlib.util.find_spec("orbax") is not None
    with interruptible() as interruption, steps_bar(Console(stderr=True), quiet) as bar:
        try:
            run = experiment.run(folder / _CHECKPOINT if has_orbax else None)
        except KeyboardInterrupt:
            return None
        except ValueError as error:
            raise UsageProblem(str(error)) from error
        task = bar.add_task(experiment.name, total=run.total_steps, completed=run.steps_done)
        try:
            while not (run.finished or interruption.requested):
                run.advance(lambda done: bar.update(task, completed=done))
        except KeyboardInterrupt:
            pass
        run.save()
    return run


def _stopped(run: SweepRun | None, file: Path, folder: Path) -> int:
    if run is None or not run.steps_done or not (folder / _CHECKPOINT).is_dir():
        shutil.rmtree(folder / _CHECKPOINT, ignore_errors=True)
        folder.rmdir()
        message = "stopped before anything was finished; nothing is saved."
    else:
        done, total = f"{run.steps_done:,}", f"{run.total_steps:,}"
        again = f"alberta sweep {file} --resume {folder}"
        message = f"stopped after {done} of {total} steps; to go on: {again}"
    print(f"alberta: {message}", file=sys.stderr)
    return _INTERRUPTED
