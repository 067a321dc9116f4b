"""What a loop asks of a learner."""

import abc
from typing import Any, Generic, TypeVar

from .._component import AbstractComponent
from .._state import AbstractState

State = TypeVar("State", bound=AbstractState)
Experience = TypeVar("Experience", bound=AbstractState)


class AbstractLearner(AbstractComponent, Generic[State, Experience]):
    """Predicts, and learns from one unit of experience at a time."""

    @abc.abstractmethod
    def learn(self, state: State, experience: Experience) -> tuple[State, Any]:
        """The state after learning from `experience`, and what a loop records of the step."""
