"""Scores: means over the last recordings, and which members diverged."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# What is earned or right, of which more is better; of errors and the like less is.
_EARNED = frozenset({"reward", "episode_return", "return", "accuracy"})


def less_is_better(metric: str, told: bool | None = None) -> bool:
    """Whether less of a metric is better: as told, else by what it is."""
    return metric not in _EARNED if told is None else told


def scores_of(curves: ArrayLike, rejected: ArrayLike | None = None) -> NDArray[np.float64]:
    """The mean over recordings, the last axis; not finite for a member that diverged.

    A recording that holds no number although no step of it was rejected is one in which nothing
    was measured, as when no head had a target. It is left out; where there is no other, the score
    is NaN.

    **Arguments:** `curves` [..., recordings]; `rejected` of the same shape: how many steps of each
    recording were rejected, NaN where the learner does not tell; None if none tells.
    """
    values = np.asarray(curves, np.float64)
    measured = ~_unmeasured(values, rejected)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(measured, values, 0.0).sum(axis=-1) / measured.sum(axis=-1)


def diverged_of(curves: ArrayLike, rejected: ArrayLike | None = None) -> NDArray[np.bool_]:
    """Whether some recording is not finite, or holds rejected steps alone. Arguments as above."""
    values = np.asarray(curves, np.float64)
    return np.any(~np.isfinite(values) & ~_unmeasured(values, rejected), axis=-1)


def ranked(scores: NDArray[np.float64], lower_is_better: bool = True) -> NDArray[np.int64]:
    """The numbers of the points from best to worst mean over seeds, of scores [points, seeds].

    Those whose mean is not finite, as that of a point which diverged at a seed, come last.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        means = scores.mean(axis=-1) * (1.0 if lower_is_better else -1.0)
    return np.argsort(np.where(np.isfinite(means), means, np.inf), kind="stable")


def _unmeasured(values: NDArray[np.float64], rejected: ArrayLike | None) -> NDArray[np.bool_]:
    if rejected is None:
        return np.zeros(values.shape, bool)
    return np.isnan(values) & (np.asarray(rejected) == 0)
