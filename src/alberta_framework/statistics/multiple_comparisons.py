"""Families of tests: corrected levels, and all pairs of methods."""

import dataclasses
import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..components.extras import analysis_package
from ..results.aggregated import AggregatedResults, final_values
from ..results.methods import Results, methods_of
from .samples import require_choice, require_probability
from .significance import (
    SignificanceResult,
    mann_whitney_comparison,
    ttest_comparison,
    wilcoxon_comparison,
)

_TESTS = {
    "ttest": ttest_comparison,
    "mann_whitney": mann_whitney_comparison,
    "wilcoxon": wilcoxon_comparison,
}


def bonferroni_correction(p_values: ArrayLike, alpha: float = 0.05) -> tuple[list[bool], float]:
    """Which of n tests are significant at level alpha / n, and that level.

    Keeps the probability of any false rejection below `alpha`. NaN is never significant; no
    tests give `([], alpha)`.
    """
    p = _p_values(p_values, alpha)
    level = alpha / max(p.size, 1)
    return [bool(value < level) for value in p], level


def holm_correction(p_values: ArrayLike, alpha: float = 0.05) -> list[bool]:
    """Which of n tests are significant by Holm's step-down rule.

    The i-th smallest p-value (i = 0, 1, ...) is compared with alpha / (n - i); the first that
    fails ends the rejections. As safe as Bonferroni's rule and never weaker. NaN is never
    significant.

    Source: Holm (1979), A Simple Sequentially Rejective Multiple Test Procedure.
    """
    p = _p_values(p_values, alpha)
    if p.size == 0:
        return []
    return _holm(p, alpha)[0]


def pairwise_comparisons(
    results: Results,
    metric: str = "squared_error",
    test: str = "ttest",
    correction: str = "bonferroni",
    alpha: float = 0.05,
    window: int | None = None,
) -> dict[tuple[str, str], SignificanceResult]:
    """Tests all pairs of methods on the final value of each seed.

    **Arguments:** `results`: of a sweep, a comparison or lives side by side, or any by name;
    `metric`; `test`: `"ttest"` (paired), `"wilcoxon"` (paired) or `"mann_whitney"`; `correction`:
    `"bonferroni"` or `"holm"`; `alpha` in (0, 1) for the whole family; `window`: the final value is
    the mean of so many of the last steps; None for what the result itself scores, which of single
    runs is that of the last 100.

    **Returns:** one result per pair `(a, b)`, in the order of `results`; `{}` for fewer than two
    methods. `significant` and `p_value_corrected` are after correction, `p_value` is before.

    **Raises:** `ValueError` if a paired test meets two methods that did not run the same seeds.
    (The order of the seeds does not matter.)
    """
    require_choice("test", test, tuple(_TESTS))
    require_choice("correction", correction, ("bonferroni", "holm"))
    require_probability("alpha", alpha)
    methods = methods_of(results)
    names = tuple(itertools.combinations(methods, 2))
    if not names:
        return {}
    if test != "mann_whitney":
        _require_same_seeds(methods)
    finals = {name: _by_seed(runs, metric, window) for name, runs in methods.items()}
    compare = _TESTS[test]
    tests = [compare(finals[a], finals[b], alpha=alpha, method_a=a, method_b=b) for a, b in names]
    p = np.array([single.p_value for single in tests])
    if correction == "bonferroni":
        significant, corrected = bonferroni_correction(p, alpha)[0], np.minimum(p * p.size, 1.0)
    else:
        significant, corrected = _holm(p, alpha)
    return {
        pair: dataclasses.replace(
            single,
            test_name=f"{single.test_name} ({correction})",
            significant=decision,
            p_value_corrected=float(corrected_p),
        )
        for pair, single, decision, corrected_p in zip(
            names, tests, significant, corrected, strict=True
        )
    }


def _p_values(p_values: ArrayLike, alpha: float) -> NDArray[np.float64]:
    require_probability("alpha", alpha)
    p = np.asarray(p_values, np.float64)
    if p.ndim != 1 or ((p < 0.0) | (p > 1.0)).any():
        raise ValueError(f"`p_values` must be a list of numbers in [0, 1], got {p_values!r}.")
    return p


def _holm(p: NDArray[np.float64], alpha: float) -> tuple[list[bool], NDArray[np.float64]]:
    # An undefined p-value counts as a test, and never as a rejection.
    undefined = np.isnan(p)
    multipletests = analysis_package("statsmodels.stats.multitest").multipletests
    rejected, corrected, *_ = multipletests(np.where(undefined, 1.0, p), alpha, method="holm")
    return [bool(decision) for decision in rejected], np.where(undefined, np.nan, corrected)


def _require_same_seeds(results: Mapping[str, AggregatedResults]) -> None:
    first, *others = results
    for other in others:
        if sorted(results[first].seeds) != sorted(results[other].seeds):
            raise ValueError(
                f"A paired test needs the same seeds: {first!r} ran "
                f"{list(results[first].seeds)}, {other!r} ran {list(results[other].seeds)}. "
                "Use `test='mann_whitney'` for samples that are not paired."
            )


def _by_seed(runs: AggregatedResults, metric: str, window: int | None) -> NDArray[np.float64]:
    return final_values(runs, metric, window)[np.argsort(runs.seeds, kind="stable")]
