"""What every policy offers."""

import abc
from typing import Any

from jaxtyping import Array, Float, PRNGKeyArray

from ...components.component import AbstractComponent
from ...interface import ActionSpace


class AbstractPolicy(AbstractComponent):
    """A distribution over actions, whose parameters are `n_outputs` outputs of a network.

    An action here is what was drawn, and `taken` what the environment is given.
    """

    @property
    @abc.abstractmethod
    def action_space(self) -> ActionSpace:
        """What can be done."""

    @property
    @abc.abstractmethod
    def n_outputs(self) -> int:
        """How many outputs of a network make one distribution."""

    @abc.abstractmethod
    def sample(self, outputs: Float[Array, " outputs"], key: PRNGKeyArray) -> Array:
        """An action drawn from the distribution."""

    @abc.abstractmethod
    def mode(self, outputs: Float[Array, " outputs"]) -> Array:
        """The action that the policy holds to be best."""

    @abc.abstractmethod
    def log_density(self, outputs: Float[Array, " outputs"], action: Array) -> Float[Array, ""]:
        """The logarithm of the action's probability, or density."""

    @abc.abstractmethod
    def entropy(self, outputs: Float[Array, " outputs"]) -> Float[Array, ""]:
        """The entropy of the distribution."""

    @abc.abstractmethod
    def taken(self, action: Array) -> Array:
        """What the environment is given for an action that was drawn."""

    @abc.abstractmethod
    def blank(self) -> Any:
        """An array of the shape and dtype of what is drawn."""
