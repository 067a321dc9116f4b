"""`alberta fit`: a file learned event by event."""

import time
from collections.abc import Sequence
from pathlib import Path

import jax
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ..fitting import CHECKPOINT, CONFIG, FileFit, FilePlan, plan_fit, save_fit
from ..fitting.field_bounds import FieldBounds, read_bounds
from .output_folder import new_folder
from .problems import Problem, UsageProblem, reason
from .progress import progress_of

_SHOWN_EVERY_S = 0.3
_INPUTS = 10
_FIELDS = 20


def fit(
    file: Path,
    target: str,
    task: str | None,
    ignore: Sequence[str],
    categories: Sequence[str],
    times: Sequence[str],
    bounds: Sequence[str],
    output: Path | None,
    quiet: bool,
) -> int:
    """Learn the file, show how good the predictions are on the way, and write what came of it.

    **Raises:** `Problem` for what a user can mend.
    """
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    try:
        plan = plan_fit(
            file,
            target,
            task=task,
            ignore=ignore,
            categories=categories,
            times=times,
            bounds=_bounds(bounds),
        )
    except OSError as error:
        raise UsageProblem(f"cannot read {str(file)!r}: {reason(error)}.") from error
    except ValueError as error:
        raise UsageProblem(f"{error}.") from error
    folder = new_folder(output, file.stem)
    try:
        run = FileFit(plan)
        _lived(run, file.stem, quiet)
        if not run.learned:
            raise UsageProblem(f"nothing was learned from {str(file)!r}: {_first_problem(run)}.")
        files = folder.filled(lambda unfinished: save_fit(run, unfinished))
    except OSError as error:
        raise Problem(f"cannot write to {str(folder.path)!r}: {reason(error)}.") from error
    finally:
        folder.drop()
    console = Console(markup=False)
    if not quiet:
        console.print(scores_table(run))
        console.print(_about(plan))
        for told in run.problems[:3]:
            console.print(f"{told}", style="yellow")
        console.print(_relevance_table(run))
        console.print("Files: " + ", ".join(one.name for one in files))
        console.print(
            f"To go on with it: alberta daemon --config {folder.path / CONFIG} "
            f"--checkpoint {folder.path / CHECKPOINT}",
            soft_wrap=True,
        )
    console.print(str(folder.path), soft_wrap=True)
    return 0


def _bounds(texts: Sequence[str]) -> dict[str, FieldBounds]:
    found = {}
    for text in texts:
        try:
            name, bounds = read_bounds(text)
        except ValueError as error:
            raise UsageProblem(f"--bounds {error}.") from error
        if name in found:
            raise UsageProblem(f"--bounds must be given once for {name!r}, got {text!r} too.")
        found[name] = bounds
    return found


def _lived(run: FileFit, name: str, quiet: bool) -> None:
    with progress_of(name, run.plan.rows, "rows", quiet) as show:
        shown = time.monotonic()
        while run.advance():
            if time.monotonic() - shown >= _SHOWN_EVERY_S:
                shown = time.monotonic()
                show(run.rows_done, "", scores_table(run))
        show(run.rows_done, "")


def scores_table(run: FileFit) -> Table:
    """How good the predictions were, over all events and over the latest."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title_justify="left", caption_justify="left")
    table.title = f"{run.plan.target.name}, predicted before it was learned"
    scores = run.scores()
    table.add_column("")
    for window in ("all events", "latest 1,000"):
        for measure in scores[0].all:
            table.add_column(f"{measure}, {window}", justify="right")
    for one in scores:
        values = (*one.all.values(), *one.latest.values())
        table.add_row(one.system, *("-" if v != v else f"{v:,.4g}" for v in values))
    counts = [f"{run.learned:,} event{'' if run.learned == 1 else 's'}"]
    for count, told in (
        (run.unlabelled, "without a target"),
        (run.not_read, "not read"),
        (run.rejected, "rejected"),
    ):
        if count:
            counts.append(f"{count:,} {told}")
    table.caption = ", ".join(counts)
    return table


def _about(plan: FilePlan) -> str:
    classes = plan.target.classes
    what = "a number" if classes is None else f"one of {len(classes):,} classes"
    fields = _shortened([kind.name for kind in plan.kinds if kind.field is not None], ", ")
    told = f"{plan.target.name} is taken as {what}, from: {fields}."
    reasons = [f"{name or '(no name)'}: {why}" for name, why in plan.left_out.items()]
    left_out = _shortened(reasons, "; ")
    return told + (f" Left out: {left_out}." if left_out else "")


def _relevance_table(run: FileFit) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("The most relevant inputs")
    table.add_column("Size of the weight", justify="right")
    for name, size in list(run.relevance().items())[:_INPUTS]:
        table.add_row(" ".join(name.split()), f"{size:.4g}")
    return table


def _shortened(texts: list[str], between: str) -> str:
    more = len(texts) - _FIELDS
    return between.join(texts[:_FIELDS]) + (f"{between}and {more:,} more" if more > 0 else "")


def _first_problem(run: FileFit) -> str:
    return run.problems[0] if run.problems else "no row has a target"
