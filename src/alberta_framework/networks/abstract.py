"""What every network offers to the agents that learn its weights."""

import abc
from typing import Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, Real

from ..components.component import AbstractComponent

Params = TypeVar("Params")


class AbstractNetwork(AbstractComponent, Generic[Params]):
    """A function of features with weights: hidden layers, and a linear layer on the last of them.

    Pure, so that it may be differentiated by its weights, vmapped and scanned.
    """

    n_out: eqx.AbstractVar[int]

    @abc.abstractmethod
    def init(self, feature_dim: int, key: PRNGKeyArray) -> Params:
        """The initial weights for `feature_dim` features, a tree of arrays."""

    @abc.abstractmethod
    def apply(self, params: Params, x: Real[Array, " features"]) -> Float[Array, "{self.n_out}"]:
        """The outputs."""

    @abc.abstractmethod
    def hidden(self, params: Params, x: Real[Array, " features"]) -> Float[Array, " hidden"]:
        """What the last hidden layer makes of the features; these themselves without one.

        For whoever has heads of its own on it.
        """
