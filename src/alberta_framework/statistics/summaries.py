"""Confidence intervals over seeds: Student's t and the bootstrap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..components.extras import analysis_package
from .samples import require_choice, require_probability, sample


@dataclass(frozen=True)
class StatisticalSummary:
    """A sample of one number per seed, summarized by `compute_statistics`."""

    mean: float
    std: float
    sem: float
    ci_lower: float
    ci_upper: float
    median: float
    iqr: float
    n_seeds: int


def compute_statistics(values: ArrayLike, confidence_level: float = 0.95) -> StatisticalSummary:
    """Mean, spread and Student's t interval of the mean of the population.

        s^2 = sum (v_i - m)^2 / (n - 1),   sem = s / sqrt(n),   m +- t_(n-1) sem

    `iqr` is the distance of the quartiles (linear interpolation). One seed gives no interval:
    `std` and `sem` are 0 and both ends are NaN.

    **Arguments:** `values`: one number per seed; `confidence_level` in (0, 1).
    """
    values = sample("values", values)
    mean, sem, lower, upper = _t_interval(values, confidence_level)
    with np.errstate(invalid="ignore"):
        lower_quartile, median, upper_quartile = np.percentile(values, [25.0, 50.0, 75.0])
        iqr = upper_quartile - lower_quartile
    return StatisticalSummary(
        mean=float(mean),
        std=float(sem * np.sqrt(values.size)),
        sem=float(sem),
        ci_lower=float(lower),
        ci_upper=float(upper),
        median=float(median),
        iqr=float(iqr),
        n_seeds=values.size,
    )


def compute_timeseries_statistics(
    metric_array: ArrayLike, confidence_level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Mean and Student's t interval over seeds at every step.

    The interval holds at each step by itself, not for the whole curve at once.

    **Arguments:** `metric_array`: [n_seeds, T]; `confidence_level` in (0, 1).

    **Returns:** mean, lower and upper end, each [T]; with one seed both ends are NaN.
    """
    runs = np.asarray(metric_array, np.float64)
    if runs.ndim != 2 or runs.shape[0] == 0:
        raise ValueError(
            f"`metric_array` must have shape [n_seeds, T] with a seed, got {runs.shape}."
        )
    mean, _, lower, upper = _t_interval(runs, confidence_level)
    return mean, lower, upper


def bootstrap_ci(
    values: ArrayLike,
    statistic: str = "mean",
    confidence_level: float = 0.95,
    n_bootstrap: int = 10_000,
    seed: int = 42,
    *,
    method: str = "BCa",
) -> tuple[float, float, float]:
    """Bootstrap interval of the mean or the median.

    `"BCa"` corrects the percentiles of the resampled statistic for bias and skew (Efron 1987,
    Better Bootstrap Confidence Intervals); `"percentile"` takes them as they are and is what the
    reference implementation (alberta-framework 0.16.0) computes.

    **Arguments:** `values`: one number per seed; `statistic`: `"mean"` or `"median"`;
    `confidence_level` in (0, 1); `n_bootstrap` >= 1 resamples; `seed` of the resampling;
    `method`: `"BCa"`, `"percentile"` or `"basic"`.

    **Returns:** estimate, lower end, upper end. The ends are NaN with one value or with one that
    is not finite, and equal to the estimate if all values are equal.
    """
    values = sample("values", values)
    statistics = {"mean": np.mean, "median": np.median}
    require_choice("statistic", statistic, tuple(statistics))
    require_choice("method", method, ("BCa", "percentile", "basic"))
    require_probability("confidence_level", confidence_level)
    if n_bootstrap < 1:
        raise ValueError(f"`n_bootstrap` must be at least 1, got {n_bootstrap}.")
    with np.errstate(invalid="ignore"):
        estimate = float(statistics[statistic](values))
    if values.size == 1 or not np.isfinite(values).all():
        return estimate, float("nan"), float("nan")
    if np.ptp(values) == 0.0:
        return estimate, estimate, estimate
    outcome = analysis_package("scipy.stats").bootstrap(
        (values,),
        statistics[statistic],
        confidence_level=confidence_level,
        n_resamples=n_bootstrap,
        method=method,
        rng=seed,
    )
    lower, upper = outcome.confidence_interval
    return estimate, float(lower), float(upper)


def _t_interval(
    runs: NDArray[np.float64], confidence_level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    require_probability("confidence_level", confidence_level)
    count = runs.shape[0]
    # A diverged seed holds infinities: mean, error and interval say so by inf and NaN.
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.asarray(runs.mean(axis=0))
        if count == 1:
            nothing = np.full_like(mean, np.nan)
            return mean, np.zeros_like(mean), nothing, nothing.copy()
        sem = np.asarray(runs.std(axis=0, ddof=1) / np.sqrt(count))
        reach = analysis_package("scipy.stats").t.ppf((1.0 + confidence_level) / 2.0, count - 1)
        return mean, sem, mean - reach * sem, mean + reach * sem
