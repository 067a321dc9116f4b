"""Figures of a sweep: learning curves and sensitivity to a hyperparameter."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..experiments._extras import analysis_package
from ..experiments.drawing import draw_legend, draw_mean, logarithmic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .result import SweepResult

# A point this many times worse than the best would hide the others.
_OFF_SCALE = 30.0


def plot_curves(result: "SweepResult", metric: str, points: Iterable[int]) -> "Figure":
    """Learning curves of some points, with bands of the 95% t interval."""
    figure, ax = _axes()
    curves, labels = result.curves(metric), result.labels
    for color, index in enumerate(points):
        label = _spoken(labels[index]) or "all seeds"
        draw_mean(ax, result.recorded_at, curves[index], f"C{color}", "-", label)
    _scale(ax, metric)
    ax.set(title="Learning curves", xlabel="Step", ylabel=_words(metric))
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
    shown = _on_scale(scores, lower_is_better)
    groups: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        others = {path: value for path, value in label.items() if path != over}
        # Zipped paths change together: each is a coordinate of one and the same curve.
        name = "" if result.axes.combine == "zip" else _spoken(others)
        groups.setdefault(name, []).append(index)
    for color, (name, members) in enumerate(groups.items()):
        order = sorted(members, key=lambda index: labels[index][over])
        values = np.array([labels[index][over] for index in order])
        runs = np.where(shown[order, None], scores[order], np.nan)
        draw_mean(ax, values, runs.T, f"C{color}", "o-", name or _words(metric))
        off = values[~shown[order]]
        height = 0.985 - 0.03 * color if lower_is_better else 0.015 + 0.03 * color
        edge = np.full(off.size, height)
        transform = ax.get_xaxis_transform()
        ax.plot(off, edge, "x", color=f"C{color}", mew=2, transform=transform, zorder=6)
    swept = [label[over] for label in labels]
    if min(swept) > 0:
        logarithmic(ax, "x")
    else:
        ax.set_xscale("symlog", linthresh=min((v for v in swept if v > 0), default=1.0))
    _scale(ax, metric)
    ax.set(title="Sensitivity", xlabel=over, ylabel=_words(metric))
    if len(groups) > 1:
        draw_legend(ax)
    return figure


def _axes() -> tuple["Figure", "Axes"]:
    figure = analysis_package("matplotlib.figure").Figure(figsize=(6.0, 4.0), layout="constrained")
    return figure, figure.subplots()


def _on_scale(scores: NDArray, lower_is_better: bool) -> NDArray[np.bool_]:
    """Which points to show at their score [points, seeds]."""
    with np.errstate(invalid="ignore", over="ignore"):
        means = scores.mean(axis=-1)
    finite = np.isfinite(means)
    if not lower_is_better or not finite.any() or means[finite].min() <= 0.0:
        return finite
    return finite & (means <= _OFF_SCALE * means[finite].min())


def _scale(ax: "Axes", metric: str) -> None:
    if metric.startswith("squared") or metric.endswith("step_size"):
        logarithmic(ax)


def _words(metric: str) -> str:
    return metric.replace("_", " ").replace("td", "TD").capitalize()


def _spoken(label: dict[str, Any]) -> str:
    """`meta step size 0.01, drift rate 0.1`; the last name of each path."""
    return ", ".join(
        f"{path.rpartition('.')[2].replace('_', ' ')} "
        + (f"{value:g}" if isinstance(value, int | float) else str(value))
        for path, value in label.items()
    )
