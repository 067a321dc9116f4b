"""Tables of predictions: while they are made, and of how good they were."""

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..nexting import NextingResult, NextingRun


def latest_table(run: NextingRun) -> Table:
    """Each signal now, and what its mean will be over each time scale."""
    experiment = run.experiment
    now, predicted = run.latest
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Signal")
    table.add_column("Now", justify="right")
    for tau in experiment.timescales:
        table.add_column(f"Next {tau:g} s", justify="right")
    predicted = predicted.reshape(len(experiment.source.names), -1)
    for name, value, means in zip(experiment.source.names, now, predicted, strict=True):
        table.add_row(name, *(_number(float(number)) for number in (value, *means)))
    return table


def nexting_table(result: NextingResult) -> Table:
    """For each signal and time scale the error of what was learned, and of what needs no
    learning."""
    experiment, errors = result.experiment, result.errors
    table = Table(
        box=SIMPLE_HEAD, title=experiment.title or None, title_justify="left", pad_edge=False
    )
    table.caption, table.caption_justify = _caption(result), "left"
    table.add_column("Signal")
    table.add_column("Time scale", justify="right")
    for header in ("Learned", "Running mean", "Persistence"):
        table.add_column(header, justify="right")
    scales = experiment.timescales
    for i, of in enumerate(experiment.spec.cumulant_indices):
        name = experiment.source.names[of] if i % len(scales) == 0 else ""
        measured = errors.learned[i], errors.running_mean[i], errors.persistence[i]
        table.add_row(name, f"{scales[i % len(scales)]:g} s", *map(_error, measured))
    return table


def _caption(result: NextingResult) -> str:
    stopped = (
        "" if result.complete else f" (stopped; {result.experiment.num_rows:,} were asked for)"
    )
    rejected = f", {result.rejected:,} rejected" if result.rejected else ""
    return (
        f"RMSE / std of the return over the last {result.evaluated:,} of {result.rows_done:,} "
        f"rows{stopped}{rejected}; a dash where it did not vary, or is not "
        "known: a missing cell leaves the returns before it unknown."
    )


def _error(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:,.4g}"
