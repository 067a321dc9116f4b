"""The results of one configuration over several seeds, and what is read off them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FINAL_STEPS = 100


# Arrays have no single truth value, so the generated `==` could only raise: compare fields.
@dataclass(frozen=True, eq=False)
class MetricSummary:
    """One metric over seeds: statistics of its mean over the last min(100, T) steps of each run.

    `std` has divisor n (the spread of these very runs; `compute_statistics` estimates that of
    the population). `values` [n_seeds] holds the mean of each seed.
    """

    mean: float
    std: float
    min: float
    max: float
    n_seeds: int
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AggregatedResults:
    """All runs of one configuration.

    **Arguments:** `config_name`; `seeds`, one per run; `metric_arrays`: name of a metric to an
    array [n_seeds, T], rows in the order of `seeds`; `summary`: name to `MetricSummary`.

    **Raises:** `ValueError` if an array does not have one row per seed.
    """

    config_name: str
    seeds: Sequence[int]
    metric_arrays: Mapping[str, NDArray]
    summary: Mapping[str, MetricSummary]

    def __post_init__(self):
        for name, array in self.metric_arrays.items():
            shape = np.shape(array)
            if len(shape) != 2 or shape[0] != len(self.seeds):
                raise ValueError(
                    f"`metric_arrays[{name!r}]` must have shape [{len(self.seeds)}, T], one row "
                    f"per seed, got {shape}."
                )


def summarize_metric(metric_array: ArrayLike) -> MetricSummary:
    """The `MetricSummary` of an array [n_seeds, T]."""
    values = _final_means(np.asarray(metric_array), FINAL_STEPS)
    with np.errstate(invalid="ignore", over="ignore"):
        mean, std = float(values.mean()), float(values.std())
    return MetricSummary(mean, std, float(values.min()), float(values.max()), values.size, values)


def metric_array(results: AggregatedResults, metric: str) -> NDArray[np.float64]:
    """The runs of one metric, float64 [n_seeds, T]; `KeyError` naming those present."""
    if metric not in results.metric_arrays:
        raise KeyError(
            f"no metric {metric!r} in the results of {results.config_name!r}; "
            f"present: {', '.join(results.metric_arrays)}"
        )
    return np.asarray(results.metric_arrays[metric], np.float64)


def metric_summary(results: AggregatedResults, metric: str) -> MetricSummary:
    """The summary of one metric; `KeyError` naming those present."""
    if metric not in results.summary:
        raise KeyError(
            f"no metric {metric!r} in the summary of {results.config_name!r}; "
            f"present: {', '.join(results.summary)}"
        )
    return results.summary[metric]


def final_means(
    results: AggregatedResults, metric: str, window: int = FINAL_STEPS
) -> NDArray[np.float64]:
    """Mean of the last `window` steps (of all if there are fewer) of each seed, [n_seeds]."""
    if window < 1:
        raise ValueError(f"`window` must be at least 1, got {window}.")
    return _final_means(metric_array(results, metric), window)


def get_metric_timeseries(
    results: AggregatedResults, metric: str = "squared_error"
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean, mean - std and mean + std over seeds at every step, each [T]; std with divisor n."""
    runs = metric_array(results, metric)
    with np.errstate(invalid="ignore", over="ignore"):
        mean, std = runs.mean(axis=0), runs.std(axis=0)
        return mean, mean - std, mean + std


def get_final_performance(
    results: Mapping[str, AggregatedResults],
    metric: str = "squared_error",
    window: int = FINAL_STEPS,
) -> dict[str, tuple[float, float]]:
    """Per name the mean and std (divisor n) over seeds of the mean of the last `window` steps."""
    finals = {name: final_means(runs, metric, window) for name, runs in results.items()}
    with np.errstate(invalid="ignore", over="ignore"):
        return {name: (float(v.mean()), float(v.std())) for name, v in finals.items()}


def _final_means(runs: NDArray, window: int) -> NDArray[np.float64]:
    if runs.ndim != 2 or 0 in runs.shape:
        raise ValueError(
            "`metric_array` must have shape [n_seeds, T] with at least one seed and one step, "
            f"got {runs.shape}."
        )
    with np.errstate(invalid="ignore", over="ignore"):
        return runs[:, -window:].mean(axis=1, dtype=np.float64)
