"""Events as transitions: learn from the last observation to this one, then predict here."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..components.numbers import all_finite, f32
from ..experience import DemonStep, TDTimeStep
from ..learners import experience_of
from .event_kind import Turn
from .predictions import AbstractPredictionEvents, judged, row_of
from .program import where


class TransitionEvents(AbstractPredictionEvents):
    """The last observation is carried on; None where an episode begins with the next one.

    **Arguments:** `gamma`: the discount of a learner of `TDTimeStep`s.
    """

    learns_transitions = True

    def __init__(self, learner: Any, state: Any, feature_dim: int, gamma: float | None):
        self.gamma = gamma
        super().__init__(learner, state, feature_dim)

    def turn(
        self,
        carried: np.ndarray | None,
        observation: np.ndarray,
        targets: np.ndarray,
        terminated: bool,
    ) -> Turn:
        sound = bool(np.isfinite(observation).all())
        following = None if terminated or not sound else observation.copy()
        if carried is None and sound:
            # Nothing leads here yet: the episode begins.
            return Turn(self._predict, observation, False, following)
        # What is not finite is rejected and counted, whether something leads here or not.
        last = observation if carried is None else carried
        numbers, n = self._numbers, self.feature_dim
        numbers[:n], numbers[n : 2 * n] = last, observation
        numbers[2 * n : -1], numbers[-1] = targets, terminated
        return Turn(self._learn, numbers, True, following)

    def last_observation(self, carried: np.ndarray | None) -> np.ndarray | None:
        return carried

    def recovered(self, state: Any, carried: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
        """The traces are of other transitions than the next one follows."""
        return self.learner.reset_traces(state), carried

    def restored(self, stored: dict[str, Any]) -> np.ndarray | None:
        last = stored.get("last_observation")
        return None if last is None else np.asarray(last, np.float32)

    def _learning(self) -> tuple[Callable, int]:
        of_demons, n = experience_of(self.learner) is DemonStep, self.feature_dim
        gamma = f32(self.gamma or 0.0)

        def learn(learner, state, numbers):
            """After a rejected transition the traces are cut: what was lost is never bridged. So
            they are after one whose single cumulant is missing, which is nothing to learn, and not
            rejected."""
            last, observation = jnp.reshape(numbers[: 2 * n], (2, n))
            cumulants, terminated = numbers[2 * n : -1], numbers[-1]
            sound = all_finite(observation)
            if of_demons:
                experience = DemonStep(last, cumulants, observation, terminated=terminated)
                after, rejected = judged(learner, state, experience)
                lost = rejected
            else:
                discount = jnp.where(terminated != 0.0, 0.0, gamma)
                experience = TDTimeStep(last, cumulants[0], observation, discount)
                after, rejected = judged(learner, state, experience)
                missing = jnp.isnan(cumulants[0]) & sound
                after = where(missing, state, after)
                lost, rejected = rejected | missing, rejected & ~missing
            state = where(lost, learner.reset_traces(after), after)
            predictions = jnp.ravel(learner.predict(state, observation))
            predictions = jnp.where(sound, predictions, jnp.nan)
            return state, row_of(learner, predictions, rejected, observation, cumulants)

        return learn, 2 * n + 1
