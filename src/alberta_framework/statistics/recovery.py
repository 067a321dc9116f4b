"""What a change of the world costs an agent, and how long it takes to recover."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .recorded import require_steps, rewards_of
from .reward_rates import window_mean


def level_before(rewards: ArrayLike, change: int, steps: int) -> NDArray[np.float64]:
    """The mean reward of the `steps` steps before a change: the level l of the functions here.

    **Arguments:** `rewards` [..., T], see `lifetime_average`; `change`: the first step, counted
    from 0, at which the world is another: passed in, never detected; `steps` in 1 .. `change`.

    **Returns:** float64 [...]. Where a changed world allows another level, use that of a new agent
    that learned in it alone, and say so.
    """
    rewards = rewards_of(rewards)
    require_steps("change", change, high=rewards.shape[-1] - 1)
    require_steps("steps", steps, high=int(change))
    return np.mean(rewards[..., change - steps : change], axis=-1)


def dip(
    rewards: ArrayLike,
    change: int,
    *,
    horizon: int,
    window: int,
    level: ArrayLike,
    random_level: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """How far the mean of `window` rewards falls below the level after a change.

        l - min r_u,  r_u the mean of the last w rewards,  over u = tau + w - 1 .. tau + H - 1

    so that no window reaches back before the change. With `random_level` l0, the reward rate of the
    uniformly random policy, relative: divided by l - l0, and NaN where |l - l0| < 1e-8.

    **Arguments:** `rewards` [..., T]; `change` tau; `horizon` H; `window` w <= H; `level` l and
    `random_level` l0: numbers, or one for each life.

    **Returns:** float64 [...].
    """
    after = _means_after(rewards, change, horizon, window)
    level = np.asarray(level, np.float64)
    fallen = level - np.min(after, axis=-1)
    if random_level is None:
        return fallen
    span = level - np.asarray(random_level, np.float64)
    span = np.where(np.abs(span) < 1e-8, np.nan, span)
    return fallen / span


@dataclass(frozen=True)
class RecoveryTime:
    """How long lives took to recover: `steps`, the horizon where one was `censored`, having not
    recovered by then. Both [...], of each life.

    A mean over the recovered lives alone would flatter those that lose most: report the share of
    the censored beside the restricted mean.
    """

    steps: NDArray[np.float64]
    censored: NDArray[np.bool_]

    @property
    def restricted_mean(self) -> float:
        """The mean over all lives, a censored one counted with the horizon."""
        return float(np.mean(self.steps))

    @property
    def censored_share(self) -> float:
        """The share of lives that had not recovered."""
        return float(np.mean(self.censored))


def recovery_time(
    rewards: ArrayLike,
    change: int,
    *,
    horizon: int,
    window: int,
    level: ArrayLike,
    random_level: ArrayLike,
    fraction: float = 0.1,
) -> RecoveryTime:
    """After how many steps the mean of `window` rewards is back at the level, but for a fraction.

    The line is l - f (l - l0). The time is the least k >= w - 1 at which the mean of the last w
    rewards, up to step tau + k, is at the line or above after it was below; 0 if it never was; H,
    and censored, if it is not back by then.

    **Arguments:** as `dip`; `fraction` f in [0, 1], default 0.1.

    **Returns:** a `RecoveryTime`; NaN steps, not censored, for a life with a NaN there.
    """
    after = _means_after(rewards, change, horizon, window)
    if isinstance(fraction, bool) or not isinstance(fraction, float | int | np.number):
        raise TypeError(f"`fraction` must be a number in [0, 1], got {fraction!r}.")
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"`fraction` must lie in [0, 1], got {fraction}.")
    level = np.asarray(level, np.float64)
    line = level - fraction * (level - np.asarray(random_level, np.float64))
    # Equal rewards have equal means but for rounding, which decides nothing.
    slack = 1e-9 * np.maximum(np.abs(level), np.abs(line))
    at_line = after >= (line - slack)[..., None]
    fell = np.logical_or.accumulate(~at_line, axis=-1)
    back = at_line & fell
    censored = fell[..., -1] & ~back.any(axis=-1)
    steps = np.where(fell[..., -1], np.argmax(back, axis=-1) + window - 1.0, 0.0)
    steps = np.where(censored, float(horizon), steps)
    unknown = np.isnan(after).any(axis=-1) | np.isnan(line)
    return RecoveryTime(np.where(unknown, np.nan, steps), censored & ~unknown)


def loss_area(
    rewards: ArrayLike, change: int, *, horizon: int, level: ArrayLike
) -> NDArray[np.float64]:
    """The reward that a change costs: the sum of l - r_u over u = tau .. tau + H - 1, signed.

    **Arguments:** as `dip`.

    **Returns:** float64 [...]; negative for a life that does better than its level.
    """
    rewards = rewards_of(rewards)
    _require_horizon(rewards, change, horizon)
    after = rewards[..., change : change + horizon]
    return np.sum(np.asarray(level, np.float64)[..., None] - after, axis=-1)


def _means_after(rewards: ArrayLike, change: int, horizon: int, window: int) -> NDArray[np.float64]:
    """The means of those windows that lie within the horizon."""
    rewards = rewards_of(rewards)
    _require_horizon(rewards, change, horizon)
    require_steps("window", window, high=int(horizon))
    return window_mean(rewards[..., change : change + horizon], window)[..., window - 1 :]


def _require_horizon(rewards: NDArray, change: int, horizon: int) -> None:
    steps = rewards.shape[-1]
    require_steps("change", change, low=0, high=steps - 1)
    require_steps("horizon", horizon, high=steps - int(change))
