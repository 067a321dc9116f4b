"""The best of several methods, and how surely the others are worse."""

from collections.abc import Mapping

import numpy as np

from ..results.aggregated import AggregatedResults, metric_summary
from ..results.scores import less_is_better
from .significance import SignificanceResult

Significance = Mapping[tuple[str, str], SignificanceResult]

STARS = (("***", 0.001), ("**", 0.01), ("*", 0.05))


def best_method(
    results: Mapping[str, AggregatedResults], metric: str, lower_is_better: bool | None
) -> str | None:
    """The name with the best mean, the first of equals; None if no mean is finite."""
    means = {name: metric_summary(runs, metric).mean for name, runs in results.items()}
    finite = [name for name, mean in means.items() if np.isfinite(mean)]
    if not finite:
        return None
    return (min if less_is_better(metric, lower_is_better) else max)(finite, key=means.__getitem__)


def stars(significance: Significance | None, best: str | None, name: str) -> str:
    """Up to three stars for the p-value of `name` against `best`; none if not significant."""
    if not significance or best is None:
        return ""
    test = significance.get((best, name)) or significance.get((name, best))
    if test is None or not test.significant:
        return ""
    return next((mark for mark, bound in STARS if test.p_value < bound), "")
