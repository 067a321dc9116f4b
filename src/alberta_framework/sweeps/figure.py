"""Figures of a sweep: learning curves and sensitivity to a hyperparameter."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..components.extras import analysis_package
from ..figures.drawing import (
    curves_on_scale,
    draw_legend,
    draw_mean,
    draw_scores,
    logarithmic,
    on_scale,
    span,
)
from ..figures.words import spoken_metric, spoken_point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .result import SweepResult


def plot_curves(result: "SweepResult", metric: str, points: NDArray[np.int64]) -> "Figure":
    """Learning curves of some points, the best first, with bands of the 95% t interval.

    The axis spans those that did not diverge and are not far off the best one.
    """
    figure, ax = _axes()
    labels, log = result.labels, _is_of_many_decades(metric)
    curves = result.curves(metric)[points]
    lines = []
    for color, (index, runs) in enumerate(zip(points.tolist(), curves, strict=True)):
        label = spoken_point(labels[index]) or "all seeds"
        lines.append(draw_mean(ax, result.recorded_at, runs, f"C{color}", "-", label))
    shown = curves_on_scale(curves, result.diverged(metric)[points], 0, log=log)
    span(ax, lines, shown, log=log)
    ax.set(title="Learning curves", xlabel="Step", ylabel=spoken_metric(metric))
    draw_legend(ax)
    return figure


def plot_sensitivity(
    result: "SweepResult", metric: str, over: str, last: int | None, lower_is_better: bool
) -> "Figure":
    """The score over the values of a path, one curve for each combination of the others.

    Points that diverged at some seed, or whose error is more than 30 times the least one, are
    crosses at the edge.
    """
    figure, ax = _axes()
    scores, labels = result.scores(metric, last), result.labels
    shown = _shown(scores, lower_is_better)
    groups: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        others = {path: value for path, value in label.items() if path != over}
        # Zipped paths change together: each is a coordinate of one and the same curve.
        name = "" if result.axes.combine == "zip" else spoken_point(others)
        groups.setdefault(name, []).append(index)
    for row, (name, members) in enumerate(groups.items()):
        order = sorted(members, key=lambda index: labels[index][over])
        values, label = np.array([labels[i][over] for i in order]), name or spoken_metric(metric)
        draw_scores(ax, values, scores[order], shown[order], row, f"C{row}", label, lower_is_better)
    swept = [label[over] for label in labels]
    if min(swept) > 0:
        logarithmic(ax, "x")
    else:
        ax.set_xscale("symlog", linthresh=min((v for v in swept if v > 0), default=1.0))
    if _is_of_many_decades(metric):
        logarithmic(ax)
    ax.set(title="Sensitivity", xlabel=over, ylabel=spoken_metric(metric))
    if len(groups) > 1:
        draw_legend(ax)
    return figure


def _axes() -> tuple["Figure", "Axes"]:
    figure = analysis_package("matplotlib.figure").Figure(figsize=(6.0, 4.0), layout="constrained")
    return figure, figure.subplots()


def _shown(scores: NDArray[np.float64], lower_is_better: bool) -> NDArray[np.bool_]:
    """Which points to show at their score [points, seeds]."""
    with np.errstate(invalid="ignore", over="ignore"):
        means = scores.mean(axis=-1)
    return on_scale(means) if lower_is_better else np.isfinite(means)


def _is_of_many_decades(metric: str) -> bool:
    return metric.startswith("squared") or metric.endswith("step_size")
