"""What every environment offers: a world that answers actions, one step at a time."""

import abc
from typing import Any, Generic, TypeVar

from jaxtyping import Array, Bool, Float, PRNGKeyArray

from .._component import AbstractComponent
from .._state import AbstractState
from ..interface import ActionSpace

State = TypeVar("State", bound=AbstractState)


class EnvStep(AbstractState):
    """What follows an action.

    `observation` is what is truly seen next, the final one where the episode ends. `terminated`:
    the process ended there, and nothing follows; `truncated`: it was cut, as by a time limit, and
    would have gone on.
    """

    observation: Float[Array, " observation"]
    reward: Float[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class AbstractEnvironment(AbstractComponent, Generic[State]):
    """A world in pure JAX, whose constants are its numeric fields.

    It never resets itself: a loop does, after the agent has seen the true final observation. All
    that changes is in the state. A discrete observation is one-hot.
    """

    @property
    @abc.abstractmethod
    def observation_size(self) -> int:
        """How many numbers an observation has."""

    @property
    @abc.abstractmethod
    def action_space(self) -> ActionSpace:
        """What can be done."""

    @abc.abstractmethod
    def reset(self, key: PRNGKeyArray) -> tuple[State, Float[Array, " observation"]]:
        """A state in which an episode begins, and what is seen there."""

    @abc.abstractmethod
    def step(self, state: State, action: Any, key: PRNGKeyArray) -> tuple[State, EnvStep]:
        """The state after `action`, and what is seen of it; pure and traceable."""
