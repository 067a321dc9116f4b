import dataclasses
import math
import statistics

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import norm

from alberta_framework.statistics import (
    bootstrap_ci,
    compute_statistics,
    compute_timeseries_statistics,
)
from tests.statistics import golden

STATISTICS = golden.cases("statistics")
# Quantiles 0.975 and 0.95 of Student's t with 4 degrees of freedom, from printed tables.
T_4 = {0.95: 2.7764451052, 0.90: 2.1318467863}
SKEWED = [0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 1.8, 2.4, 3.5, 6.0]


@pytest.mark.parametrize("case", STATISTICS)
@pytest.mark.parametrize("level", [95, 80])
def test_statistics_agree_with_the_reference(case, level):
    ours = compute_statistics(golden.array(case, "final_values"), level / 100)
    expected = STATISTICS[case][f"compute_statistics_{level}"]
    assert dataclasses.asdict(ours) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("case", STATISTICS)
def test_timeseries_statistics_agree_with_the_reference(case):
    ours = compute_timeseries_statistics(golden.array(case, "metric_array"))
    for values, field in zip(ours, ("mean", "ci_lower", "ci_upper"), strict=True):
        np.testing.assert_allclose(values, golden.array(case, f"timeseries_{field}"), rtol=1e-9)


@pytest.mark.parametrize("level", T_4)
def test_statistics_follow_the_textbook(level):
    values = [2.0, 4.0, 4.0, 5.0, 10.0]
    ours = compute_statistics(values, level)
    assert ours.mean == 5.0 and ours.median == 4.0 and ours.n_seeds == 5
    assert ours.iqr == 1.0  # quartiles 4 and 5
    assert ours.std == pytest.approx(statistics.stdev(values), rel=1e-14)
    assert ours.sem == pytest.approx(statistics.stdev(values) / math.sqrt(5), rel=1e-14)
    reach = T_4[level] * ours.sem
    assert (ours.ci_lower, ours.ci_upper) == pytest.approx((5.0 - reach, 5.0 + reach), rel=1e-9)


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12),
    st.floats(-10.0, 10.0),
    st.floats(0.1, 10.0),
)
def test_interval_moves_and_stretches_with_the_values(values, shift, scale):
    before = compute_statistics(values)
    after = compute_statistics(scale * np.array(values) + shift)
    for end in ("ci_lower", "ci_upper", "mean", "median"):
        # Rounding in sums of numbers up to 1e4.
        assert getattr(after, end) == pytest.approx(scale * getattr(before, end) + shift, abs=1e-8)


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12))
def test_more_confidence_is_a_wider_interval(values):
    narrow, wide = compute_statistics(values, 0.5), compute_statistics(values, 0.99)
    assert wide.ci_lower <= narrow.ci_lower <= narrow.mean <= narrow.ci_upper <= wide.ci_upper


def test_each_step_of_a_timeseries_is_summarized_as_by_itself():
    runs = np.random.default_rng(0).normal(size=(6, 15)).astype(np.float32)
    mean, lower, upper = compute_timeseries_statistics(runs, 0.9)
    for step in range(15):
        alone = compute_statistics(runs[:, step], 0.9)
        expected = (alone.mean, alone.ci_lower, alone.ci_upper)
        assert (mean[step], lower[step], upper[step]) == pytest.approx(expected, rel=1e-12)


def test_one_seed_gives_no_interval():
    ours = compute_statistics([3.5])
    assert (ours.mean, ours.median, ours.std, ours.sem, ours.iqr, ours.n_seeds) == (
        *(3.5, 3.5, 0.0, 0.0, 0.0),
        1,
    )
    assert math.isnan(ours.ci_lower) and math.isnan(ours.ci_upper)
    mean, lower, upper = compute_timeseries_statistics([[1.0, 2.0]])
    assert mean.tolist() == [1.0, 2.0]
    assert np.isnan(lower).all() and np.isnan(upper).all()
    estimate, low, high = bootstrap_ci([3.5])
    assert estimate == 3.5 and math.isnan(low) and math.isnan(high)


def test_equal_seeds_give_an_interval_of_one_point():
    ours = compute_statistics([2.0, 2.0, 2.0])
    assert (ours.std, ours.ci_lower, ours.ci_upper) == (0.0, 2.0, 2.0)
    assert bootstrap_ci([2.0, 2.0, 2.0]) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_diverged_seed_leaves_no_finite_interval(bad):
    ours = compute_statistics([1.0, 2.0, bad])
    assert not np.isfinite([ours.mean, ours.std, ours.ci_lower, ours.ci_upper]).any()
    mean, lower, upper = compute_timeseries_statistics([[1.0, bad], [2.0, 3.0]])
    assert np.isfinite([mean[0], lower[0], upper[0]]).all()
    assert not np.isfinite([mean[1], lower[1], upper[1]]).any()
    assert np.isnan(bootstrap_ci([1.0, 2.0, bad])[1:]).all()


