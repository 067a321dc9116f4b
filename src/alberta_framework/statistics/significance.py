"""Tests of two samples of one number per seed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..components.extras import analysis_package
from .effect_sizes import cohens_d, rank_biserial
from .samples import paired_samples, require_probability, sample


@dataclass(frozen=True)
class SignificanceResult:
    """One two-sided test of `method_a` against `method_b`.

    A positive `effect_size` means that `method_a` has the larger values. In a family of tests
    (`pairwise_comparisons`) `p_value` is the uncorrected one, `p_value_corrected` the corrected
    one, and `significant` is judged after correction.
    """

    test_name: str
    statistic: float
    p_value: float
    significant: bool
    alpha: float
    effect_size: float
    method_a: str
    method_b: str
    p_value_corrected: float | None = None


def ttest_comparison(
    a: ArrayLike,
    b: ArrayLike,
    paired: bool = True,
    alpha: float = 0.05,
    method_a: str = "A",
    method_b: str = "B",
    *,
    equal_var: bool = False,
) -> SignificanceResult:
    """Student's t-test of the difference of two means; effect size: Cohen's d.

    **Arguments:** `a`, `b`: one number per seed, at least two; `paired`: whether a_i and b_i come
    from the same seed; `alpha` in (0, 1); `equal_var`, for samples that are not paired: whether
    to pool the variances (as the reference implementation does) instead of Welch's test.

    Samples without spread have no t statistic: NaN, not significant.
    """
    require_probability("alpha", alpha)
    stats = analysis_package("scipy.stats")
    with np.errstate(invalid="ignore", over="ignore"):
        if paired:
            a, b = paired_samples(a, b, at_least=2)
            name, outcome = "paired t-test", stats.ttest_rel(a, b)
        else:
            a, b = sample("a", a, at_least=2), sample("b", b, at_least=2)
            name, outcome = "independent t-test", stats.ttest_ind(a, b, equal_var=equal_var)
    return _result(name, outcome, alpha, cohens_d(a, b), method_a, method_b)


def mann_whitney_comparison(
    a: ArrayLike,
    b: ArrayLike,
    alpha: float = 0.05,
    method_a: str = "A",
    method_b: str = "B",
) -> SignificanceResult:
    """Mann-Whitney U test of two samples that are not paired.

    Effect size: 2 U / (n_a n_b) - 1, the probability of a > b less that of a < b. (The reference
    implementation reports the opposite sign.)

    **Arguments:** `a`, `b`: one number per seed; `alpha` in (0, 1).
    """
    require_probability("alpha", alpha)
    a, b = sample("a", a), sample("b", b)
    outcome = analysis_package("scipy.stats").mannwhitneyu(a, b, alternative="two-sided")
    effect = 2.0 * float(outcome.statistic) / (a.size * b.size) - 1.0
    return _result("Mann-Whitney U", outcome, alpha, effect, method_a, method_b)


def wilcoxon_comparison(
    a: ArrayLike,
    b: ArrayLike,
    alpha: float = 0.05,
    method_a: str = "A",
    method_b: str = "B",
) -> SignificanceResult:
    """Wilcoxon signed-rank test of pairs; equal pairs are left out.

    Effect size: the matched-pairs rank-biserial correlation. (The reference implementation
    reports Cohen's d.)

    **Arguments:** `a`, `b`: one number per seed, a_i and b_i from the same; `alpha` in (0, 1).
    """
    require_probability("alpha", alpha)
    a, b = paired_samples(a, b)
    with np.errstate(invalid="ignore"):
        outcome = analysis_package("scipy.stats").wilcoxon(a, b, alternative="two-sided")
    return _result("Wilcoxon signed-rank", outcome, alpha, rank_biserial(a, b), method_a, method_b)


def _result(name, outcome, alpha, effect_size, method_a, method_b) -> SignificanceResult:
    p_value = float(outcome.pvalue)
    return SignificanceResult(
        test_name=name,
        statistic=float(outcome.statistic),
        p_value=p_value,
        significant=p_value < alpha,
        alpha=alpha,
        effect_size=effect_size,
        method_a=method_a,
        method_b=method_b,
    )
