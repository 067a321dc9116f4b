"""The figure of a comparison: learning curves, sensitivity to hyperparameters, step sizes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...components.extras import analysis_package
from ...figures.drawing import (
    FAR_OFF_SCALE,
    curves_on_scale,
    draw_legend,
    draw_mean,
    draw_scores,
    logarithmic,
    on_scale,
    span,
)
from ...figures.words import spoken_path, spoken_point
from ...results.scores import ranked
from .result import ComparisonResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = {"relevant": "-", "irrelevant": ":", "all": "-"}


def plot_comparison(result: ComparisonResult) -> "Figure":
    """Learning curves of each learner at its best point; its score over a grid of one
    hyperparameter; its step sizes, where it has some per input and they change.

    Means over seeds with a band of the 95% t interval. Points that diverged at some seed, or whose
    score is more than 30 times the largest best one, are crosses at the edge. Learners that
    diverged at their best point too, or are ten thousand times worse than the best of all, do not
    set the scale.
    """
    swept = {name: p for name in result.learners if (p := _single_path(result, name)) is not None}
    adapting = [name for name in result.learners if _adapts(result, name)]
    panels = 1 + bool(swept) + bool(adapting)
    figure = analysis_package("matplotlib.figure").Figure(
        figsize=(4.6 * panels, 3.9), layout="constrained"
    )
    axes = iter(figure.subplots(1, panels, squeeze=False)[0])
    places = {name: place for place, name in enumerate(result.learners)}
    _draw_curves(next(axes), result)
    if swept:
        _draw_sensitivity(next(axes), result, swept, places)
    if adapting:
        _draw_step_sizes(next(axes), result, adapting, places)
    title = result.comparison.title or result.comparison.name
    seeds = f"{result.comparison.seeds} seeds" if result.comparison.seeds > 1 else "1 seed"
    figure.suptitle(f"{title} ({seeds})").set_parse_math(False)
    return figure


def _draw_curves(ax: "Axes", result: ComparisonResult) -> None:
    runs, diverged, lines = [], [], []
    for place, (name, learner) in enumerate(result.learners.items()):
        best = result.best(name)
        point = spoken_point(learner.points[best])
        label = f"{name} ({point})" if point else name
        runs.append(learner.curves[best])
        diverged.append(result.diverged(name)[best])
        lines.append(draw_mean(ax, result.window_ends, runs[-1], f"C{place}", "-", label))
    log = result.comparison.less_is_better  # what is earned or right has no use for a logarithm
    order = ranked(_best_scores(result), log)
    shown = curves_on_scale(np.array(runs, np.float64), np.array(diverged), int(order[0]), log=log)
    title = "Learning curves, best settings"
    if result.evaluated < result.steps_done:
        title += " (shaded: scored)"
        start = result.steps_done - result.evaluated
        ax.axvspan(start, result.steps_done, color="0.5", alpha=0.12, linewidth=0, zorder=0)
    span(ax, lines, shown, log=log)
    measure, window = result.comparison.measure, result.comparison.window
    ax.set(title=title, xlabel="Step")
    ax.set_ylabel(f"{measure}, mean of {window:,} steps" if window > 1 else measure)
    draw_legend(ax)


def _draw_sensitivity(
    ax: "Axes", result: ComparisonResult, swept: Mapping[str, str], places: Mapping[str, int]
) -> None:
    lower_is_better = result.comparison.less_is_better
    limit = _limit(result, list(swept))
    for row, (name, path) in enumerate(swept.items()):
        values = np.array([point[path] for point in result.learners[name].points])
        order = np.argsort(values)
        values, scores = values[order], result.scores(name)[order]
        with np.errstate(invalid="ignore", over="ignore"):
            means = scores.mean(axis=-1)
        shown = on_scale(means, best=limit) if lower_is_better else np.isfinite(means)
        color, label = f"C{places[name]}", f"{name}: {spoken_path(path)}"
        best = int(ranked(scores, lower_is_better)[0])
        draw_scores(ax, values, scores, shown, row, color, label, lower_is_better, best)
    values = [point[path] for name, path in swept.items() for point in result.learners[name].points]
    if min(values) > 0:
        logarithmic(ax, "x")
    else:
        ax.set_xscale("symlog", linthresh=min((v for v in values if v > 0), default=1.0))
    if lower_is_better:
        logarithmic(ax)
    ax.set_title("Sensitivity (star: best, cross: off the scale)")
    ax.set_xlabel("Value of the hyperparameter")
    ax.set_ylabel(f"{result.comparison.measure}, last {result.evaluated:,} steps")
    draw_legend(ax)


def _best_scores(result: ComparisonResult) -> NDArray[np.float64]:
    """The scores of each learner at its best point [learners, seeds]."""
    return np.array([result.scores(name)[result.best(name)] for name in result.learners])


def _limit(result: ComparisonResult, names: list[str]) -> float | None:
    """The largest best score, of learners that are not hopelessly worse than another."""
    best = np.array([result.standing(name).score.mean for name in names])
    near = best[on_scale(best, times=FAR_OFF_SCALE)]
    return float(near.max()) if near.size else None


def _draw_step_sizes(
    ax: "Axes", result: ComparisonResult, names: list[str], places: Mapping[str, int]
) -> None:
    for name in names:
        best = result.best(name)
        for group, sizes in result.group_step_sizes(name).items():
            label = name if group == "all" else f"{name}, {group} inputs"
            color, line = f"C{places[name]}", _LINES[group]
            draw_mean(ax, result.recorded_at, sizes[best], color, line, label)
    logarithmic(ax)
    ax.set(title="Learned step sizes", xlabel="Step", ylabel="Step size, mean over inputs")
    draw_legend(ax)


def _single_path(result: ComparisonResult, name: str) -> str | None:
    """The path of a grid that has one axis and more than one point."""
    points = result.learners[name].points
    return next(iter(points[0])) if len(points[0]) == 1 and len(points) > 1 else None


def _adapts(result: ComparisonResult, name: str) -> bool:
    sizes = result.learners[name].step_sizes
    return sizes is not None and bool(np.ptp(sizes[result.best(name)]) > 0.0)
