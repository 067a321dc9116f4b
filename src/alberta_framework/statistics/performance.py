"""How methods perform: over the steps, and at the end."""

import numpy as np
from numpy.typing import NDArray

from ..results.aggregated import final_values, metric_array
from ..results.methods import Labelled, Results, method_of, methods_of


def get_metric_timeseries(
    results: Labelled, metric: str = "squared_error"
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, mean - std and mean + std over seeds at every step, each [T]; std with divisor n.

    **Arguments:** `results`: of one method; `metric`.
    """
    runs = metric_array(method_of(results), metric)
    with np.errstate(invalid="ignore", over="ignore"):
        mean, std = runs.mean(axis=0), runs.std(axis=0)
        return mean, mean - std, mean + std


def get_final_performance(
    results: Results, metric: str = "squared_error", window: int | None = None
) -> dict[str, tuple[float, float]]:
    """Per name the mean and std (divisor n) over seeds of each seed's final value.

    **Arguments:** `results`: any, or several by name; `metric`; `window`: the mean of so many of
    the last steps; None for what the result itself scores, which of single runs is that of the
    last 100.
    """
    finals = {name: final_values(r, metric, window) for name, r in methods_of(results).items()}
    with np.errstate(invalid="ignore", over="ignore"):
        return {name: (float(v.mean()), float(v.std())) for name, v in finals.items()}
