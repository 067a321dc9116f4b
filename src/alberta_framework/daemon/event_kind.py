"""What events are to a learner: the part of a daemon that differs from one kind to another."""

import abc
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np

from .program import Programs


class Turn(NamedTuple):
    """What an event does: a program on numbers, which changes the state or only reads it, and what
    the daemon carries on from it to the next event besides the state."""

    program: Callable
    numbers: np.ndarray
    changes: bool
    carried: Any


class AbstractEventKind(abc.ABC):
    """The programs of a learner, and how its events become calls of them.

    What it carries from event to event besides the learner's state is its own; never changed, only
    replaced, so that an event which is interrupted can be undone.

    - `begun`: what is carried before the first event.
    - `n_heads`: how many predictions an event gives.
    """

    acts: ClassVar[bool] = False
    learns_transitions: ClassVar[bool] = False
    begun: ClassVar[Any] = None

    def __init__(self, learner: Any, state: Any, feature_dim: int):
        self.learner, self.feature_dim = learner, feature_dim
        self.name = type(learner).__name__
        self.programs = Programs(learner, state)
        self.n_heads = self._prepared(state)

    @abc.abstractmethod
    def _prepared(self, state: Any) -> int:
        """Compile what events need; the number of heads."""

    def last_observation(self, carried: Any) -> np.ndarray | None:
        """Where the next transition begins, if one is to be learned from here."""
        del carried
        return None

    def concluded(self, carried: Any, found: np.ndarray) -> Any:
        """What is carried on once it is known what the program found."""
        del found
        return carried

    @abc.abstractmethod
    def said(self, found: np.ndarray) -> float:
        """The `verdict` in the row that a program gave which changes the state."""

    def recovered(self, state: Any, carried: Any) -> tuple[Any, Any]:
        """A state from another time, made to go on here, and what is carried on with it."""
        return state, carried

    @abc.abstractmethod
    def stored(self, carried: Any) -> dict[str, Any]:
        """As JSON values for the checkpoint, under names that are this kind's own."""

    @abc.abstractmethod
    def restored(self, stored: dict[str, Any]) -> Any:
        """What was carried when the checkpoint was written; `begun` if it does not tell."""

    @abc.abstractmethod
    def report(
        self,
        state: Any,
        carried: Any,
        features: Sequence[str] | None,
        heads: Sequence[str] | None,
    ) -> dict[str, Any]:
        """What a report tells of this kind alone."""

    @abc.abstractmethod
    def warm_up_report(self, state: Any) -> None:
        """Compile what `report` needs."""

    def _warm_up(self, state: Any, *programs: Callable, numbers: np.ndarray) -> None:
        """Call each on words as they are at first, and on words that a step gave."""
        for program in programs:
            words = self.programs.packed(state)
            for _ in range(2):
                words, _ = self.programs.call(program, words, numbers)
            jax.block_until_ready(words)
