import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from alberta_framework.statistics import cohens_d, rank_biserial
from tests.statistics import golden

# A grid, so that spreads are either zero or well above rounding.
GRID = st.integers(-1000, 1000).map(lambda k: k / 8)
SAMPLES = st.lists(GRID, min_size=2, max_size=10)
PAIRS = st.lists(st.tuples(GRID, GRID), min_size=1, max_size=10)


def test_cohens_d_agrees_with_the_reference():
    a, b = (golden.array(f"stats_method_{k}", "final_values") for k in (0, 1))
    expected = golden.cases("misc_statistics")["misc_statistics"]["cohens_d_0_1"]
    assert cohens_d(a, b) == pytest.approx(expected, rel=1e-9)


def test_cohens_d_weighs_the_variances_by_their_degrees_of_freedom():
    # Variances 1 (2 degrees of freedom) and 4.5 (1): pooled 6.5 / 3.
    assert cohens_d([1, 2, 3], [4, 7]) == pytest.approx(-3.5 / math.sqrt(6.5 / 3), rel=1e-14)


@settings(deadline=None)
@given(SAMPLES, SAMPLES)
def test_cohens_d_is_antisymmetric_and_has_the_sign_of_the_difference(a, b):
    d = cohens_d(a, b)
    assert d == pytest.approx(-cohens_d(b, a), rel=1e-12)
    difference = math.fsum(a) / len(a) - math.fsum(b) / len(b)
    if abs(difference) > 1e-9:
        assert math.copysign(1.0, d) == math.copysign(1.0, difference)


def test_without_spread_a_difference_is_infinitely_large():
    # The mean of three times 0.1 is not 0.1 in floating point.
    assert cohens_d([0.1] * 3, [0.1] * 4) == 0.0
    assert cohens_d([0.1] * 3, [0.2] * 3) == -math.inf
    assert cohens_d([3.0, 3.0], [2.0, 2.0]) == math.inf


def test_cohens_d_of_a_diverged_seed_is_nan():
    assert math.isnan(cohens_d([1.0, np.inf], [1.0, 2.0]))
    assert math.isnan(cohens_d([1.0, 2.0], [np.nan, 2.0]))


@pytest.mark.parametrize("short", ["a", "b"])
def test_cohens_d_needs_two_values_each(short):
    samples = {"a": [1.0, 2.0], "b": [1.0, 2.0]} | {short: [1.0]}
    with pytest.raises(ValueError, match=rf"`{short}` .* at least 2, got .* shape \(1,\)"):
        cohens_d(**samples)


def rank_biserial_by_hand(pairs):
    """Ranks by counting: one plus the smaller, plus half of the other equals."""
    differences = [a - b for a, b in pairs if a != b]
    balance = total = 0.0
    for d in differences:
        smaller = sum(abs(e) < abs(d) for e in differences)
        equal = sum(abs(e) == abs(d) for e in differences)
        rank = smaller + (equal + 1) / 2
        balance += math.copysign(rank, d)
        total += rank
    return balance / total if total else 0.0


@settings(deadline=None)
@given(PAIRS)
def test_rank_biserial_is_the_balance_of_the_ranks(pairs):
    a, b = zip(*pairs, strict=True)
    ours = rank_biserial(a, b)
    assert ours == pytest.approx(rank_biserial_by_hand(pairs), abs=1e-14)
    assert rank_biserial(b, a) == pytest.approx(-ours, abs=1e-14)


def test_rank_biserial_reaches_one_when_every_pair_agrees():
    assert rank_biserial([2, 3, 9], [1, 1, 1]) == 1.0
    assert rank_biserial([1, 1, 1], [2, 3, 9]) == -1.0
    assert rank_biserial([5.0, 6.0], [5.0, 6.0]) == 0.0


def test_rank_biserial_needs_pairs():
    with pytest.raises(ValueError, match=r"`a` and `b` must be of equal length .* got 3 and 2"):
        rank_biserial([1, 2, 3], [1, 2])
