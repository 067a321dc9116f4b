"""What every representation offers that an agent is given."""

import abc
from typing import Any, Generic, TypeVar

from jaxtyping import Array, Bool, Float

from ..components.component import AbstractComponent

State = TypeVar("State")


class AbstractFeatures(AbstractComponent, Generic[State]):
    """Makes features of observations; may carry a state from one observation to the next."""

    @abc.abstractmethod
    def feature_dim_of(self, observation_dim: int) -> int:
        """How many features it makes of an observation of so many numbers.

        **Raises:** `ValueError` for observations that it is not made for.
        """

    @abc.abstractmethod
    def init(self, observation_dim: int) -> State:
        """The state before the first observation; None if there is nothing to carry."""

    @abc.abstractmethod
    def see(
        self, state: State, observation: Float[Array, " observation"], first: Bool[Array, ""] | Any
    ) -> tuple[Float[Array, " features"], State]:
        """The features of an observation, and the state after it.

        `first`: whether an episode begins with it. A NaN or an infinity in the observation gives
        one in the features, so that a learner rejects the step.
        """
