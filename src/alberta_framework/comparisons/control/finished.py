"""The finished episodes of lives side by side, however many there are."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_RECENT = 50


class FinishedEpisodes:
    """The return and the length of every episode of each life, in their order, and whether it was
    terminated or cut."""

    def __init__(self, lives: int):
        self.counts = np.zeros(lives, np.int64)
        self._returns = np.full((lives, 64), np.nan)
        self._steps = np.zeros((lives, 64), np.int64)
        self._terminated = np.zeros((lives, 64), np.bool_)

    def add(self, life: int, returns: NDArray, steps: NDArray, terminated: NDArray) -> None:
        """Note the next episodes of a life."""
        done = int(self.counts[life])
        last = done + len(returns)
        room = self._returns.shape[1]
        if last > room:
            more = ((0, 0), (0, max(room, last - room)))
            self._returns = np.pad(self._returns, more, constant_values=np.nan)
            self._steps = np.pad(self._steps, more)
            self._terminated = np.pad(self._terminated, more)
        self._returns[life, done:last], self._steps[life, done:last] = returns, steps
        self._terminated[life, done:last] = terminated
        self.counts[life] = last

    def arrays(
        self, episodes: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
        """Returns, lengths and whether they terminated [lives, episodes] of the first `episodes` of
        each life; NaN, 0 and False where it has fewer."""
        returns, steps = self._returns[:, :episodes].copy(), self._steps[:, :episodes].copy()
        return returns, steps, self._terminated[:, :episodes].copy()

    def saved(self) -> dict[str, NDArray]:
        """All of them, for a checkpoint."""
        kept = zip(
            ("returns", "steps", "terminated"), self.arrays(int(self.counts.max())), strict=True
        )
        return {"counts": self.counts.copy(), **dict(kept)}

    def restore(self, saved: Mapping[str, NDArray]) -> None:
        """As they were when they were saved."""
        # Copies: what a checkpoint gives may not be written to.
        self.counts = np.array(saved["counts"])
        self._returns, self._steps = np.array(saved["returns"]), np.array(saved["steps"])
        self._terminated = np.array(saved["terminated"])

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
