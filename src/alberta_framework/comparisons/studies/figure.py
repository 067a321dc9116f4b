"""The figure of a study: learning curves with intervals, a panel by environment and variant."""

from typing import TYPE_CHECKING

import numpy as np

from ...components.extras import analysis_package
from ...figures.drawing import draw_legend_below, draw_mean
from .result import ControlStudyResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_control_study(result: ControlStudyResult) -> "Figure":
    """The return of the episodes that ended in each window of steps: environments from top to
    bottom, variants from left to right, each agent in the colour that it has everywhere.

    Means over seeds with a band of the 95% t interval, where at every seed an episode ended; the
    mean of the uniformly random policy as a dotted line.
    """
    study, cells = result.study, result.cells
    rows, columns = list(study.environments), list(study.variants)
    figure = analysis_package("matplotlib.figure").Figure(
        figsize=(4.6 * len(columns) + 0.6, 2.7 * len(rows) + 0.8), layout="constrained"
    )
    panels = figure.subplots(len(rows), len(columns), squeeze=False, sharex=True, sharey="row")
    colours = {name: f"C{place}" for place, name in enumerate(study.agents)}
    for row, environment in enumerate(rows):
        for column, variant in enumerate(columns):
            ax = panels[row, column]
            ax.set_title(f"{environment}, {variant}" if variant else environment)
            ax.title.set_parse_math(False)
            for cell in cells:
                if cell.environment == environment and cell.variant is None:
                    ax.axhline(cell.mean, color="0.4", ls=":", lw=1.2)
                if (cell.environment, cell.variant) != (environment, variant):
                    continue
                curves = result.curves_of(cell)
                measured = (curves.counts[0] > 0).all(axis=0)
                runs = np.asarray(curves.returns[0], np.float64)[:, measured]
                colour = colours[cell.agent]
                draw_mean(ax, curves.at[measured], runs, colour, "-", cell.agent)
            if row == len(rows) - 1:
                ax.set_xlabel("Step")
                ax.locator_params(axis="x", nbins=5)
            if column == 0:
                ax.set_ylabel("Return")
    draw_legend_below(figure, panels.flat)
    seeds = f"{study.seeds} seeds" if study.seeds > 1 else "1 seed"
    figure.suptitle(f"{study.title or study.name} ({seeds})").set_parse_math(False)
    return figure
