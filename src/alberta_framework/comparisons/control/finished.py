"""The finished episodes of lives side by side, however many there are."""

import numpy as np
from numpy.typing import NDArray

_RECENT = 50


class FinishedEpisodes:
    """The return and the length of every episode of each life, in their order."""

    def __init__(self, lives: int):
        self.counts = np.zeros(lives, np.int64)
        self._returns = np.full((lives, 64), np.nan)
        self._steps = np.zeros((lives, 64), np.int64)

    def add(self, life: int, returns: NDArray, steps: NDArray) -> None:
        """Note the next episodes of a life."""
        done = int(self.counts[life])
        last = done + len(returns)
        room = self._returns.shape[1]
        if last > room:
            more = ((0, 0), (0, max(room, last - room)))
            self._returns = np.pad(self._returns, more, constant_values=np.nan)
            self._steps = np.pad(self._steps, more)
        self._returns[life, done:last], self._steps[life, done:last] = returns, steps
        self.counts[life] = last

    def arrays(self, episodes: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Returns and lengths [lives, episodes] of the first `episodes` of each life; NaN and 0
        where it has fewer."""
        return self._returns[:, :episodes].copy(), self._steps[:, :episodes].copy()

    def recent_return(self) -> float | None:
        """The mean over the last 50 episodes of each life; None before the first."""
        room = min(_RECENT, self._returns.shape[1])
        places = self.counts[:, None] - 1 - np.arange(room)
        recent = np.take_along_axis(self._returns, np.maximum(places, 0), axis=1)
        there, began = places >= 0, self.counts > 0
        if not began.any():
            return None
        sums, counts = np.where(there, recent, 0.0).sum(axis=1), there.sum(axis=1)
        return float(np.mean(sums[began] / counts[began]))
