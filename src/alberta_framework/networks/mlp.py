"""Multilayer perceptrons: parameters and forward pass."""

from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import affine, f32
from ..components.types import ScalarLike
from .params import AbstractNetworkParams

_LAYER_NORM_EPSILON = 1e-5

# The reference's learners are JAX programs, where a unit at 0 has the slope 1; streaming agents are
# published with PyTorch, where it has the slope of the negative side. It matters where a whole
# layer of sparse weights is 0 and its units are exactly that.
Kink: TypeAlias = Literal["left", "right"]


class MLPParams(AbstractNetworkParams):
    """Weights `(fan_out, fan_in)` and biases `(fan_out,)`: tuples by layer.

    In stacked heads both are arrays with the head as first axis: `weights[i]` is head i's.
    """

    weights: Any
    biases: Any

    @property
    def feature_dim(self) -> int:
        """How many inputs the first layer has."""
        return self.weights[0].shape[-1]

    def of_output_layer(self) -> tuple[bool, ...]:
        if not isinstance(self.weights, tuple):  # stacked heads
            return True, True
        hidden = (False,) * (len(self.weights) - 1)
        return (*hidden, True) * 2


def interleaved(params: MLPParams) -> tuple[Array, ...]:
    """The tensors in the order of traces, optimizer states and steps: w0, b0, w1, b1, ..."""
    return tuple(t for pair in zip(params.weights, params.biases, strict=True) for t in pair)


def from_interleaved(tensors: tuple[Array, ...]) -> MLPParams:
    return MLPParams(tuple(tensors[0::2]), tuple(tensors[1::2]))


def output_layer(params: MLPParams, hidden: Float[Array, " hidden"]) -> Float[Array, " outputs"]:
    """W h + b of the last layer."""
    return affine(params.weights[-1], hidden, params.biases[-1])


def hidden_layer(
    weights: Float[Array, "fan_out fan_in"],
    bias: Float[Array, " fan_out"],
    x: Float[Array, " fan_in"],
    leaky_relu_slope: ScalarLike,
    use_layer_norm: bool,
    kink: Kink = "right",
) -> Float[Array, " fan_out"]:
    """LeakyReLU of W x + b, normalized over the layer's units before it if asked.

    The normalization has the biased variance, 1e-5 inside the root, and no parameters.
    """
    return activated(affine(weights, x, bias), leaky_relu_slope, use_layer_norm, kink)


def activated(
    u: Float[Array, " units"],
    leaky_relu_slope: ScalarLike,
    use_layer_norm: bool,
    kink: Kink = "right",
) -> Float[Array, " units"]:
    """LeakyReLU of u, normalized before it if asked: what a hidden layer makes of its sums.

    `kink`: on which side of 0 a unit at exactly 0 lies, which decides its slope.
    """
    if use_layer_norm:
        u = u - jnp.mean(u)
        # Not over the square root: XLA makes the one of the other where no gradient needs the root,
        # and prediction and update would differ in their last bits.
        u = u * jax.lax.rsqrt(jnp.mean(u**2) + _LAYER_NORM_EPSILON)
    above = u >= 0.0 if kink == "right" else u > 0.0
    return jnp.where(above, u, f32(leaky_relu_slope) * u)


def hidden_activations(
    params: MLPParams,
    x: Float[Array, " features"],
    leaky_relu_slope: ScalarLike,
    use_layer_norm: bool,
    kink: Kink = "right",
) -> tuple[Float[Array, " units"], ...]:
    """The activations of every hidden layer in order; empty without one."""
    activations = []
    for weights, bias in zip(params.weights, params.biases, strict=True):
        x = hidden_layer(weights, bias, x, leaky_relu_slope, use_layer_norm, kink)
        activations.append(x)
    return tuple(activations)


def hidden(
    params: MLPParams,
    x: Float[Array, " features"],
    leaky_relu_slope: ScalarLike,
    use_layer_norm: bool,
    kink: Kink = "right",
) -> Float[Array, " hidden"]:
    """The activations of the last hidden layer; `x` itself without one."""
    activations = hidden_activations(params, x, leaky_relu_slope, use_layer_norm, kink)
    return activations[-1] if activations else x
