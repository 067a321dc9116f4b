"""`alberta run`: from a name or a file to a table and a folder of results."""

import dataclasses
import sys
import warnings
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from ..experiments import (
    Comparison,
    ComparisonResult,
    ComparisonRun,
    Timer,
    comparison_from_config,
    format_duration,
    save_comparison,
)
from .catalogue import experiment
from .interruption import interruptible
from .output_folder import new_folder
from .problems import Problem, UsageProblem, reason
from .tables import standings_table

_INTERRUPTED = 130
_WIDTH_OF_FILES = 120


def run(
    source: str,
    seeds: int | None = None,
    steps: int | None = None,
    output: Path | None = None,
    quiet: bool = False,
) -> int:
    """Run an experiment, print its table and write its files.

    **Returns:** the exit code: 0, or 130 after Ctrl-C, with what was finished saved.

    **Raises:** `Problem` for what a user can mend.
    """
    comparison = _comparison(source, seeds, steps)
    folder = new_folder(output, comparison.name)
    with Timer(verbose=False) as timer:
        result = _carried_out(comparison, quiet)
    if result is None:
        folder.rmdir()
        print("alberta: stopped before anything was finished; nothing is saved.", file=sys.stderr)
        return _INTERRUPTED
    try:
        paths = save_comparison(result, folder)
    except OSError as error:
        raise Problem(f"cannot write to {str(folder)!r}: {reason(error)}.") from error
    if quiet:
        print(folder)
    else:
        # Names and intervals hold brackets, which are no markup.
        width = None if sys.stdout.isatty() else _WIDTH_OF_FILES
        console = Console(width=width, markup=False, highlight=False)
        console.print(standings_table(result))
        names = ", ".join(path.name for path in paths)
        duration = format_duration(timer.duration)
        console.print(f"{folder}: {names} ({duration})", soft_wrap=True)
    if result.complete:
        return 0
    done, asked = f"{result.steps_done:,}", f"{comparison.num_steps:,}"
    print(f"alberta: stopped after {done} of {asked} steps; see {folder}", file=sys.stderr)
    return _INTERRUPTED


def _comparison(source: str, seeds: int | None, steps: int | None) -> Comparison:
    name, config = experiment(source)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            comparison = comparison_from_config(config, name)
        except ValueError as error:
            raise UsageProblem(f"{source}: {error}") from error
    doubts = [str(w.message) for w in warned if issubclass(w.category, UserWarning)]
    for message in dict.fromkeys(doubts):
        print(f"alberta: {source}: {message}", file=sys.stderr)
    try:
        if steps is not None:
            comparison = comparison.resized(steps)
        if seeds is not None:
            comparison = dataclasses.replace(comparison, seeds=seeds)
    except ValueError as error:
        raise UsageProblem(f"--steps: {error}") from error
    return comparison


def _carried_out(comparison: Comparison, quiet: bool) -> ComparisonResult | None:
    """The result of all steps or of those before Ctrl-C; None if there are none."""
    console = Console(stderr=True)
    columns: tuple[Any, ...] = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    hidden = quiet or not console.is_terminal
    with (
        interruptible() as interruption,
        Progress(*columns, console=console, disable=hidden) as bar,
    ):
        task = bar.add_task(comparison.name, total=comparison.num_steps)
        try:
            started = ComparisonRun(comparison)
        except KeyboardInterrupt:
            return None
        try:
            while not (started.finished or interruption.requested):
                started.advance(lambda done: bar.update(task, completed=done))
        except KeyboardInterrupt:
            pass
    return started.result() if started.steps_done else None
