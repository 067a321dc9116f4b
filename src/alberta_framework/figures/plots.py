"""Figures of results over seeds.

They belong to no window and to no pyplot state: show or save them. Each function draws into the
given axes, or into a new `matplotlib.figure.Figure`, and returns the figure and the axes. A new
figure is displayed by a notebook that evaluates it and written by `save_figure`; nothing has to be
closed.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..components.extras import analysis_package
from ..reports.tables import latex_text
from ..results.aggregated import AggregatedResults, metric_array, metric_summary
from ..results.dataset import common_unit
from ..results.methods import Results, methods_of
from ..results.scores import less_is_better
from ..statistics.error_curves import compute_running_mean
from ..statistics.ranking import Significance, best_method, stars
from ..statistics.summaries import compute_timeseries_statistics
from .drawing import named_legend, named_line
from .words import spoken_metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Colors = Mapping[str, Any]


def plot_learning_curves(
    results: Results,
    metric: str = "squared_error",
    show_ci: bool = True,
    log_scale: bool = True,
    window_size: int = 100,
    ax: "Axes | None" = None,
    colors: Colors | None = None,
    labels: Mapping[str, str] | None = None,
) -> "tuple[Figure, Axes]":
    """The running mean of each seed, then its mean and 95% t interval over seeds.

    **Arguments:** `results`: of a sweep, a comparison or lives side by side, or any by name;
    `metric`; `show_ci`: draw the interval as a band (with two seeds or more); `log_scale` of the
    metric's axis, where a band that reaches zero runs to the edge; `window_size` of the running
    mean, in steps (or episodes); `ax`; `colors`, `labels`: per name, the axes' cycle and the name
    itself where absent.
    """
    figure, ax = _figure_and_axes(ax)
    methods = methods_of(results)
    for name, runs in methods.items():
        window = _recordings_in(runs, window_size)
        smooth = compute_running_mean(metric_array(runs, metric), window)
        label, color = (labels or {}).get(name, _shown(name)), (colors or {}).get(name)
        _draw_curve(ax, runs, smooth, label, color, show_ci)
    if log_scale:
        ax.set_yscale("log")
    _describe(ax, _unit(methods), spoken_metric(metric), legend="upper right")
    return figure, ax


def plot_step_size_evolution(
    results: Results,
    metric: str = "mean_step_size",
    show_ci: bool = True,
    ax: "Axes | None" = None,
    colors: Colors | None = None,
) -> "tuple[Figure, Axes]":
    """Mean step size and 95% t interval over seeds at every step, not smoothed.

    **Arguments:** as in `plot_learning_curves`.
    """
    figure, ax = _figure_and_axes(ax)
    methods = methods_of(results)
    for name, runs in methods.items():
        values = metric_array(runs, metric)
        _draw_curve(ax, runs, values, _shown(name), (colors or {}).get(name), show_ci)
    _describe(ax, _unit(methods), spoken_metric(metric), legend="upper right")
    return figure, ax


def plot_final_performance_bars(
    results: Results,
    metric: str = "squared_error",
    show_significance: bool = True,
    significance_results: Significance | None = None,
    ax: "Axes | None" = None,
    colors: Colors | None = None,
    lower_is_better: bool | None = None,
) -> "tuple[Figure, Axes]":
    """One bar per method: mean of its summary, with one std over seeds up and down.

    The best mean has a black edge. Stars above a bar (as in `generate_latex_table`) say that it
    differs significantly from the best.

    **Arguments:** `results`: of a sweep, a comparison or lives side by side, or any by
    name; `metric`; `show_significance`: draw the stars of
    `significance_results`; `ax`; `colors` per name; `lower_is_better`: which mean is the best; by
    default the least, but of rewards and returns the greatest.
    """
    figure, ax = _figure_and_axes(ax)
    methods = methods_of(results)
    best = best_method(methods, metric, lower_is_better)
    for place, (name, runs) in enumerate(methods.items()):
        summary = metric_summary(runs, metric)
        mean = summary.mean if np.isfinite(summary.mean) else np.nan  # diverged: no bar
        ax.bar(
            place,
            mean,
            yerr=summary.std,
            capsize=3,
            color=(colors or {}).get(name, f"C{place}"),
            edgecolor="black" if name == best else "none",
            linewidth=1.5,
        )
        mark = stars(significance_results, best, name) if show_significance else ""
        top = max(mean, 0.0) + summary.std
        if mark and np.isfinite(top):
            ax.annotate(mark, (place, top), (0, 2), textcoords="offset points", ha="center")
    ax.set_xticks(range(len(methods)), [_shown(name) for name in methods], rotation=30, ha="right")
    ax.margins(y=0.1)
    _describe(ax, "", spoken_metric(metric))
    return figure, ax


def plot_hyperparameter_heatmap(
    results: Results,
    param1_name: str,
    param1_values: Sequence[Any],
    param2_name: str,
    param2_values: Sequence[Any],
    metric: str = "squared_error",
    name_pattern: str = "{p1}_{p2}",
    ax: "Axes | None" = None,
    cmap: str = "viridis_r",
    lower_is_better: bool | None = None,
) -> "tuple[Figure, Axes]":
    """The summary means over a grid of two hyperparameters, the best cell framed.

    **Arguments:** `results`: of a sweep or a comparison, or any by name; `param1_name`,
    `param1_values`: the rows, from top to bottom; `param2_name`, `param2_values`: the columns;
    `metric`; `name_pattern`: the name of a cell in `results`, with `{p1}` and `{p2}` for the
    values; not needed where the names of the two are labels of the results, as the paths of a grid
    are: then a cell is what has both values. `ax`; `cmap`: a matplotlib colormap;
    `lower_is_better`: which cell is the best. Cells without results, and those of diverged runs,
    stay blank.

    **Raises:** `ValueError` if no cell has results, or one has several.
    """
    methods = methods_of(results)
    cells = [
        [
            _cell(methods, {param1_name: p1, param2_name: p2}, name_pattern.format(p1=p1, p2=p2))
            for p2 in param2_values
        ]
        for p1 in param1_values
    ]
    if all(cell is None for row in cells for cell in row):
        raise ValueError(
            f"`name_pattern` {name_pattern!r} with the given values names none of the results: "
            f"{', '.join(methods)}."
        )
    means = np.array(
        [
            [np.nan if cell is None else metric_summary(cell, metric).mean for cell in row]
            for row in cells
        ]
    )
    means[np.isinf(means)] = np.nan
    figure, ax = _figure_and_axes(ax)
    image = ax.imshow(np.ma.masked_invalid(means), cmap=cmap, aspect="auto")
    figure.colorbar(image, ax=ax, label=spoken_metric(metric))
    ax.grid(False)
    ax.set_xticks(range(len(param2_values)), [_shown(str(value)) for value in param2_values])
    ax.set_yticks(range(len(param1_values)), [_shown(str(value)) for value in param1_values])
    for (row, column), mean in np.ndenumerate(means):
        if not np.isnan(mean):
            shade = np.dot(image.to_rgba(mean)[:3], (0.299, 0.587, 0.114))
            color = "black" if shade > 0.5 else "white"
            ax.text(column, row, f"{mean:.3g}", ha="center", va="center", color=color)
    if not np.isnan(means).all():
        less = less_is_better(metric, lower_is_better)
        choose = np.nanargmin if less else np.nanargmax
        row, column = np.unravel_index(choose(means), means.shape)
        frame = analysis_package("matplotlib.patches").Rectangle
        ax.add_patch(frame((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="red", lw=2))
    _describe(ax, _shown(param2_name), _shown(param1_name))
    return figure, ax


def create_comparison_figure(
    results: Results,
    significance_results: Significance | None = None,
    metric: str = "squared_error",
    step_size_metric: str = "mean_step_size",
) -> "tuple[Figure, NDArray[np.object_]]":
    """Learning curves, final performance, step sizes and cumulative metric on one page.

    A method has one color throughout. One that recorded no step sizes is left out of their panel.

    **Returns:** the figure and its axes [2, 2], in reading order as above.
    """
    width, height = analysis_package("matplotlib").rcParams["figure.figsize"]
    figure = analysis_package("matplotlib.figure").Figure(
        figsize=(2 * width, 2 * height), layout="constrained"
    )
    axes = figure.subplots(2, 2)
    methods = methods_of(results)
    colors = {name: f"C{place}" for place, name in enumerate(methods)}
    plot_learning_curves(methods, metric, ax=axes[0, 0], colors=colors)
    plot_final_performance_bars(
        methods, metric, significance_results=significance_results, ax=axes[0, 1], colors=colors
    )
    adaptive = {n: runs for n, runs in methods.items() if step_size_metric in runs.metric_arrays}
    plot_step_size_evolution(adaptive, step_size_metric, ax=axes[1, 0], colors=colors)
    for name, runs in methods.items():
        with np.errstate(invalid="ignore", over="ignore"):
            sums = np.cumsum(metric_array(runs, metric), axis=1)
        _draw_curve(axes[1, 1], runs, sums, _shown(name), colors[name], show_ci=True)
    cumulative = spoken_metric(f"cumulative_{metric}")
    _describe(axes[1, 1], _unit(methods), cumulative, legend="upper left")
    return figure, axes


def _cell(
    methods: Mapping[str, AggregatedResults], values: Mapping[str, Any], name: str
) -> AggregatedResults | None:
    """What has these values as labels, or else this name; None if nothing has."""
    found = [
        runs
        for runs in methods.values()
        if all(path in runs.labels and runs.labels[path] == v for path, v in values.items())
    ]
    if len(found) > 1:
        told = ", ".join(f"{path} = {value}" for path, value in values.items())
        raise ValueError(
            f"`results` must have one method for each cell, got {len(found)} of {told}."
        )
    return found[0] if found else methods.get(name)


def _recordings_in(runs: AggregatedResults, window_size: int) -> int:
    """How many recordings so many steps are; at least one."""
    recorded = np.asarray(runs.recordings[:2])
    if recorded.size < 2 or not isinstance(window_size, int):
        return window_size
    return window_size if window_size < 1 else max(1, window_size // int(np.diff(recorded)[0]))


def _unit(methods: Mapping[str, AggregatedResults]) -> str:
    return common_unit(methods).capitalize()


def _figure_and_axes(ax: "Axes | None") -> "tuple[Any, Axes]":
    if ax is not None:
        return ax.figure, ax
    figure = analysis_package("matplotlib.figure").Figure(layout="constrained")
    return figure, figure.add_subplot()


def _draw_curve(
    ax: "Axes",
    runs: AggregatedResults,
    values: NDArray[np.float64],
    label: str,
    color: Any,
    show_ci: bool,
):
    mean, lower, upper = compute_timeseries_statistics(values)
    steps = np.asarray(runs.recordings)[: mean.size]
    line = named_line(ax, steps, mean, label=label, color=color)
    if show_ci and len(values) > 1:
        ax.fill_between(steps, lower, upper, color=line.get_color(), alpha=0.2, linewidth=0)


def _describe(ax: "Axes", x: str, y: str, legend: Any = None):
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if legend and ax.get_lines():
        # The best place would be searched among all points, seconds for long runs.
        named_legend(ax, loc=legend)


def _shown(name: str) -> str:
    return latex_text(name) if analysis_package("matplotlib").rcParams["text.usetex"] else name
