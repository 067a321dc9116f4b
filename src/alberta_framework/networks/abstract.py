"""What every network offers to the agents that learn its weights."""

import abc
from typing import Generic, TypeVar

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, Real

from ..components.component import AbstractComponent
from ..components.numbers import f32
from ..components.types import ScalarLike
from .mlp import MLPParams

Params = TypeVar("Params")


class Layers(eqx.Module):
    """Hidden layers and a linear layer on the last of them, with biases of their own."""

    params: MLPParams
    leaky_relu_slope: ScalarLike
    use_layer_norm: bool = eqx.field(static=True)


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

    def layers(self, params: Params) -> Layers | None:
        """The layers, as diagnostics look at them; None of a network that is no multilayer
        perceptron."""
        return self._layers(params)

    def activations(
        self, params: Params, x: Real[Array, " features"]
    ) -> tuple[Float[Array, " units"], ...] | None:
        """What each hidden layer makes of the features, in order, the maps of a convolution one
        after the other; None of a network that does not tell."""
        return self._activations(params, f32(x))

    def fresh_weights(
        self, key: PRNGKeyArray, shape: tuple[int, int]
    ) -> Float[Array, "units inputs"]:
        """Initial weights of some units, as `init` draws those of a layer with so many inputs.

        **Raises:** `TypeError` of a network that does not tell how it draws them.
        """
        return self._fresh_weights(key, shape)

    def _layers(self, params: Params) -> Layers | None:
        return None

    def _activations(self, params: Params, x: Array) -> tuple[Array, ...] | None:
        return None

    def _fresh_weights(self, key: PRNGKeyArray, shape: tuple[int, int]) -> Array:
        raise TypeError(f"{type(self).__name__} does not tell how it draws its weights.")
