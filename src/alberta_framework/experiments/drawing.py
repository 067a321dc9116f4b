"""What figures share: means with bands, logarithmic axes, legends."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._extras import analysis_package
from .summaries import compute_timeseries_statistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_mean(ax: "Axes", x: NDArray, runs: NDArray, color: Any, line: str, label: str) -> None:
    """Mean and 95% band over seeds of `runs` [seeds, len(x)]."""
    mean, lower, upper = compute_timeseries_statistics(runs)
    ax.plot(x, mean, line, color=color, label=label, ms=4, lw=1.4)
    if len(runs) > 1:
        band = ax.fill_between(x, lower, upper, color=color, alpha=0.2, linewidth=0)
        # A band that reaches zero has no end on a logarithmic axis, and none in the layout.
        band.set_in_layout(False)


def logarithmic(ax: "Axes", which: str = "y") -> None:
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


def draw_legend(ax: "Axes") -> None:
    """A legend that takes names as they are."""
    legend = ax.legend(fontsize="small", frameon=True, framealpha=0.85, edgecolor="none")
    for text in legend.get_texts():
        text.set_parse_math(False)  # a dollar in a name is a dollar
