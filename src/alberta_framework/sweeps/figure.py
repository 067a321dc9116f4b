"""Figures of a sweep: learning curves and sensitivity to a hyperparameter."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..experiments._extras import analysis_package
from ..experiments.drawing import draw_legend, draw_mean, logarithmic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .result import SweepResult

# A point this many times worse than the best would hide the others.
_OFF_SCALE = 30.0


def plot_curves(result: "SweepResult", metric: str, last: int | None, points: int) -> "Figure":
    """Learning curves of the points of least score, with bands of the 95% t interval."""
    figure, ax = _axes()
    scores = _finite_or_worst(result.scores(metric, last).mean(axis=-1))
    curves, labels = result.curves(metric), result.labels
    for color, index in enumerate(np.argsort(scores, kind="stable")[:points]):
        label = _spoken(labels[index]) or "all seeds"
        draw_mean(ax, result.recorded_at, curves[index], f"C{color}", "-", label)
    _scale(ax, metric)
    ax.set(title="Learning curves", xlabel="Step", ylabel=_words(metric))
    draw_legend(ax)
    return figure


def plot_sensitivity(result: "SweepResult", metric: str, over: str, last: int | None) -> "Figure":
    """The score over the values of a path, one curve for each combination of the others.

    Points that diverged at some seed, or whose score is more than 30 times the best one, are
    crosses at the upper edge.
    """
    figure, ax = _axes()
    scores, labels = result.scores(metric, last), result.labels
    means = _finite_or_worst(scores.mean(axis=-1))
    limit = _OFF_SCALE * abs(means.min()) if np.isfinite(means.min()) else np.inf
    groups: dict[str, list[int]] = {}
    for index, label in enumerate(labels):
        others = {path: value for path, value in label.items() if path != over}
        # Zipped paths change together: each is a coordinate of one and the same curve.
        name = "" if result.axes.combine == "zip" else _spoken(others)
        groups.setdefault(name, []).append(index)
    for color, (name, members) in enumerate(groups.items()):
        order = sorted(members, key=lambda index: labels[index][over])
        values = np.array([labels[index][over] for index in order])
        shown = means[order] <= limit
        runs = np.where(shown[:, None], scores[order], np.nan)
        draw_mean(ax, values, runs.T, f"C{color}", "o-", name or _words(metric))
        off = values[~shown]
        edge = np.full(off.size, 0.985 - 0.03 * color)
        transform = ax.get_xaxis_transform()
        ax.plot(off, edge, "x", color=f"C{color}", mew=2, transform=transform, zorder=6)
    if min(label[over] for label in labels) > 0:
        logarithmic(ax, "x")
    _scale(ax, metric)
    ax.set(title="Sensitivity", xlabel=over, ylabel=_words(metric))
    if len(groups) > 1:
        draw_legend(ax)
    return figure


def _axes() -> tuple["Figure", "Axes"]:
    figure = analysis_package("matplotlib.figure").Figure(figsize=(6.0, 4.0), layout="constrained")
    return figure, figure.subplots()


def _finite_or_worst(means: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(means), means, np.inf)


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
