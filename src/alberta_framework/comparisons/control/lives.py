"""The lives of one agent at every point and seed: how far they are, and what they gave."""

import abc
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
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
    def _agent_states(self) -> Any:
        """The agents as they are, those of all lives along the first axis."""

    @property
    @abc.abstractmethod
    def _going_on(self) -> np.ndarray:
        """The rewards of each life since its last episode."""

    @property
    def lived(self) -> int:
        """How many steps each life has had, those that rest included."""
        return self._lived

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
        returns, steps, terminated = self._episodes.arrays(self._extent.whole(self.finished))
        lived = self._extent.lived(steps, self._lived)
        # An episode that goes on has rewards too, but no return.
        rest = np.where(lived > steps.sum(axis=-1), self._going_on, 0.0)
        return of_lives(
            self._points, returns, steps, terminated, self._rejected, lived, self._diverged, rest
        )

    def saved(self) -> dict[str, Any]:
        """All that is to be known to go on, of arrays of NumPy.

        **Raises:** `TypeError` where it cannot be known.
        """
        return {
            "lived": self._lived,
            "rejected": self._rejected.copy(),
            "episodes": self._episodes.saved(),
            "states": self._saved_states(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """As it was when it was saved."""
        self._lived, self._rejected = int(saved["lived"]), np.array(saved["rejected"])
        self._episodes.restore(saved["episodes"])
        self._restore_states(saved["states"])

    @abc.abstractmethod
    def _saved_states(self) -> list[np.ndarray]:
        """The states of agents and environments."""

    @abc.abstractmethod
    def _restore_states(self, saved: Sequence[np.ndarray]) -> None:
        """As they were when they were saved."""

    def _note_nan_at_birth(self) -> None:
        """Some agents keep NaN for what is not known yet."""
        self._born_nan = _nan(self._agent_states)

    @property
    def _diverged(self) -> np.ndarray:
        """Of each life whether a number of its agent became NaN that was one at birth."""
        now = _nan(self._agent_states)
        found = [new & ~old for new, old in zip(now, self._born_nan, strict=True)]
        return np.any(found, axis=0) if found else np.zeros(len(self._seeds), np.bool_)


def _nan(agent_states: Any) -> list[np.ndarray]:
    """Of each leaf of numbers whether it holds a NaN, by lives."""
    leaves = [leaf for leaf in jax.tree.leaves(agent_states) if eqx.is_inexact_array(leaf)]
    flat = (np.asarray(leaf).reshape(len(leaf), -1) for leaf in leaves)
    return [np.asarray(np.isnan(leaf).any(axis=1)) for leaf in flat]
