"""What every representation offers that an agent is given."""

import abc
from typing import Generic, TypeVar

import jax
import jax.numpy as jnp

from ..components.component import AbstractComponent
from ..components.numbers import all_finite
from .percept import Percept

State = TypeVar("State")


class AbstractFeatures(AbstractComponent, Generic[State]):
    """Makes what an agent is shown of what the world shows; may carry a state along.

    It sees every step once, in the order of the life, and may change the observation and the reward
    that the agent learns from. What loops record is the reward of the world.

    The numbers of its state are finite. A step after which they would not be is shown to the agent
    as NaN, so that it is rejected, and after a rejected step the state is as it was before.
    """

    @abc.abstractmethod
    def feature_dim_of(self, observation_dim: int) -> int:
        """How many features it makes of an observation of so many numbers.

        **Raises:** `ValueError` for observations that it is not made for.
        """

    @abc.abstractmethod
    def init(self, observation_dim: int) -> State:
        """The state before the first observation; None if there is nothing to carry."""

    @abc.abstractmethod
    def see(self, state: State, percept: Percept) -> tuple[Percept, State]:
        """What the agent is shown in place of `percept`, and the state after it.

        `percept.replace(observation=...)` is what to return where the observation alone changes. A
        NaN or an infinity in the observation or the reward gives one there.
        """

    def kept(self, after: State, before: State) -> State:
        """The state to go on with after a step that counts: that after it, or where it would hold
        what is not finite, as of an observation that is no number, that before it."""
        return self._kept(after, before)

    def _kept(self, after: State, before: State) -> State:
        sound = all_finite(after)
        return jax.tree.map(lambda a, b: jnp.where(sound, a, b), after, before)
