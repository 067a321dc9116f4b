import itertools
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scipy.stats import t as student

from alberta_framework.statistics import (
    cohens_d,
    mann_whitney_comparison,
    rank_biserial,
    ttest_comparison,
    wilcoxon_comparison,
)
from tests.statistics import golden

TESTS = [ttest_comparison, mann_whitney_comparison, wilcoxon_comparison]
A = [1.2, 0.7, 3.1, 2.2, 1.9, 2.8]
B = [2.0, 1.9, 3.0, 4.1, 2.5, 5.3]


def golden_finals(method):
    return golden.array(f"stats_method_{method}", "final_values")


def test_unpaired_t_test_with_equal_variances_agrees_with_the_reference():
    expected = golden.cases("misc_statistics")["misc_statistics"]["ttest_unpaired_0_1"]
    ours = ttest_comparison(golden_finals(0), golden_finals(1), paired=False, equal_var=True)
    for field, value in expected.items():
        assert getattr(ours, field) == (
            pytest.approx(value, rel=1e-9) if isinstance(value, float) else value
        )


def test_paired_t_test_is_the_test_of_the_differences():
    d = np.subtract(A, B)
    t = d.mean() / (d.std(ddof=1) / math.sqrt(6))
    ours = ttest_comparison(A, B, method_a="first", method_b="second")
    assert ours.statistic == pytest.approx(t, rel=1e-12)
    assert ours.p_value == pytest.approx(2 * student.sf(abs(t), 5), rel=1e-12)
    assert (ours.test_name, ours.method_a, ours.method_b) == ("paired t-test", "first", "second")
    assert ours.effect_size == cohens_d(A, B)
    assert ours.p_value_corrected is None


def test_unpaired_t_test_is_welchs_by_default():
    a, b = np.array(A), np.array([*B, 9.0])
    share_a, share_b = a.var(ddof=1) / 6, b.var(ddof=1) / 7
    t = (a.mean() - b.mean()) / math.sqrt(share_a + share_b)
    freedom = (share_a + share_b) ** 2 / (share_a**2 / 5 + share_b**2 / 6)
    ours = ttest_comparison(a, b, paired=False)
    assert ours.test_name == "independent t-test"
    assert ours.statistic == pytest.approx(t, rel=1e-12)
    assert ours.p_value == pytest.approx(2 * student.sf(abs(t), freedom), rel=1e-12)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=8),
    st.lists(st.integers(0, 12), min_size=1, max_size=8),
)
def test_mann_whitney_counts_the_pairs_that_a_wins(a, b):
    wins = sum((x > y) + (x == y) / 2 for x in a for y in b)
    losses = len(a) * len(b) - wins
    ours = mann_whitney_comparison(a, b)
    assert ours.test_name == "Mann-Whitney U"
    assert ours.statistic == wins
    assert ours.effect_size == pytest.approx((wins - losses) / (len(a) * len(b)), abs=1e-14)


def test_mann_whitney_p_value_counts_rearrangements():
    a, b = A[:4], [7.0, 8.0, 0.1, 9.0, 9.5]
    u = [
        sum(x > y for x in chosen for y in set(range(9)) - set(chosen))
        for chosen in itertools.combinations(range(9), 4)
    ]
    ours = mann_whitney_comparison(a, b)
    as_far = sum(abs(k - 10) >= abs(ours.statistic - 10) for k in u)
    assert ours.p_value == pytest.approx(as_far / len(u), rel=1e-12)


def test_wilcoxon_p_value_counts_signs():
    d = np.subtract(A, B)
    ranks = np.argsort(np.argsort(np.abs(d))) + 1
    balance = abs(np.sum(np.sign(d) * ranks))
    sums = [np.dot(signs, ranks) for signs in itertools.product([-1, 1], repeat=6)]
    ours = wilcoxon_comparison(A, B)
    assert ours.test_name == "Wilcoxon signed-rank"
    assert ours.statistic == (ranks.sum() - balance) / 2
    assert ours.p_value == pytest.approx(np.mean(np.abs(sums) >= balance), rel=1e-12)
    assert ours.effect_size == rank_biserial(A, B)


@pytest.mark.parametrize("test", TESTS)
@pytest.mark.parametrize(("larger", "sign"), [(True, 1.0), (False, -1.0)])
def test_a_positive_effect_means_that_a_is_larger(test, larger, sign):
    low, high = golden_finals(0), golden_finals(2)
    ours = test(*((high, low) if larger else (low, high)))
    assert ours.effect_size * sign > 0.5


@pytest.mark.parametrize("test", TESTS)
def test_significance_is_judged_at_the_given_level(test):
    p = test(A, B).p_value
    assert 0.001 < p < 0.9
    above = test(A, B, alpha=p * 1.01)
    assert above.significant is True and above.alpha == p * 1.01
    assert test(A, B, alpha=p).significant is False
    with pytest.raises(ValueError, match=r"`alpha` must lie in \(0, 1\), got 0"):
        test(A, B, alpha=0)


@pytest.mark.parametrize("test", TESTS)
def test_equal_samples_are_not_significant(test):
    ours = test(A, A)
    assert ours.significant is False and ours.effect_size == 0.0
    assert math.isnan(ours.p_value) or ours.p_value == 1.0


@pytest.mark.parametrize("test", TESTS)
def test_a_nan_is_never_significant(test):
    ours = test([1.0, 2.0, math.nan], [11.0, 12.0, 13.0])
    assert math.isnan(ours.p_value) and ours.significant is False


@pytest.mark.parametrize("test", [mann_whitney_comparison, wilcoxon_comparison])
def test_rank_tests_take_a_diverged_seed_as_the_largest(test):
    finite, diverged = test([*A, 100.0], [*B, 1.0]), test([*A, math.inf], [*B, 1.0])
    assert diverged == finite


@pytest.mark.parametrize("test", [ttest_comparison, wilcoxon_comparison])
def test_paired_tests_need_equal_lengths(test):
    with pytest.raises(ValueError, match=r"`a` and `b` must be of equal length .* got 6 and 5"):
        test(A, B[:5])


def test_t_test_needs_two_values_each():
    for paired in (True, False):
        with pytest.raises(ValueError, match="`a` must hold one number per seed, at least 2"):
            ttest_comparison([1.0], [2.0], paired=paired)
