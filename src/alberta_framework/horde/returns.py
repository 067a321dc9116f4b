"""What demons predict, once it has happened: returns, and how far predictions were from them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def discounted_returns(
    cumulants: ArrayLike,
    gammas: ArrayLike,
    boundaries: ArrayLike | None = None,
    *,
    horizon: float = 5.0,
) -> NDArray[np.float64]:
    r"""The return that followed each step of a record, computed backwards in float64:

        G_t = c_t + gamma_t G_(t+1)

    where c_t came with transition t. What is not known has no return but NaN: the future of the
    last transitions of a record, of those before a truncation and of those before a NaN cumulant. A
    return counts as known when `horizon` time constants 1 / (1 - gamma) of it were seen, so that at
    most exp(-horizon) of the weight of its cumulants is missing (which counts as 0); or all of it,
    to a discount of 0.

    **Arguments:** `cumulants` [T] or [T, n]; `gammas`: the discount of each transition, 0 where the
    episode terminated, broadcast to the cumulants: one number, [n], [T, 1] or [T, n]; of cumulants
    [T] also [T]; all in [0, 1]. `boundaries` [T]: where what comes next belongs to another episode;
    with a discount above 0 the episode was truncated there. `horizon` >= 0; 0 keeps every return.

    **Returns:** an array of the shape of `cumulants`.

    **Raises:** `ValueError` for a discount out of range, or shapes that do not fit.
    """
    c = np.asarray(cumulants, np.float64)
    if c.ndim not in (1, 2):
        raise ValueError(f"`cumulants` must have shape (T,) or (T, n), got {c.shape}.")
    g = np.asarray(gammas, np.float64)
    if not ((g >= 0.0) & (g <= 1.0)).all():
        raise ValueError(f"`gammas` must lie in [0, 1], got {g[~((g >= 0.0) & (g <= 1.0))][0]}.")
    try:
        g = np.broadcast_to(g, c.shape)
    except ValueError:
        raise ValueError(f"`gammas` must broadcast to {c.shape}, got {g.shape}.") from None
    cuts = np.zeros(c.shape[:1], bool) if boundaries is None else np.asarray(boundaries, bool)
    if cuts.shape != c.shape[:1]:
        raise ValueError(f"`boundaries` must have shape {c.shape[:1]}, got {cuts.shape}.")
    if not horizon >= 0.0:
        raise ValueError(f"`horizon` must be >= 0, got {horizon}.")

    returns, missing = np.empty_like(c), np.isnan(c)
    ahead, seen = np.zeros(c.shape[1:]), np.zeros(c.shape[1:])
    for t in range(len(c) - 1, -1, -1):
        if cuts[t]:  # what follows belongs to another episode
            ahead, seen = np.zeros_like(ahead), np.zeros_like(seen)
        ahead = np.where(missing[t], 0.0, c[t] + g[t] * ahead)
        seen = np.where(missing[t], 0.0, np.where(g[t] == 0.0, np.inf, seen + (1.0 - g[t])))
        known = ~missing[t] & (seen >= horizon * (1.0 - 1e-9))  # sums of (1 - gamma) round
        returns[t] = np.where(known, ahead, np.nan)
    return returns


def return_error(predictions: ArrayLike, returns: ArrayLike) -> Any:
    """RMSE / std(G) of predictions of returns: 0 is perfect, and always predicting the mean is 1.

    Steps where either is NaN are left out.

    **Arguments:** `predictions`, `returns` [T] or [T, n].

    **Returns:** one number, or [n]; NaN where the returns do not vary or none is known.

    **Raises:** `ValueError` unless both have one shape.
    """
    v, g = np.asarray(predictions, np.float64), np.asarray(returns, np.float64)
    if v.shape != g.shape or g.ndim not in (1, 2):
        raise ValueError(
            "`predictions` and `returns` must have one shape, (T,) or (T, n), got "
            f"{v.shape} and {g.shape}."
        )
    known = ~(np.isnan(v) | np.isnan(g))
    count = known.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = np.where(known, (v - g) ** 2, 0.0).sum(0) / count
        mean = np.where(known, g, 0.0).sum(0) / count
        spread = np.sqrt(np.where(known, (g - mean) ** 2, 0.0).sum(0) / count)
        # The spread of equal numbers is what their mean was rounded by.
        varies = spread > 1e-12 * np.abs(mean)
        return np.where(varies, np.sqrt(squared) / np.where(varies, spread, 1.0), np.nan)[()]
