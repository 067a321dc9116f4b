"""Predictions over what came of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..components.extras import analysis_package
from .drawing import named_legend, named_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_predictions(
    predictions: ArrayLike,
    returns: ArrayLike,
    names: Sequence[str] | None = None,
    *,
    times: ArrayLike | None = None,
    unit: str = "step",
    figsize: tuple[float, float] | None = None,
) -> "tuple[Figure, Any]":
    """Each prediction, made at a time, over the return that followed it; a panel for each demon.

    To show them in the unit of the cumulant, multiply both by 1 - gamma.

    **Arguments:** `predictions`, `returns` [T] or [T, n], NaN where there is none; `names` [n]: of
    the panels; `times` [T], default 0, 1, ...; `unit`: what they count; `figsize` in inches.

    **Returns:** the figure, and its axes from top to bottom.

    **Raises:** `ValueError` for shapes that do not fit.
    """
    v, g = (np.asarray(array, np.float64) for array in (predictions, returns))
    v, g = (array[:, None] if array.ndim == 1 else array for array in (v, g))
    if v.ndim != 2 or v.shape != g.shape or v.shape[1] == 0:
        raise ValueError(
            "`predictions` and `returns` must have one shape, (T,) or (T, n), got "
            f"{np.shape(predictions)} and {np.shape(returns)}."
        )
    n = v.shape[1]
    if names is not None and len(names) != n:
        raise ValueError(f"`names` must hold {n} names, got {len(names)}.")
    t = np.arange(len(v)) if times is None else np.asarray(times, np.float64)
    if t.shape != v.shape[:1]:
        raise ValueError(f"`times` must have shape {v.shape[:1]}, got {t.shape}.")
    size = (7.0, 0.8 + 1.2 * n) if figsize is None else figsize
    figure = analysis_package("matplotlib.figure").Figure(figsize=size, layout="constrained")
    axes = figure.subplots(n, 1, sharex=True, squeeze=False)[:, 0]
    for i, ax in enumerate(axes):
        named_line(ax, t, g[:, i], label="return", color="0.6", lw=1.6)
        named_line(ax, t, v[:, i], label="prediction", color="C0", lw=1.0)
        if names is not None:
            # Escaped, so that a name with two dollars in it is not set as mathematics.
            ax.set_title(names[i].replace("$", r"\$"), loc="left", fontsize="medium")
        ax.margins(x=0.0)
    # Beside the first title, where it covers no curve.
    above = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.0}
    named_legend(axes[0], ncols=2, frameon=False, **above)
    axes[-1].set_xlabel(unit)
    return figure, axes
