"""What a loop asks of a learner."""

import abc
from typing import Any, Generic, TypeVar

from jaxtyping import Array

from .._component import AbstractComponent
from .._state import AbstractState
from .metrics import MetricParts, own_names

State = TypeVar("State", bound=AbstractState)
Experience = TypeVar("Experience", bound=AbstractState)


class AbstractMeasured(AbstractComponent):
    """A component with a state, whose steps give numbers that a loop records, each by name."""

    @abc.abstractmethod
    def init(self, feature_dim: int, key: Any = None) -> Any:
        """The state before the first step, for observations of `feature_dim` numbers.

        `key` is for what is drawn; what draws nothing takes none, or ignores it.
        """

    def metrics(self, outputs: Any) -> dict[str, Array]:
        """What a step gave, by name: numbers, or arrays of one number for each part.

        The numbers of a dictionary, a NamedTuple or a Module keep its names, a lone array's columns
        are `output_0`, `output_1`, ... The learners of the library name the arrays that their
        `learn` gives and the loops return; those may have axes of lanes and steps in front.

        **Raises:** `TypeError` for several arrays that have no names.
        """
        return self._named(outputs)

    @property
    def metric_parts(self) -> MetricParts:
        """What the last axis of a metric counts, where it has one: heads, demons, or parts."""
        return self._parts()

    # How a component whose outputs are arrays names them; one that names them itself has nothing to
    # say here.
    def _named(self, outputs: Any) -> dict[str, Array]:
        return own_names(outputs)

    def _parts(self) -> MetricParts:
        return MetricParts()


class AbstractLearner(AbstractMeasured, Generic[State, Experience]):
    """Predicts, and learns from one unit of experience at a time."""

    @abc.abstractmethod
    def learn(self, state: State, experience: Experience) -> tuple[State, Any]:
        """The state after learning from `experience`, and what a loop records of the step.

        A dictionary or a Module of numbers is recorded under its own names: see `metrics`.
        """
