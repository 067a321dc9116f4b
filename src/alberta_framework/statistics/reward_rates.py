"""How much an agent gets: averages of recorded rewards over a life, of late, and over windows."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .error_curves import compute_running_mean
from .recorded import require_part, require_steps, rewards_of


def lifetime_average(rewards: ArrayLike) -> NDArray[np.float64]:
    """(1/T) sum of r_t over all T steps of a life, exploration and early learning included.

    **Arguments:** `rewards` [..., T]: the rewards of the environment, one for each step, as
    `result.metrics["reward"]`; of several lives along leading axes. Not returns of episodes, which
    weigh steps by how episodes end.

    **Returns:** float64 [...]; NaN for a life with a NaN, as everywhere here: leave out first what
    was no step.

    **Raises:** `TypeError`, `ValueError` for what is no rewards.
    """
    return np.mean(rewards_of(rewards), axis=-1)


def reward_rate(rewards: ArrayLike, beta: float = 1e-3) -> NDArray[np.float64]:
    """The reward rate at every step: an exponential average without a bias to its start.

        o <- o + beta (1 - o),   rate <- rate + (beta / o) (r_t - rate),   from o = rate = 0

    So the rate of a constant is that constant from the first step on. Its last value at 1e-3 is
    `InteractResult.reward_rate`.

    **Arguments:** `rewards` [..., T]; `beta` in (0, 1], about 1 / beta steps count.

    **Returns:** float64 [..., T].
    """
    rewards = rewards_of(rewards)
    if isinstance(beta, bool) or not isinstance(beta, float | int | np.number):
        raise TypeError(f"`beta` must be a number in (0, 1], got {beta!r}.")
    if not 0.0 < beta <= 1.0:
        raise ValueError(f"`beta` must lie in (0, 1], got {beta}.")
    if beta == 1.0:
        return rewards.copy()
    # rate_t = beta sum_i (1 - beta)^(t-i) r_i / (1 - (1 - beta)^t), so many steps at once that
    # (1 - beta)^-i stays below e^3.
    fade = np.log1p(-beta)
    length = max(1, int(3.0 / -fade))
    rates, total = np.empty_like(rewards), np.zeros(rewards.shape[:-1])
    for begin in range(0, rewards.shape[-1], length):
        part = rewards[..., begin : begin + length]
        within = np.arange(1, part.shape[-1] + 1)
        with np.errstate(invalid="ignore", over="ignore"):
            sums = np.cumsum(beta * part * np.exp(-fade * within), axis=-1)
            totals = np.exp(fade * within) * (total[..., None] + sums)
            rates[..., begin : begin + length] = totals / -np.expm1(fade * (begin + within))
        total = totals[..., -1]
    return rates


def window_mean(rewards: ArrayLike, window: int) -> NDArray[np.float64]:
    """The mean of the last `window` rewards at every step; NaN before there are so many.

    **Arguments:** `rewards` [..., T]; `window` >= 1, at most T.

    **Returns:** float64 [..., T].
    """
    rewards = rewards_of(rewards)
    require_steps("window", window, high=rewards.shape[-1])
    means = compute_running_mean(rewards, window)
    means[..., : window - 1] = np.nan
    return means


def area_under(rewards: ArrayLike, start: int, stop: int) -> NDArray[np.float64]:
    """The mean reward of the steps `start` .. `stop` - 1: the area under the curve, for each step.

    **Arguments:** `rewards` [..., T]; 0 <= `start` < `stop` <= T, steps counted from 0.

    **Returns:** float64 [...].
    """
    rewards = rewards_of(rewards)
    require_part(rewards, "start", start, "stop", stop)
    return np.mean(rewards[..., start:stop], axis=-1)
