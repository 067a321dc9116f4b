import dataclasses
import gc
import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from alberta_framework.statistics import (
    bonferroni_correction,
    holm_correction,
    pairwise_comparisons,
    rank_biserial,
)
from tests.statistics import golden
from tests.statistics.runs import constant_runs, golden_results, results_of

PAIRWISE = golden.cases("pairwise")["pairwise"]["results"]
MISC = golden.cases("misc_statistics")["misc_statistics"]
# A grid that no level alpha / k below meets exactly.
P_VALUES = st.lists(st.integers(0, 1000).map(lambda k: k / 1000), max_size=12)
LEVELS = st.sampled_from([0.0513, 0.0107, 0.2501])


@pytest.fixture(autouse=True, scope="module")
def no_collecting():
    """statsmodels collects garbage at each correction, which takes up to a second of a suite."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "collect", lambda generation=2: 0)
        yield


@pytest.mark.parametrize("family", PAIRWISE)
def test_pairwise_comparisons_agree_with_the_reference(family):
    test, correction = family.split("/")
    ours = pairwise_comparisons(golden_results(), test=test, correction=correction)
    for (pair, result), expected in zip(ours.items(), PAIRWISE[family], strict=True):
        expected = dict(expected)
        assert pair == (expected["method_a"], expected["method_b"])
        effect = expected.pop("effect_size")
        if test == "mann_whitney":
            effect = -effect  # the reference has the opposite sign
        if test == "wilcoxon":  # the reference reports Cohen's d
            a, b = (golden.array(f"stats_{name}", "final_values") for name in pair)
            effect = rank_biserial(a, b)
        assert result.effect_size == pytest.approx(effect, rel=1e-9)
        for field, value in expected.items():
            wanted = pytest.approx(value, rel=1e-9) if type(value) is float else value
            assert getattr(result, field) == wanted, field


def test_corrections_agree_with_the_reference():
    flags, level = bonferroni_correction(MISC["p_values"])
    assert [flags, level] == [MISC["bonferroni"][0], pytest.approx(MISC["bonferroni"][1])]
    assert holm_correction(MISC["p_values"]) == MISC["holm"]


def holm_by_hand(p_values, alpha):
    rejected = [False] * len(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for i, index in enumerate(order):
        if not p_values[index] < alpha / (len(p_values) - i):
            break
        rejected[index] = True
    return rejected


@given(P_VALUES, LEVELS)
def test_holm_steps_down_and_stops_at_the_first_failure(p_values, alpha):
    ours = holm_correction(p_values, alpha)
    assert ours == holm_by_hand(p_values, alpha)
    assert all(type(flag) is bool for flag in ours)


@given(P_VALUES, LEVELS)
def test_holm_rejects_whatever_bonferroni_rejects(p_values, alpha):
    bonferroni, level = bonferroni_correction(p_values, alpha)
    assert level == (alpha / len(p_values) if p_values else alpha)
    assert bonferroni == [p < level for p in p_values]
    holm = holm_correction(p_values, alpha)
    assert all(h for h, b in zip(holm, bonferroni, strict=True) if b)


def test_no_tests_need_no_correction():
    assert bonferroni_correction([], 0.03) == ([], 0.03)
    assert holm_correction([]) == []


@pytest.mark.parametrize("correction", [lambda p: bonferroni_correction(p)[0], holm_correction])
def test_an_undefined_p_value_counts_as_a_test_and_is_never_rejected(correction):
    assert correction([math.nan, 0.03]) == [False, False]
    assert correction([math.nan, 0.02]) == [False, True]
    assert correction([math.nan, math.nan]) == [False, False]


@pytest.mark.parametrize("correction", [bonferroni_correction, holm_correction])
def test_corrections_check_their_arguments(correction):
    for wrong in ([0.5, 1.5], [-0.1], 0.5, [[0.5]]):
        with pytest.raises(ValueError, match="`p_values` must be a list of numbers in"):
            correction(wrong)
    with pytest.raises(ValueError, match=r"`alpha` must lie in \(0, 1\), got 2"):
        correction([0.5], 2)


@pytest.mark.parametrize("test", ["ttest", "mann_whitney", "wilcoxon"])
def test_corrected_p_values_decide_significance(test):
    for alpha in (0.001, 0.01, 0.05, 0.2):
        bonferroni = pairwise_comparisons(golden_results(), test=test, alpha=alpha)
        holm = pairwise_comparisons(golden_results(), test=test, alpha=alpha, correction="holm")
        ranked = sorted(holm.values(), key=lambda result: result.p_value)
        stepped = np.maximum.accumulate([(3 - i) * r.p_value for i, r in enumerate(ranked)])
        for result, expected in zip(ranked, stepped, strict=True):
            assert result.p_value_corrected == pytest.approx(expected, rel=1e-12)
        for result in bonferroni.values():
            assert result.p_value_corrected == pytest.approx(min(1, 3 * result.p_value), rel=1e-12)
        for result in (*bonferroni.values(), *holm.values()):
            assert result.significant is (result.p_value_corrected < alpha)
            assert result.alpha == alpha


def test_pairs_stand_in_the_order_of_the_results():
    rng = np.random.default_rng(0)
    results = {name: constant_runs(name, *rng.normal(size=5)) for name in ("z", "a", "m")}
    assert list(pairwise_comparisons(results)) == [("z", "a"), ("z", "m"), ("a", "m")]
    assert pairwise_comparisons({}) == {}
    assert pairwise_comparisons({"z": results["z"]}) == {}


def test_only_the_last_window_of_the_given_metric_is_compared():
    rng = np.random.default_rng(1)
    early, late = rng.normal(size=(2, 6, 50)), rng.normal(size=(2, 6, 7))
    results = {
        name: results_of(name, reward=np.concatenate([e, l], axis=1))
        for name, e, l in zip("ab", early, late, strict=True)
    }
    ours = pairwise_comparisons(results, "reward", window=7)["a", "b"]
    d = (late[0] - late[1]).mean(axis=1)
    assert ours.statistic == pytest.approx(d.mean() / d.std(ddof=1) * math.sqrt(6), rel=1e-9)


@pytest.mark.parametrize("test", ["ttest", "wilcoxon"])
def test_paired_tests_pair_by_seed_whatever_the_order(test):
    a, b = [1.0, 2.0, 3.0, 4.5], [1.5, 2.1, 3.3, 4.6]
    straight = {"a": constant_runs("a", *a), "b": constant_runs("b", *b)}
    turned = constant_runs("b", *reversed(b), seeds=[3, 2, 1, 0])
    ours = pairwise_comparisons({"a": straight["a"], "b": turned}, test=test)
    assert ours == pairwise_comparisons(straight, test=test)


@pytest.mark.parametrize("test", ["ttest", "wilcoxon"])
@pytest.mark.parametrize("seeds", [[0, 1, 3], [0, 1]])
def test_paired_tests_refuse_different_seeds(test, seeds):
    results = {
        "a": constant_runs("a", 1.0, 2.0, 3.0),
        "b": constant_runs("b", *[1.0, 2.5, 4.0][: len(seeds)], seeds=seeds),
    }
    with pytest.raises(ValueError, match=r"same seeds: 'a' ran \[0, 1, 2\], 'b' ran"):
        pairwise_comparisons(results, test=test)
    unpaired = pairwise_comparisons(results, test="mann_whitney")["a", "b"]
    assert unpaired.effect_size == pytest.approx(-2 / 9 if len(seeds) == 3 else 1 / 6)


def test_methods_without_a_p_value_leave_the_other_tests_intact():
    rng = np.random.default_rng(2)
    values = rng.normal(size=8)
    results = {
        "good": constant_runs("good", *values),
        "bad": constant_runs("bad", *(values + 5.0 + 0.1 * rng.normal(size=8))),
        "diverged": constant_runs("diverged", *values[:7], math.nan),
    }
    ours = pairwise_comparisons(results, correction="holm")
    assert ours["good", "bad"].significant is True
    for pair in (("good", "diverged"), ("bad", "diverged")):
        assert ours[pair].significant is False and math.isnan(ours[pair].p_value_corrected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"test": "anova"}, "`test` must be one of ttest, mann_whitney, wilcoxon, got 'anova'"),
        ({"correction": "none"}, "`correction` must be one of bonferroni, holm, got 'none'"),
        ({"alpha": 0.0}, r"`alpha` must lie in \(0, 1\), got 0.0"),
        ({"window": 0}, "`window` must be at least 1, got 0"),
    ],
)
def test_pairwise_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        pairwise_comparisons(golden_results(), **arguments)


def test_results_of_tests_cannot_be_changed():
    result = pairwise_comparisons(golden_results())["method_0", "method_1"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.significant = True
