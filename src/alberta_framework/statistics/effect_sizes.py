"""Sizes of a difference between two samples; positive means that `a` is the larger."""

import numpy as np
from numpy.typing import ArrayLike

from ..components.extras import analysis_package
from .samples import paired_samples, sample


def cohens_d(a: ArrayLike, b: ArrayLike) -> float:
    """Difference of the means in units of the pooled standard deviation.

        s^2 = ((n_a - 1) s_a^2 + (n_b - 1) s_b^2) / (n_a + n_b - 2),   d = (m_a - m_b) / s

    Without any spread: 0 for equal values, else plus or minus infinity.

    **Arguments:** `a`, `b`: one number per seed, at least two.

    Source: Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, section 2.5.2.
    """
    a, b = sample("a", a, at_least=2), sample("b", b, at_least=2)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        if np.ptp(a) == 0.0 == np.ptp(b):
            # The mean of equal numbers may be off by rounding, and the spread would be that.
            difference = a[0] - b[0]
            return float(np.copysign(np.inf, difference)) if difference else 0.0
        squares = (a.size - 1) * a.var(ddof=1) + (b.size - 1) * b.var(ddof=1)
        return float((a.mean() - b.mean()) / np.sqrt(squares / (a.size + b.size - 2)))


def rank_biserial(a: ArrayLike, b: ArrayLike) -> float:
    """Matched-pairs rank-biserial correlation, in [-1, 1].

        r = (W_plus - W_minus) / (W_plus + W_minus)

    W_plus is the sum of the ranks of |a_i - b_i| over the pairs with a_i > b_i, W_minus over
    those with a_i < b_i; equal pairs are left out, and 0 is returned if no other remains.

    Source: Kerby (2014), The Simple Difference Formula.
    """
    a, b = paired_samples(a, b)
    with np.errstate(invalid="ignore"):
        differences = a - b
    differences = differences[differences != 0.0]
    if differences.size == 0:
        return 0.0
    ranks = analysis_package("scipy.stats").rankdata(np.abs(differences))
    return float(np.sum(np.sign(differences) * ranks) / np.sum(ranks))
