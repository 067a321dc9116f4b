"""Passages of an environment as features and targets."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .prediction_mode import PredictionMode, prediction_mode
from .walk import Passage

ValueEstimator = Callable[[np.ndarray], Any]


def require_gamma(owner: str, gamma: Any) -> float:
    """Check that the discount is a number in [0, 1]."""
    if isinstance(gamma, bool) or not isinstance(gamma, int | float | np.number):
        raise TypeError(f"{owner}: `gamma` must be a number in [0, 1], got {gamma!r}.")
    number = float(gamma)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{owner}: `gamma` must lie in [0, 1], got {gamma}.")
    return number


def require_estimator(owner: str, name: str, estimator: Any) -> None:
    """Check that a value function is callable."""
    if not callable(estimator):
        raise TypeError(f"{owner}: `{name}` must be callable, got {estimator!r}.")


class Supervision:
    """How features and target are made of a passage.

    The estimator gets the features of the next step, with the action picked there where features
    hold actions, and is not asked after a termination of a single environment. Without one, the
    value of what follows is 0.
    """

    def __init__(
        self,
        owner: str,
        mode: PredictionMode | str,
        gamma: float,
        include_actions: bool,
        estimator: ValueEstimator | None = None,
    ):
        self.mode = prediction_mode(mode)
        self.gamma = require_gamma(owner, gamma)
        self.include_actions = include_actions
        self.estimator = estimator

    @property
    def look_ahead(self) -> bool:
        """Whether the target needs the action of the next step."""
        return self.include_actions and self.mode is PredictionMode.VALUE

    def features(self, observation: np.ndarray, action: np.ndarray | None) -> np.ndarray:
        if not self.include_actions or action is None:
            return observation
        return np.concatenate([observation, action], axis=-1)

    def target(self, passage: Passage, lead: tuple[int, ...]) -> Any:
        """What fills a row [*lead, k] of targets; a number where a single environment has k = 1.

        NaN, which no learner learns from, where the passage is not valid.
        """
        if self.mode is PredictionMode.NEXT_STATE:
            target = passage.next_observation
        elif self.mode is PredictionMode.VALUE and self.estimator is not None:
            target = self._backed_up(passage, lead)
        else:
            target = passage.reward
        if not lead:
            return target
        target = np.reshape(target, (*lead, -1))
        return np.where(passage.valid[:, None], target, np.float32(np.nan))

    def _backed_up(self, passage: Passage, lead: tuple[int, ...]) -> Any:
        if not lead and passage.terminated:
            return passage.reward
        assert self.estimator is not None
        following = self.features(passage.next_observation, passage.next_action)
        values = np.asarray(self.estimator(following))
        if values.size != math.prod(lead):
            needed = f"one value for each of {lead[0]} copies" if lead else "one number"
            raise ValueError(f"The value estimator must return {needed}, got shape {values.shape}.")
        values = values.astype(np.float64).reshape(lead)
        if not lead:
            return passage.reward + self.gamma * float(values)
        return passage.reward + np.where(passage.terminated, 0.0, self.gamma * values)
