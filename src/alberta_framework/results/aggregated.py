"""The runs of one configuration over several seeds, with their labels, and their final values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .dataset import to_dataset
from .scores import scores_of

if TYPE_CHECKING:
    import xarray as xr

FINAL_STEPS = 100


# Arrays have no single truth value, so the generated `==` could only raise: compare fields.
@dataclass(frozen=True, eq=False)
class MetricSummary:
    """One metric over seeds: statistics of its mean over the last min(100, T) steps of each run,
    or of the score that a sweep or a comparison gives each.

    `std` has divisor n (the spread of these very runs; `compute_statistics` estimates that of
    the population). `values` [n_seeds] holds the mean of each seed.
    """

    mean: float
    std: float
    min: float
    max: float
    n_seeds: int
    values: NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class AggregatedResults:
    """All runs of one configuration, at one point: what every result can be taken apart into.

    **Arguments:** `config_name`; `seeds`, one per run; `metric_arrays`: name of a metric to an
    array [n_seeds, T], rows in the order of `seeds`; `summary`: name to `MetricSummary`. By name
    only, where there is more to tell:

    - `labels`: what distinguishes the configuration from others, as its learner and the values of
      its hyperparameters by path: numbers or texts.
    - `recorded_at` [T]: the step (or episode) of each column, 0 to T - 1 by default; of a window
      its end.
    - `unit`: what a column counts, `"step"` or `"episode"`.
    - `parts`: of metrics that are arrays [n_seeds, T, parts], what the parts are: heads, demons.
    - `rejected` [n_seeds]: how many steps were rejected; `rejected_at` [n_seeds, T]: until each
      column, after the one before, NaN where it is not known. Where none was, NaN says that there
      was nothing to measure.

    **Raises:** `ValueError` if an array does not have one row per seed.
    """

    config_name: str
    seeds: Sequence[int]
    metric_arrays: Mapping[str, NDArray]
    summary: Mapping[str, MetricSummary]
    labels: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    recorded_at: NDArray[np.integer] | None = field(default=None, kw_only=True)
    unit: str = field(default="step", kw_only=True)
    parts: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    rejected: NDArray[np.integer] | None = field(default=None, kw_only=True)
    rejected_at: NDArray | None = field(default=None, kw_only=True)

    def __post_init__(self):
        for name, array in self.metric_arrays.items():
            shape, axes = np.shape(array), 3 if name in self.parts else 2
            if len(shape) != axes or shape[0] != len(self.seeds):
                wanted = ", ".join([str(len(self.seeds)), "T", *(["parts"] if axes == 3 else [])])
                raise ValueError(
                    f"`metric_arrays[{name!r}]` must have shape [{wanted}], one row "
                    f"per seed, got {shape}."
                )
            if self.recorded_at is not None and shape[1] != len(self.recorded_at):
                raise ValueError(
                    f"`metric_arrays[{name!r}]` must have one column for each of the "
                    f"{len(self.recorded_at)} of `recorded_at`, got {shape[1]}."
                )

    def __repr__(self) -> str:
        told = f"{len(self.seeds)} seeds, {len(self.recordings):,} {self.unit}s recorded"
        return (
            f"AggregatedResults({self.config_name!r}, {told}; "
            f"metrics: {', '.join(self.metric_arrays)})"
        )

    @property
    def recordings(self) -> Sequence[int]:
        """The step or episode of each column."""
        if self.recorded_at is not None:
            return self.recorded_at.tolist()
        return range(max((np.shape(array)[1] for array in self.metric_arrays.values()), default=0))

    def aggregated(self) -> dict[str, "AggregatedResults"]:
        """Itself, by its name."""
        return {self.config_name: self}

    def to_xarray(self) -> "xr.Dataset":
        """The metrics as variables over `point`, of which there is one, `seed`, `step` (or
        `episode`) and what the parts of a metric are."""
        return to_dataset(self.aggregated())


def summary_of(values: ArrayLike) -> MetricSummary:
    """The `MetricSummary` of one final value per seed."""
    finals = np.asarray(values, np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        mean, std = float(finals.mean()), float(finals.std())
    return MetricSummary(mean, std, float(finals.min()), float(finals.max()), finals.size, finals)


def summarize_metric(metric_array: ArrayLike) -> MetricSummary:
    """The `MetricSummary` of an array [n_seeds, T]."""
    return summary_of(_means(np.asarray(metric_array), slice(-FINAL_STEPS, None)))


def metric_array(results: AggregatedResults, metric: str) -> NDArray[np.float64]:
    """The runs of one metric, float64 [n_seeds, T], the mean of its parts where it has any;
    `KeyError` naming those present."""
    if metric not in results.metric_arrays:
        raise KeyError(
            f"no metric {metric!r} in the results of {results.config_name!r}; "
            f"present: {', '.join(results.metric_arrays)}"
        )
    values = np.asarray(results.metric_arrays[metric], np.float64)
    return mean_of_parts(values) if metric in results.parts else values


def metric_summary(results: AggregatedResults, metric: str) -> MetricSummary:
    """The summary of one metric; `KeyError` naming those present."""
    if metric not in results.summary:
        raise KeyError(
            f"no metric {metric!r} in the summary of {results.config_name!r}; "
            f"present: {', '.join(results.summary)}"
        )
    return results.summary[metric]


def final_values(
    results: AggregatedResults, metric: str, window: int | None = None
) -> NDArray[np.float64]:
    """The mean of the last `window` steps (of all if there are fewer) of each seed, [n_seeds].

    Rounded up to whole recordings. None: the values of the summary.
    """
    runs = metric_array(results, metric)
    if window is None:
        if metric in results.summary:
            return np.asarray(results.summary[metric].values, np.float64)
        window = FINAL_STEPS
    if window < 1:
        raise ValueError(f"`window` must be at least 1, got {window}.")
    recorded = np.asarray(results.recordings)[: runs.shape[1]]
    last = recorded > recorded[-1:] - window
    if results.rejected_at is None:
        return _means(runs, last)
    return scores_of(runs[:, last], results.rejected_at[:, last])


def mean_of_parts(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last axis, NaN left out where not all are."""
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(present, values, 0.0).sum(-1) / present.sum(-1)


def _means(runs: NDArray, last: Any) -> NDArray[np.float64]:
    if runs.ndim != 2 or 0 in runs.shape:
        raise ValueError(
            "`metric_array` must have shape [n_seeds, T] with at least one seed and one step, "
            f"got {runs.shape}."
        )
    with np.errstate(invalid="ignore", over="ignore"):
        return runs[:, last].mean(axis=1, dtype=np.float64)