@pytest.mark.parametrize("case", STATISTICS)
def test_percentile_bootstrap_agrees_with_the_reference(case):
    values = golden.array(case, "final_values")
    ours = bootstrap_ci(values, method="percentile")
    assert ours == pytest.approx(STATISTICS[case]["bootstrap_mean"], rel=1e-9)
    ours = bootstrap_ci(values, "median", 0.90, 2000, 3, method="percentile")
    assert ours == pytest.approx(STATISTICS[case]["bootstrap_median_90"], rel=1e-9)


def bca_by_hand(values, level, resamples, rng):
    """Efron (1987), equations 2.3 and 6.6, for the mean."""
    n, mean = len(values), np.mean(values)
    means = np.sort(rng.choice(values, (resamples, n)).mean(axis=1))
    z0 = norm.ppf(np.mean(means < mean))
    jackknife = np.array([np.mean(np.delete(values, i)) for i in range(n)])
    d = jackknife.mean() - jackknife
    acceleration = np.sum(d**3) / (6 * np.sum(d**2) ** 1.5)
    ends = []
    for z in norm.ppf([(1 - level) / 2, (1 + level) / 2]):
        share = norm.cdf(z0 + (z0 + z) / (1 - acceleration * (z0 + z)))
        ends.append(means[int(share * resamples)])
    return ends


def test_default_bootstrap_is_bias_corrected_and_accelerated():
    estimate, *ends = bootstrap_ci(SKEWED, n_bootstrap=100_000)
    by_hand = bca_by_hand(np.array(SKEWED), 0.95, 100_000, np.random.default_rng(7))
    assert estimate == pytest.approx(np.mean(SKEWED), rel=1e-14)
    # Two independent resamplings: some 0.01 apart, where percentiles are 0.2 away.
    assert ends == pytest.approx(by_hand, abs=0.04)
    percentile = bootstrap_ci(SKEWED, n_bootstrap=100_000, method="percentile")
    assert ends[1] > percentile[2] + 0.1


@pytest.mark.parametrize("statistic", ["mean", "median"])
@pytest.mark.parametrize("method", ["BCa", "percentile", "basic"])
def test_bootstrap_moves_and_stretches_with_the_values(statistic, method):
    # An odd number without ties: no resample equals the estimate up to rounding.
    values = np.random.default_rng(5).gamma(1.0, size=25)
    before = bootstrap_ci(values, statistic, 0.9, 999, method=method)
    after = bootstrap_ci(3.0 * values - 2.0, statistic, 0.9, 999, method=method)
    assert after == pytest.approx([3.0 * end - 2.0 for end in before], rel=1e-9)


def test_bootstrap_depends_on_its_seed_only():
    assert bootstrap_ci(SKEWED, n_bootstrap=500) == bootstrap_ci(SKEWED, n_bootstrap=500)
    assert bootstrap_ci(SKEWED, n_bootstrap=500) != bootstrap_ci(SKEWED, n_bootstrap=500, seed=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"statistic": "max"}, "`statistic` must be one of mean, median, got 'max'"),
        ({"method": "studentized"}, "`method` must be one of BCa, .* got 'studentized'"),
        ({"confidence_level": 95}, r"`confidence_level` must lie in \(0, 1\), got 95"),
        ({"n_bootstrap": 0}, "`n_bootstrap` must be at least 1, got 0"),
        ({"values": []}, r"`values` must hold one number per seed.* got an array of shape \(0,\)"),
        ({"values": [[1.0, 2.0]]}, r"`values` must hold .* got an array of shape \(1, 2\)"),
    ],
)
def test_bootstrap_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_ci(**{"values": [1.0, 2.0]} | arguments)


def test_statistics_arguments_are_checked():
    with pytest.raises(ValueError, match="`values` must hold"):
        compute_statistics([])
    with pytest.raises(ValueError, match=r"`confidence_level` .* got 1.0"):
        compute_statistics([1.0, 2.0], 1.0)
    with pytest.raises(ValueError, match=r"`metric_array` must have shape .* got \(3,\)"):
        compute_timeseries_statistics(np.ones(3))
    with pytest.raises(ValueError, match=r"`metric_array` must have shape .* got \(0, 3\)"):
        compute_timeseries_statistics(np.ones((0, 3)))
