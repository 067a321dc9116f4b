"""Events as examples: predict, then learn."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..experience import MultiHeadStep, TimeStep
from ..learners import experience_of
from .event_kind import Turn
from .predictions import AbstractPredictionEvents, judged, row_of


class ExampleEvents(AbstractPredictionEvents):
    """Each event is an example by itself: nothing is carried on but the learner's state."""

    targets_are_predicted = True

    def turn(
        self, carried: Any, observation: np.ndarray, targets: np.ndarray, terminated: bool
    ) -> Turn:
        del carried, terminated
        numbers, n = self._numbers, self.feature_dim
        numbers[:n], numbers[n:] = observation, targets
        return Turn(self._learn, numbers, True, None)

    def restored(self, stored: dict[str, Any]) -> None:
        del stored

    def _learning(self) -> tuple[Callable, int]:
        several = experience_of(self.learner) is MultiHeadStep
        kind, n = MultiHeadStep if several else TimeStep, self.feature_dim

        def learn(learner, state, numbers):
            """The prediction is made with the statistics before this example."""
            observation, targets = numbers[:n], numbers[n:]
            predictions = jnp.ravel(learner.predict(state, observation))
            state, rejected = judged(learner, state, kind(observation, targets))
            return state, row_of(learner, predictions, rejected, observation, targets)

        return learn, n
