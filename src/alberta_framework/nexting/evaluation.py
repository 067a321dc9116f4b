"""How good predictions are, against what needs no learning and against the best of hindsight."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..horde import HordeSpec, discounted_returns, return_error


class NextingErrors(NamedTuple):
    """RMSE / std(G) of each demon [demons], over the same steps: see `nexting_errors`.

    `ridge` is None where no features were given. A number is NaN where the returns do not vary.
    """

    learned: NDArray[np.float64]
    running_mean: NDArray[np.float64]
    persistence: NDArray[np.float64]
    ridge: NDArray[np.float64] | None = None


def nexting_errors(
    spec: HordeSpec,
    signals: ArrayLike,
    predictions: ArrayLike,
    *,
    gaps: ArrayLike | None = None,
    last: int | None = None,
    features: ArrayLike | None = None,
    ridge_saw: str = "past",
) -> NextingErrors:
    r"""The error of predictions of a record, and of others of the same returns.

    - `running_mean`: the mean of all returns before the step, also of those that are not over yet:
      it is told what no learner can know.
    - `persistence`: c_t / (1 - gamma): all goes on as it is.
    - `ridge`: regression of the returns on features, the best that linear weights that stay as they
      are could do. With `ridge_saw="past"` it is fitted to what came before the last steps; with
      `"all"` to the evaluated steps as well, which no learner has seen when it predicts. The
      penalty of each demon is the best of a row of powers of ten on the last quarter of what it is
      fitted to, then it is fitted to all of that.

    **Arguments:** `signals` [T + 1, n]: at each step, NaN where one is missing; `predictions`
    [T, demons]: made at each of the first T steps; `gaps` [T]: transitions during which more
    happened than was seen, whose cumulants count as missing; `last`: evaluate so many of the last
    steps, default all; `features` [T, d]: for `ridge`.

    **Raises:** `ValueError` for shapes that do not fit.
    """
    c, v = np.asarray(signals, np.float64), np.asarray(predictions, np.float64)
    steps, n = len(c) - 1, len(spec)
    if c.ndim != 2 or v.shape != (steps, n):
        raise ValueError(
            f"`predictions` must have shape (T, {n}) for `signals` (T + 1, n), got {v.shape} "
            f"and {c.shape}."
        )
    if ridge_saw not in ("past", "all"):
        raise ValueError(f"`ridge_saw` must be 'past' or 'all', got {ridge_saw!r}.")
    evaluated = steps if last is None else int(last)
    if not 1 <= evaluated <= steps:
        raise ValueError(f"`last` must lie in 1 .. {steps}, got {last}.")
    gammas = np.asarray(spec.gammas, np.float64)
    of = np.asarray(spec.cumulant_indices)
    cumulants = c[1:][:, of]
    if gaps is not None:
        cumulants = np.where(np.asarray(gaps, bool)[:, None], np.nan, cumulants)
    returns = discounted_returns(cumulants, gammas)
    here = slice(steps - evaluated, steps)
    with np.errstate(divide="ignore"):
        still = c[:-1][:, of] / (1.0 - gammas)
    ridge = None
    if features is not None:
        x = np.asarray(features, np.float64)
        if x.ndim != 2 or len(x) != steps:
            raise ValueError(f"`features` must have shape ({steps}, d), got {x.shape}.")
        seen = steps if ridge_saw == "all" else steps - evaluated
        ridge = return_error(ridge_predictions(x, returns, seen)[here], returns[here])
    return NextingErrors(
        return_error(v[here], returns[here]),
        return_error(running_means(returns)[here], returns[here]),
        return_error(still[here], returns[here]),
        ridge,
    )


def running_means(returns: ArrayLike) -> NDArray[np.float64]:
    """The mean of the returns before each step [T, n]; at the first steps, with none before, NaN.
    Those that are NaN are left out."""
    g = np.asarray(returns, np.float64)
    count = np.cumsum(~np.isnan(g), 0)
    with np.errstate(invalid="ignore"):
        means = np.nancumsum(g, 0) / count
    return np.concatenate([np.full_like(g[:1], np.nan), means[:-1]])[: len(g)]


def ridge_predictions(
    features: ArrayLike,
    returns: ArrayLike,
    seen: int,
    penalties: Sequence[float] = tuple(10.0**k for k in range(-2, 6)),
) -> NDArray[np.float64]:
    """Of every step, by weights and an intercept fitted to the known returns of the first `seen`
    steps; each column with the penalty that is best on their last quarter.

    **Arguments:** `features` [T, d]; `returns` [T, n], NaN where unknown.

    **Returns:** [T, n]; NaN in a column of which too little is known.
    """
    x, g = np.asarray(features, np.float64), np.asarray(returns, np.float64)
    found = np.full_like(g, np.nan)
    held_out = seen - seen // 4
    # Columns with one pattern of known returns are solved together.
    known = ~np.isnan(g[:seen])
    patterns, which = np.unique(known, axis=1, return_inverse=True)
    for place in range(patterns.shape[1]):
        columns = np.flatnonzero(np.ravel(which) == place)
        rows = np.flatnonzero(patterns[:, place])
        first = rows[rows < held_out]
        if len(first) < 2 or len(first) == len(rows):
            continue
        targets = g[:, columns]
        tried = _ridge(x, targets, first, penalties)
        rest = rows[rows >= held_out]
        with np.errstate(invalid="ignore"):
            errors = np.stack([((p[rest] - targets[rest]) ** 2).mean(0) for p in tried])
        best = np.argmin(errors, 0)
        fitted = _ridge(x, targets, rows, penalties)
        for k, column in enumerate(columns):
            found[:, column] = fitted[best[k]][:, k]
    return found


def _ridge(x: Any, targets: Any, rows: Any, penalties: Sequence[float]) -> list[Any]:
    """The predictions for all steps with each penalty, from one decomposition."""
    mean, middle = x[rows].mean(0), targets[rows].mean(0)
    centred = x[rows] - mean
    sizes, axes = np.linalg.eigh(centred.T @ centred)
    along = axes.T @ (centred.T @ (targets[rows] - middle))
    shown = (x - mean) @ axes
    sizes = np.maximum(sizes, 0.0)[:, None]
    return [shown @ (along / (sizes + penalty)) + middle for penalty in penalties]
