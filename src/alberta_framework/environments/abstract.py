"""What every environment offers: a world that answers actions, one step at a time."""

import abc
from typing import Any, Generic, TypeVar

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, PRNGKeyArray

from ..components.component import AbstractComponent
from ..components.state import AbstractState
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
    that changes is in the state. A discrete observation is one-hot. In compiled code a numeric
    field is float32, an integer too; one that counts or is a place among others is declared as
    `eqx.field(metadata={"counts_steps": True})` and stays int32, one that fixes shapes is static.

    An action that does not exist cannot raise an error in compiled code: its reward is NaN, by
    which an agent rejects the step, and where the world goes then is not defined.
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

    def restart(
        self, state: State, key: PRNGKeyArray
    ) -> tuple[State, Float[Array, " observation"]]:
        """The next episode of the same world, after one that came to `state`.

        As `reset` unless something outlives an episode, as the count of steps of `Changing` does.
        """
        return self._restart(state, key)

    def _restart(self, state: Any, key: PRNGKeyArray) -> tuple[Any, Array]:
        del state
        return self.reset(key)

    def _reward(self, action: Any, reward: ArrayLike) -> Float[Array, ""]:
        """The reward of an action that exists, NaN for another."""
        return jnp.where(self.action_space.contains(action), reward, jnp.float32(jnp.nan))
