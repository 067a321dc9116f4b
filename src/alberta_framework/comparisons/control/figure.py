"""The figure of a comparison in control: learning curves, sensitivity."""

from typing import TYPE_CHECKING

import numpy as np

from ...components.extras import analysis_package
from ...figures.drawing import draw_legend, draw_legend_below, draw_mean, logarithmic
from ...figures.words import spoken_path, spoken_point
from .comparison import SCORES
from .result import ControlResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# As many curves leave room for their names among them.
_FEW = 4


def plot_control_comparison(result: ControlResult) -> "Figure":
    """The measure of every episode, or of those that ended in each window of steps, of each agent
    at its best point; and the score of each agent over a grid of one hyperparameter.

    Means over seeds with a band of the 95% t interval, where at every seed an episode ended.
    """
    swept = [name for name, agent in result.agents.items() if _is_line(agent.points)]
    panels = 1 + bool(swept)
    figure = analysis_package("matplotlib.figure").Figure(
        figsize=(5.2 * panels, 3.9), layout="constrained"
    )
    curves, *others = figure.subplots(1, panels, squeeze=False)[0]
    _draw_curves(curves, result)
    if len(result.agents) > _FEW:
        draw_legend_below(figure, [curves])
    else:
        draw_legend(curves)
    for ax in others:
        _draw_sensitivity(ax, result, swept)
    seeds = f"{result.comparison.seeds} seeds" if result.comparison.seeds > 1 else "1 seed"
    title = result.comparison.title or result.comparison.name
    figure.suptitle(f"{title} ({seeds})").set_parse_math(False)
    return figure


def _draw_curves(ax: "Axes", result: ControlResult) -> None:
    comparison = result.comparison
    for place, (name, agent) in enumerate(result.agents.items()):
        best = result.best(name)
        curves = result.curves(name)
        runs = (curves.returns if comparison.score == "return" else curves.steps)[best]
        measured = (curves.counts[best] > 0).all(axis=0)
        point = spoken_point(agent.points[best])
        label = f"{name} ({point})" if point else name
        draw_mean(ax, curves.at[measured], runs[:, measured], f"C{place}", "-", label)
    if comparison.score == "steps":
        logarithmic(ax)
    ax.set(title="Learning curves", ylabel=SCORES[comparison.score])
    ax.set_xlabel(comparison.extent.unit.title())
    ax.locator_params(axis="x", nbins=5)


def _draw_sensitivity(ax: "Axes", result: ControlResult, swept: list[str]) -> None:
    for place, name in enumerate(result.agents):
        if name not in swept:
            continue
        points = result.agents[name].points
        values = np.array([value for point in points for value in point.values()])
        order = np.argsort(values)
        path = spoken_path(next(iter(points[0])))
        scores = result.scores(name)[order]
        draw_mean(ax, values[order], scores.T, f"C{place}", "o-", f"{name}: {path}")
    logarithmic(ax, "x")
    ax.set(title="Sensitivity", xlabel="Value of the hyperparameter")
    last = f"last {result.evaluated:,} {result.comparison.extent.unit}s"
    ax.set_ylabel(f"{result.comparison.measure}, {last}")
    draw_legend(ax)


def _is_line(points: tuple[dict[str, float], ...]) -> bool:
    return len(points) > 1 and len(points[0]) == 1
