"""What a loop on the host writes down: metrics, episodes, and the running reward rate."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...learners import Metrics
from ...lives import Episodes
from ...lives.life import RATE


class Lived(NamedTuple):
    """What one step of an environment gave: numbers; of several copies arrays, them as first axis.

    `metrics` [numbers] of the agent, and whether it `rejected` the step; where not `valid`, a copy
    only reset itself.
    """

    metrics: np.ndarray
    reward: Any
    terminated: Any
    truncated: Any
    valid: Any
    rejected: Any


class Log:
    """The record of a life on the host, or of `copies` of them."""

    def __init__(self, copies: int | None, episodes: int, every: int, window: int | None):
        self._copies, self._every, self._window = copies, every, window
        count = copies or 1
        self._returns, self._lengths = np.zeros(count), np.zeros(count, np.int64)
        self._ended: list[deque] = [deque(maxlen=episodes) for _ in range(count)]
        self._counts, self._rejected = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._rate, self._weight = np.zeros(count), np.zeros(count)
        self.steps_done = 0
        self._rows: list[np.ndarray] = []
        self._in_window: list[np.ndarray] = []

    def note(self, step: int, lived: Lived) -> None:
        """Write down a step."""
        self.steps_done = step + 1
        (self._note_one if self._copies is None else self._note_all)(step, lived)

    def _note_one(self, step: int, lived: Lived) -> None:
        """`_note_all` of a single life, by Python's numbers: NumPy's take longer than a step of a
        small agent."""
        reward, over = float(lived.reward), bool(lived.terminated or lived.truncated)
        earned, length = float(self._returns[0]) + reward, int(self._lengths[0]) + 1
        if math.isfinite(reward):
            weight, rate = float(self._weight[0]), float(self._rate[0])
            self._weight[0] = weight = weight + RATE * (1.0 - weight)
            self._rate[0] = rate + RATE / weight * (reward - rate)
        count = len(lived.metrics)
        row = np.empty((1, count + 3), np.float32)
        row[0, :count] = lived.metrics
        row[0, count:] = (reward, earned, length) if over else (reward, math.nan, math.nan)
        self._record(step, row)
        self._rejected[0] += lived.rejected
        if over:
            self._ended[0].append((earned, length, bool(lived.terminated), step))
            self._counts[0] += 1
            earned, length = 0.0, 0
        self._returns[0], self._lengths[0] = earned, length

    def _note_all(self, step: int, lived: Lived) -> None:
        rewards, valid = np.atleast_1d(lived.reward), np.atleast_1d(lived.valid)
        over = np.atleast_1d(lived.terminated | lived.truncated) & valid
        self._returns += np.where(valid, rewards, 0.0)
        self._lengths += valid
        seen = valid & np.isfinite(rewards)
        weight = self._weight + RATE * (1.0 - self._weight)
        with np.errstate(invalid="ignore"):
            rate = self._rate + RATE / weight * (rewards - self._rate)
        self._weight = np.where(seen, weight, self._weight)
        self._rate = np.where(seen, rate, self._rate)
        episode = np.where(over, [self._returns, self._lengths], np.nan)
        own = [np.where(valid, rewards, np.nan), *episode]
        row = np.column_stack([np.reshape(lived.metrics, (len(valid), -1)), *own])
        self._record(step, row.astype(np.float32))
        for i in np.flatnonzero(over):
            ended = self._returns[i], self._lengths[i], np.atleast_1d(lived.terminated)[i], step
            self._ended[i].append(ended)
        self._counts += over
        self._rejected += np.atleast_1d(lived.rejected) & valid
        self._returns[over], self._lengths[over] = 0.0, 0

    def _record(self, step: int, row: np.ndarray) -> None:
        if self._window is None:
            if step % self._every == 0:
                self._rows.append(row)
            return
        self._in_window.append(row)
        if len(self._in_window) == self._window:
            self._end_window()

    def _end_window(self) -> None:
        rows = np.asarray(self._in_window, np.float64)
        present = ~np.isnan(rows)
        with np.errstate(invalid="ignore"):
            mean = np.where(present, rows, 0.0).sum(0) / present.sum(0)
        self._rows.append(mean.astype(np.float32))
        self._in_window = []

    def metrics(self, names: Sequence[tuple[str, tuple[int, ...]]]) -> Metrics:
        """The recorded numbers by name; of copies, with them as first axis."""
        if self._in_window:
            self._end_window()
        names = [*names, ("reward", ()), ("episode_return", ()), ("episode_length", ())]
        sizes = [int(np.prod(shape, dtype=int)) for _, shape in names]
        count = len(self._returns)
        rows = np.asarray(self._rows, np.float32).reshape(len(self._rows), count, sum(sizes))
        found, start = {}, 0
        for (name, shape), size in zip(names, sizes, strict=True):
            values = rows[..., start : start + size].reshape(*rows.shape[:2], *shape)
            found[name] = values[:, 0] if self._copies is None else np.swapaxes(values, 0, 1)
            start += size
        return Metrics(found)

    @property
    def reward_rate(self) -> np.ndarray:
        return self._alone(self._rate.astype(np.float32))

    @property
    def rejected(self) -> int | np.ndarray:
        return int(self._rejected[0]) if self._copies is None else self._rejected

    def episodes(self) -> Episodes:
        """The last episodes, the oldest first."""
        longest = max(map(len, self._ended))
        blank = (np.nan, 0, False, -1)
        rows = [[blank] * (longest - len(ended)) + list(ended) for ended in self._ended]
        columns = np.array(rows, np.float64).reshape(len(rows), longest, 4)
        returns, lengths, terminated, ended_at = (
            self._alone(columns[..., i].astype(kind))
            for i, kind in enumerate((np.float32, np.int32, bool, np.int32))
        )
        counts = self._alone(self._counts.astype(np.int32))
        return Episodes(returns, lengths, terminated, ended_at, counts)

    def _alone(self, array: np.ndarray) -> np.ndarray:
        return array[0] if self._copies is None else array
