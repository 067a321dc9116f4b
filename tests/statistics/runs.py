"""Results made of given arrays."""

import numpy as np

from alberta_framework.results import AggregatedResults, summarize_metric
from tests.statistics import golden


def results_of(name, seeds=None, **metric_arrays):
    arrays = {metric: np.asarray(array) for metric, array in metric_arrays.items()}
    n_seeds = len(next(iter(arrays.values())))
    summary = {metric: summarize_metric(array) for metric, array in arrays.items()}
    return AggregatedResults(name, seeds or list(range(n_seeds)), arrays, summary)


def constant_runs(name, *final_values, steps=4, seeds=None):
    """One run per value, constant over time, so that its final mean is the value."""
    values = np.array(final_values, np.float64)
    return results_of(name, seeds, squared_error=np.repeat(values[:, None], steps, axis=1))


def golden_results():
    """The three methods x 12 seeds x 150 steps of the golden statistics, in their order."""
    names = [case.removeprefix("stats_") for case in golden.cases("statistics")]
    return {
        name: results_of(name, squared_error=golden.array(f"stats_{name}", "metric_array"))
        for name in names
    }
