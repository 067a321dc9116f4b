"""The lives of one agent at every point and seed: how far they are, and what they gave."""

import abc

import numpy as np

from ..contender import Contender
from .comparison import ControlComparison
from .finished import FinishedEpisodes
from .result import AgentResult, of_lives


class AbstractLives(abc.ABC):
    """One agent at every point and seed, point by point, side by side in one environment.

    Episodes are kept until a life has had what the comparison asks of it.
    """

    def __init__(self, comparison: ControlComparison, contender: Contender):
        self._points, self._extent = contender.points, comparison.extent
        count = len(self._points) * comparison.seeds
        self._seeds = np.tile(np.arange(comparison.seeds), len(self._points))
        self._episodes, self._lived = FinishedEpisodes(count), 0
        self._rejected = np.zeros(count, np.int64)

    @abc.abstractmethod
    def advance(self) -> None:
        """Some more steps of every life that has something to go."""

    @abc.abstractmethod
    def close(self) -> None:
        """Close what is open."""

    @property
    @abc.abstractmethod
    def _going_on(self) -> np.ndarray:
        """The rewards of each life since its last episode."""

    @property
    def finished(self) -> np.ndarray:
        """How many episodes of each life are kept."""
        return self._episodes.counts

    @property
    def done(self) -> np.ndarray:
        """How much each life has had of what is asked of it."""
        return self._extent.done(self.finished, np.full(len(self.finished), self._lived))

    @property
    def active(self) -> np.ndarray:
        """Which lives have something to go."""
        return self.done < self._extent.count

    def recent_return(self) -> float | None:
        """The mean over the last 50 episodes of each life; None before the first."""
        return self._episodes.recent_return()

    def result(self) -> AgentResult:
        """Of what every life has had."""
        returns, steps = self._episodes.arrays(self._extent.whole(self.finished))
        lived = self._extent.lived(steps, self._lived)
        # An episode that goes on has rewards too, but no return.
        rest = np.where(lived > steps.sum(axis=-1), self._going_on, 0.0)
        return of_lives(self._points, returns, steps, self._rejected, lived, rest)
