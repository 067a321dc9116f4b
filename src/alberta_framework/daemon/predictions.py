"""Events of learners that predict: an observation, and targets."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ..components.numbers import all_finite
from ..learners import is_judged, learned, rejections, with_step
from . import report
from .event_kind import AbstractEventKind, Turn
from .program import where
from .verdict import is_rejected, verdict

_OBSERVATIONS_KEPT = 256


class AbstractPredictionEvents(AbstractEventKind):
    """Predictions at an observation, and what to learn from its targets.

    A row that a program gives holds the predictions; one of a step also the `verdict` on it.

    - `targets_are_predicted`: whether a target is what the prediction of the same event is of, so
      that the two can be compared.
    - `n_targets`: how many targets an event may have, one for each prediction; or one, the number
      of a class.
    """

    targets_are_predicted: ClassVar[bool] = False
    n_targets: int

    def __init__(self, learner: Any, state: Any, feature_dim: int):
        super().__init__(learner, state, feature_dim)
        self._ring = np.zeros((_OBSERVATIONS_KEPT, feature_dim), np.float32)
        self._seen = 0

    @abstractmethod
    def turn(
        self, carried: Any, observation: np.ndarray, targets: np.ndarray, terminated: bool
    ) -> Turn:
        """What an event with targets does; no program is running."""

    @abstractmethod
    def _learning(self) -> tuple[Callable, int]:
        """The function of a step, and how many numbers it takes besides targets."""

    def predicted(self, words: Any, observation: np.ndarray) -> np.ndarray:
        """The predictions [heads]; nothing changes."""
        return np.asarray(self.programs.call(self._predict, words, observation))

    def allows(self, targets: np.ndarray) -> bool:
        """Whether an event with such targets, and sound otherwise, would be learned from."""
        return not np.isinf(targets).any() and self.learner.disallowed(targets) is None

    def told(self, turn: Turn, found: np.ndarray) -> tuple[np.ndarray, bool]:
        """The predictions, and whether the event was rejected: what begins an episode is not."""
        return (found[:-1], is_rejected(found.item(-1))) if turn.changes else (found, False)

    def said(self, found: np.ndarray) -> float:
        return found.item(-1)

    def note(self, observation: np.ndarray) -> None:
        """Keep an observation for reports."""
        self._ring[self._seen % _OBSERVATIONS_KEPT] = observation
        self._seen += 1

    def report(
        self,
        state: Any,
        carried: Any,
        features: Sequence[str] | None,
        heads: Sequence[str] | None,
    ) -> dict[str, Any]:
        seen = self._ring[: min(self._seen, _OBSERVATIONS_KEPT)].copy()
        return {
            "relevance": report.relevance(self.learner, state, features, heads),
            "plasticity": report.plasticity(self.learner, state, seen, _OBSERVATIONS_KEPT),
        }

    def warm_up_report(self, state: Any) -> None:
        report.relevance(self.learner, state, None, None)
        any_observation = np.zeros((1, self.feature_dim), np.float32)
        report.plasticity(self.learner, state, any_observation, _OBSERVATIONS_KEPT)

    def stored(self, carried: Any) -> dict[str, Any]:
        last = self.last_observation(carried)
        return {"last_observation": None if last is None else [float(value) for value in last]}

    def _prepared(self, state: Any) -> int:
        self._predict = self.programs.reading(_predict)
        words = self.programs.packed(state)
        heads = self.predicted(words, np.zeros(self.feature_dim, np.float32)).size
        learning, more = self._learning()
        self._learn = self.programs.changing(learning)
        self.n_targets = heads if self.learner.target_classes is None else 1
        self._numbers = np.zeros(self.n_targets + more, np.float32)
        self._warm_up(state, self._learn, numbers=self._numbers)
        return heads


def judged(learner: Any, state: Any, experience: Any) -> tuple[Any, Any]:
    """The state after a step, and whether it was rejected.

    One that does not judge its steps may not know what is no number: then the step is judged here,
    by what came and what it made of the state, and counted.
    """
    after, _ = learned(learner, state, experience)
    if is_judged(state, after):
        return after, rejections(after) != rejections(state)
    accepted = all_finite((experience.observation, after))
    return with_step(where(accepted, after, state), accepted), ~accepted


def row_of(learner: Any, predictions: Any, rejected: Any, observation: Any, targets: Any) -> Any:
    """What a step gives."""
    sound = all_finite(observation) & ~jnp.any(jnp.isinf(targets)) & learner.allows(targets)
    said = verdict(rejected, sound, jnp.any(~jnp.isnan(targets)))
    return jnp.append(predictions, said.astype(jnp.float32))


def _predict(learner: Any, state: Any, observation: Any) -> Any:
    found = learner.predict(state, observation)
    if not isinstance(found, jax.Array | np.ndarray | float | int):
        raise TypeError(
            f"{type(learner).__name__}: `predict` must return a number, or an array of them, one "
            f"for each head, got {found!r:.200}."
        )
    return jnp.ravel(found)
