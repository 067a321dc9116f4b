"""What figures share: means with bands, scales that show what there is to see, legends."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from ..components.extras import analysis_package
from ..statistics.summaries import compute_timeseries_statistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend
    from matplotlib.lines import Line2D

# How many times the best a number may be before it would hide the others: on a linear axis or one
# that is to tell scores apart, and among curves on a logarithmic axis.
OFF_SCALE, FAR_OFF_SCALE = 30.0, 1e4

# Lines that were drawn with a name; matplotlib takes one that begins with `_` for none.
_NAMED: WeakSet["Line2D"] = WeakSet()


def named_line(ax: "Axes", *data: Any, label: str, **style: Any) -> "Line2D":
    """A line with a name that a legend shows, whatever it is."""
    (line,) = ax.plot(*data, label=label, **style)
    _NAMED.add(line)
    return line


def draw_mean(ax: "Axes", x: NDArray, runs: NDArray, color: Any, line: str, label: str) -> "Line2D":
    """Mean and 95% band over seeds of `runs` [seeds, len(x)]; the line of the mean."""
    mean, lower, upper = compute_timeseries_statistics(runs)
    curve = named_line(ax, x, mean, line, color=color, label=label, ms=4, lw=1.4)
    if len(runs) > 1:
        band = ax.fill_between(x, lower, upper, color=color, alpha=0.2, linewidth=0)
        # A band that reaches zero has no end on a logarithmic axis, and none in the layout.
        band.set_in_layout(False)
    return curve


def draw_scores(
    ax: "Axes",
    values: NDArray,
    scores: NDArray,
    shown: NDArray[np.bool_],
    row: int,
    color: str,
    label: str,
    lower_is_better: bool = True,
    star: int | None = None,
) -> None:
    """Mean and band of scores [values, seeds] over a hyperparameter, with a star at that place;
    crosses at the edge of the axes, in the given `row`, where they are not `shown`."""
    runs = np.where(shown[:, None], scores, np.nan)
    draw_mean(ax, values, runs.T, color, "o-", label)
    if star is not None and shown[star]:
        x, y = values[star], runs[star].mean()
        ax.plot(x, y, "*", color=color, ms=11, mec="black", mew=0.8, zorder=5)
    if not shown.all():
        off, inset = values[~shown], 0.015 + 0.03 * row
        heights = np.full(off.size, 1.0 - inset if lower_is_better else inset)
        across = ax.get_xaxis_transform()
        ax.plot(off, heights, "x", color=color, mew=2, transform=across, zorder=6)


def on_scale(
    means: NDArray[np.float64], *, best: float | None = None, times: float = OFF_SCALE
) -> NDArray[np.bool_]:
    """Which of some numbers a figure shows where they are: the finite ones that are not far off.

    One that diverged, or is more than `times` the `best`, by default the least, would set the axis
    and hide the others. Numbers of both signs have no scale; of those the finite ones are shown.
    """
    finite = np.isfinite(means)
    positive = means[finite & (means > 0.0)]
    if not positive.size or (means[finite] < 0.0).any():
        return finite
    if best is None or not best > 0.0:
        best = float(positive.min())
    return finite & (means <= times * best)


def curves_on_scale(
    curves: NDArray[np.float64], diverged: NDArray[np.bool_], best: int, *, log: bool
) -> NDArray[np.bool_]:
    """Which curves [points, seeds, x] the y axis is to span.

    Not those of points that diverged at some seed, nor those whose size is far above that of the
    `best`; or above the median, if the best is only what exploded to the better side.
    """
    finite = np.isfinite(curves)
    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.where(finite, np.abs(curves), 0.0).sum((1, 2)) / finite.sum((1, 2))
    sound = ~diverged.any(axis=1)
    usual = np.median(sizes[sound]) if sound.any() else np.nan
    size = sizes[best] if sizes[best] <= FAR_OFF_SCALE * usual else usual
    times = FAR_OFF_SCALE if log else OFF_SCALE
    return sound & on_scale(sizes, best=float(size), times=times)


def span(ax: "Axes", curves: "Sequence[Line2D]", shown: NDArray[np.bool_], *, log: bool) -> None:
    """A y axis that spans the curves that are `shown`; the others leave it, and their names say
    so."""
    kept = [curve for curve, show in zip(curves, shown, strict=True) if show]
    for curve in curves if kept else ():
        if curve not in kept:
            curve.set_label(f"{curve.get_label()} (off the scale)")
    (logarithmic if log else _linear)(ax, curves=kept or curves)


def logarithmic(ax: "Axes", which: str = "y", curves: "Iterable[Line2D] | None" = None) -> None:
    """A logarithmic axis that spans the curves, by default all; over few decades with plain
    numbers.

    Bands do not count: one that reaches zero has no end here. Without a positive number to show,
    the axis stays as it is.
    """
    ticker = analysis_package("matplotlib.ticker")
    axis = ax.xaxis if which == "x" else ax.yaxis
    spanned = _spanned(ax, which, curves)
    spanned = spanned[spanned > 0.0]
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
    style = {"fontsize": "small", "frameon": True, "framealpha": 0.85, "edgecolor": "none"}
    for text in named_legend(ax, **style).get_texts():
        text.set_parse_math(False)  # a dollar in a name is a dollar


def draw_legend_below(figure: "Figure", panels: "Iterable[Axes]") -> None:
    """One legend under all panels, which covers none of their lines; a name is told once."""
    named = {str(handle.get_label()): handle for ax in panels for handle in _named(ax)}
    place = {"loc": "outside lower center", "ncols": 3, "fontsize": "small", "frameon": False}
    for text in _legend(figure, list(named.values()), **place).get_texts():
        text.set_parse_math(False)


def named_legend(ax: "Axes", **options: Any) -> "Legend":
    """A legend of every line that has a name, whatever it begins with."""
    return _legend(ax, _named(ax), **options)


def _named(ax: "Axes") -> list[Any]:
    """What was drawn with a name, lines first."""
    others, _ = ax.get_legend_handles_labels()
    lines = [line for line in ax.lines if line in _NAMED or line in others]
    return [*lines, *(other for other in others if other not in lines)]


def _legend(place: "Axes | Figure", handles: list[Any], **options: Any) -> "Legend":
    # Numbered first: matplotlib would leave out the names that begin with `_`.
    legend = place.legend(handles, [str(i) for i in range(len(handles))], **options)
    for text, handle in zip(legend.get_texts(), handles, strict=True):
        text.set_text(str(handle.get_label()))
    return legend


def _linear(ax: "Axes", curves: "Iterable[Line2D]") -> None:
    spanned = _spanned(ax, "y", curves)
    if spanned.size:
        low, high = spanned.min(), spanned.max()
        margin = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
        ax.set_ylim(low - margin, high + margin)


def _spanned(ax: "Axes", which: str, curves: "Iterable[Line2D] | None") -> NDArray[np.float64]:
    """The finite numbers of the curves along an axis; of all that are drawn by data, if None."""
    if curves is None:
        curves = [
            c for c in ax.lines if c.get_transform().contains_branch_seperately(ax.transData)[1]
        ]
    place = 0 if which == "x" else 1
    values = np.concatenate([np.asarray(c.get_data()[place], float) for c in curves] or [[]])
    return values[np.isfinite(values)]
