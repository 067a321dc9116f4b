import numpy as np
import pytest

from alberta_framework.results import AggregatedResults, summarize_metric
from alberta_framework.statistics import get_final_performance, get_metric_timeseries
from tests.statistics import golden
from tests.statistics.runs import golden_results, results_of

STATISTICS = golden.cases("statistics")


@pytest.mark.parametrize("case", STATISTICS)
def test_summary_agrees_with_the_reference(case):
    summary = summarize_metric(golden.array(case, "metric_array"))
    np.testing.assert_allclose(summary.values, golden.array(case, "final_values"), rtol=1e-9)
    ours = {name: getattr(summary, name) for name in STATISTICS[case]["summary"]}
    assert ours == pytest.approx(STATISTICS[case]["summary"], rel=1e-9)


@pytest.mark.parametrize("window", [10, 100])
def test_final_performance_agrees_with_the_reference(window):
    ours = get_final_performance(golden_results(), "squared_error", window)
    for case, about in STATISTICS.items():
        expected = about[f"final_performance_w{window}"]
        assert ours[case.removeprefix("stats_")] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("case", STATISTICS)
def test_timeseries_agrees_with_the_reference(case):
    results = golden_results()[case.removeprefix("stats_")]
    ours = get_metric_timeseries(results, "squared_error")
    for values, field in zip(ours, ("mean", "lower_std", "upper_std"), strict=True):
        np.testing.assert_allclose(values, golden.array(case, f"timeseries_{field}"), rtol=1e-9)


def test_summary_uses_the_last_hundred_steps_or_all_of_a_shorter_run():
    long = np.concatenate([np.full((2, 50), 1e6), np.full((2, 100), 3.0)], axis=1)
    assert summarize_metric(long).values.tolist() == [3.0, 3.0]
    assert summarize_metric([[1.0, 2.0, 6.0]]).values.tolist() == [3.0]


def test_summary_of_float32_runs_is_accumulated_in_float64():
    runs = (1e4 + np.random.default_rng(0).normal(size=(3, 100))).astype(np.float32)
    expected = runs.astype(np.float64).mean(axis=1)
    np.testing.assert_allclose(summarize_metric(runs).values, expected, rtol=1e-14)


def test_a_diverged_seed_shows_in_the_summary():
    summary = summarize_metric([[1.0, 1.0], [np.inf, np.inf]])
    assert (summary.mean, summary.max, summary.min) == (np.inf, np.inf, 1.0)
    assert np.isnan(summary.std)


def test_runs_without_seeds_or_steps_are_refused():
    for shape in ((0, 5), (5, 0), (5,)):
        with pytest.raises(ValueError, match=r"`metric_array` must have shape \[n_seeds, T\]"):
            summarize_metric(np.ones(shape))


@pytest.mark.parametrize("shape", [(2, 4), (3,), (3, 4, 1)])
def test_results_need_one_row_per_seed(shape):
    with pytest.raises(ValueError, match=r"`metric_arrays\['error'\]` must have shape \[3, T\]"):
        AggregatedResults("mine", [0, 1, 2], {"error": np.ones(shape)}, {})


def test_a_missing_metric_is_named_with_those_present():
    results = {"mine": results_of("mine", error=np.ones((2, 3)))}
    with pytest.raises(KeyError, match="'reward' in the results of 'mine'; present: error"):
        get_final_performance(results, "reward")
    with pytest.raises(KeyError, match="'squared_error' in the results of 'mine'; present: error"):
        get_metric_timeseries(results["mine"])


def test_window_must_be_positive():
    results = {"mine": results_of("mine", error=np.ones((2, 3)))}
    with pytest.raises(ValueError, match="`window` must be at least 1, got 0"):
        get_final_performance(results, "error", 0)
