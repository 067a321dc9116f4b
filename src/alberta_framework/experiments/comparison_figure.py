"""The figure of a comparison: learning curves, sensitivity to hyperparameters, step sizes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._extras import analysis_package
from .comparison_result import ComparisonResult
from .hyperparameters import Point
from .summaries import compute_timeseries_statistics

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
        _draw_mean(ax, result.window_ends, learner.curves[best], colors[name], "-", label)
    title = "Learning curves, best settings"
    if result.evaluated < result.steps_done:
        title += " (shaded: scored)"
        start = result.steps_done - result.evaluated
        ax.axvspan(start, result.steps_done, color="0.5", alpha=0.12, linewidth=0, zorder=0)
    _logarithmic(ax)
    measure, window = result.comparison.measure, result.comparison.window
    ax.set(title=title, xlabel="Step")
    ax.set_ylabel(f"{measure}, mean of {window:,} steps" if window > 1 else measure)
    _legend(ax)


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
        _logarithmic(ax, "x")
    else:
        ax.set_xscale("symlog", linthresh=min((v for v in values if v > 0), default=1.0))
    _logarithmic(ax)
    ax.set_title("Sensitivity (star: best, cross: off the scale)")
    ax.set_xlabel("Value of the hyperparameter")
    ax.set_ylabel(f"{result.comparison.measure}, last {result.evaluated:,} steps")
    _legend(ax)


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
    _draw_mean(ax, values, np.where(on_scale[:, None], scores, np.nan).T, color, "o-", label)
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
            _draw_mean(ax, result.recorded_at, sizes[best], colors[name], _LINES[group], label)
    _logarithmic(ax)
    ax.set(title="Learned step sizes", xlabel="Step", ylabel="Step size, mean over inputs")
    _legend(ax)


def _legend(ax: "Axes") -> None:
    legend = ax.legend(fontsize="small", frameon=True, framealpha=0.85, edgecolor="none")
    for text in legend.get_texts():
        text.set_parse_math(False)  # a dollar in a name is a dollar


def _logarithmic(ax: "Axes", which: str = "y") -> None:
    """A logarithmic axis that spans the curves; over few decades with plain numbers.

    Bands do not count: one that reaches zero has no end here. Without a positive number to show,
    the axis stays as it is.
    """
    ticker = analysis_package("matplotlib.ticker")
    axis, place = (ax.xaxis, 0) if which == "x" else (ax.yaxis, 1)
    curves = [c for c in ax.lines if c.get_transform().contains_branch_seperately(ax.transData)[1]]
    spanned = np.concatenate([np.asarray(c.get_data()[place], float) for c in curves] or [[]])
    spanned = spanned[np.isfinite(spanned) & (spanned > 0.0)]
    if not spanned.size:
        return
    low, high = spanned.min(), spanned.max()
    margin = max(1.15, (high / low) ** 0.08)
    ax.set(**{f"{which}scale": "log", f"{which}lim": (low / margin, high * margin)})
    if high < 500 * low:
        axis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(ticker.NullFormatter())


def _draw_mean(ax: "Axes", x: NDArray, runs: NDArray, color: Any, line: str, label: str) -> None:
    """Mean and 95% band over seeds of `runs` [seeds, len(x)]."""
    mean, lower, upper = compute_timeseries_statistics(runs)
    ax.plot(x, mean, line, color=color, label=label, ms=4, lw=1.4)
    if len(runs) > 1:
        band = ax.fill_between(x, lower, upper, color=color, alpha=0.2, linewidth=0)
        # A band that reaches zero has no end on a logarithmic axis, and none in the layout.
        band.set_in_layout(False)


def _single_path(result: ComparisonResult, name: str) -> str | None:
    """The path of a grid that has one axis and more than one point."""
    points = result.learners[name].points
    return next(iter(points[0])) if len(points[0]) == 1 and len(points) > 1 else None


def _adapts(result: ComparisonResult, name: str) -> bool:
    sizes = result.learners[name].step_sizes
    return sizes is not None and bool(np.ptp(sizes[result.best(name)]) > 0.0)
