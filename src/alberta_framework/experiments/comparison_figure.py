"""The figure of a comparison: learning curves, sensitivity to hyperparameters, step sizes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ._extras import analysis_package
from .comparison_result import ComparisonResult
from .drawing import draw_legend, draw_mean, logarithmic
from .hyperparameters import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OFF_SCALE = 30.0
_LINES = {"relevant": "-", "irrelevant": ":", "all": "-"}


def plot_comparison(result: ComparisonResult) -> "Figure":
    """Learning curves of each learner at its best point; its score over a grid of one
    hyperparameter; its step sizes, where it has some per input and they change.

    Means over seeds with a band of the 95% t interval. Points that diverged at some seed, or whose
    score is more than 30 times the largest best one, are crosses at the upper edge.
    """
    swept = {name: p for name in result.learners if (p := _single_path(result, name)) is not None}
    adapting = [name for name in result.learners if _adapts(result, name)]
    panels = 1 + bool(swept) + bool(adapting)
    figure = analysis_package("matplotlib.figure").Figure(
        figsize=(4.6 * panels, 3.9), layout="constrained"
    )
    axes = iter(figure.subplots(1, panels, squeeze=False)[0])
    colors = {name: f"C{place}" for place, name in enumerate(result.learners)}
    _draw_curves(next(axes), result, colors)
    if swept:
        _draw_sensitivity(next(axes), result, swept, colors)
    if adapting:
        _draw_step_sizes(next(axes), result, adapting, colors)
    title = result.comparison.title or result.comparison.name
    seeds = f"{result.comparison.seeds} seeds" if result.comparison.seeds > 1 else "1 seed"
    figure.suptitle(f"{title} ({seeds})").set_parse_math(False)
    return figure


def spoken_point(point: Point) -> str:
    """`meta step size 0.01, tau 1000`; the last name of each path."""
    return ", ".join(f"{_spoken(path)} {value:g}" for path, value in point.items())


def _spoken(path: str) -> str:
    return path.rpartition(".")[2].replace("_", " ")


def _draw_curves(ax: "Axes", result: ComparisonResult, colors: Mapping[str, str]) -> None:
    for name, learner in result.learners.items():
        best = result.best(name)
        point = spoken_point(learner.points[best])
        label = f"{name} ({point})" if point else name
        draw_mean(ax, result.window_ends, learner.curves[best], colors[name], "-", label)
    title = "Learning curves, best settings"
    if result.evaluated < result.steps_done:
        title += " (shaded: scored)"
        start = result.steps_done - result.evaluated
        ax.axvspan(start, result.steps_done, color="0.5", alpha=0.12, linewidth=0, zorder=0)
    logarithmic(ax)
    measure, window = result.comparison.measure, result.comparison.window
    ax.set(title=title, xlabel="Step")
    ax.set_ylabel(f"{measure}, mean of {window:,} steps" if window > 1 else measure)
    draw_legend(ax)


def _draw_sensitivity(
    ax: "Axes", result: ComparisonResult, swept: Mapping[str, str], colors: Mapping[str, str]
) -> None:
    best = [result.standing(name).score.mean for name in swept]
    limit = _OFF_SCALE * max((mean for mean in best if np.isfinite(mean)), default=np.inf)
    for place, (name, path) in enumerate(swept.items()):
        values = np.array([point[path] for point in result.learners[name].points])
        order = np.argsort(values)
        label = f"{name}: {_spoken(path)}"
        scores, edge = result.scores(name)[order], 0.985 - 0.03 * place
        _draw_scores(ax, values[order], scores, limit, edge, colors[name], label)
    values = [point[path] for name, path in swept.items() for point in result.learners[name].points]
    if min(values) > 0:
        logarithmic(ax, "x")
    else:
        ax.set_xscale("symlog", linthresh=min((v for v in values if v > 0), default=1.0))
    logarithmic(ax)
    ax.set_title("Sensitivity (star: best, cross: off the scale)")
    ax.set_xlabel("Value of the hyperparameter")
    ax.set_ylabel(f"{result.comparison.measure}, last {result.evaluated:,} steps")
    draw_legend(ax)


def _draw_scores(
    ax: "Axes",
    values: NDArray,
    scores: NDArray,
    limit: float,
    edge: float,
    color: str,
    label: str,
) -> None:
    """Scores [values, seeds], the best one starred; crosses at `edge` of the axes' height where
    they are above the limit."""
    with np.errstate(invalid="ignore", over="ignore"):
        means = scores.mean(axis=-1)
    on_scale = means <= limit
    draw_mean(ax, values, np.where(on_scale[:, None], scores, np.nan).T, color, "o-", label)
    if on_scale.any():
        best = int(np.argmin(np.where(on_scale, means, np.inf)))
        ax.plot(values[best], means[best], "*", color=color, ms=11, mec="black", mew=0.8, zorder=5)
    if not on_scale.all():
        off = values[~on_scale]
        heights, transform = np.full(off.size, edge), ax.get_xaxis_transform()
        ax.plot(off, heights, "x", color=color, mew=2, transform=transform, zorder=6)


def _draw_step_sizes(
    ax: "Axes", result: ComparisonResult, names: list[str], colors: Mapping[str, str]
) -> None:
    for name in names:
        best = result.best(name)
        for group, sizes in result.group_step_sizes(name).items():
            label = name if group == "all" else f"{name}, {group} inputs"
            draw_mean(ax, result.recorded_at, sizes[best], colors[name], _LINES[group], label)
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
