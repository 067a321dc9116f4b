"""The table of a sweep on the terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..statistics.summaries import compute_statistics
from ..sweeps import SweepExperiment, SweepResult
from .tables import score_cells

_SHOWN = 10


def sweep_table(experiment: SweepExperiment, result: SweepResult) -> Table:
    """The best points: their values, score with its interval, rejected steps."""
    metric, last = result.chosen_metric(experiment.metric), experiment.evaluate_last
    order = result.ranking(metric, last, experiment.lower_is_better)
    scores, labels = result.scores(metric, last), result.labels
    diverged = result.diverged(metric, last)
    table = Table(box=SIMPLE_HEAD, title=experiment.title, title_justify="left", pad_edge=False)
    table.caption, table.caption_justify = _caption(experiment, result, metric), "left"
    for path in result.axes.values:
        table.add_column(path)
    for header in ("Mean", "95% CI", "SE", "Rejected"):
        table.add_column(header, justify="right")
    for index in order[:_SHOWN]:
        values = [_spoken(value) for value in labels[index].values()]
        cells = score_cells(compute_statistics(scores[index]), int(diverged[index].sum()))
        table.add_row(*values, *cells, f"{result.rejected[index].sum():,}")
    return table


def _caption(experiment: SweepExperiment, result: SweepResult, metric: str) -> str:
    steps = experiment.evaluate_last or result.num_steps
    seeds = "1 seed" if result.seeds == 1 else f"mean over {result.seeds} seeds"
    points = len(result.points)
    shown = f"the best {_SHOWN} of {points} points; " if points > _SHOWN else ""
    scored = f"over the last {steps:,} of {result.num_steps:,} steps, {seeds}"
    return f"{shown}{metric.replace('_', ' ')} {scored}"


def _spoken(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
