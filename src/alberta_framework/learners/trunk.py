"""A learner's weights as diagnostics look at them: heads, and the hidden layers below them."""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Real

from ..components.numbers import f32
from ..components.types import ScalarLike
from ..networks import Layers, MLPParams, hidden_activations, interleaved
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..plasticity import AbstractPlasticity, Watched


class Trunk(eqx.Module):
    """The hidden layers of a network; of each tensor, in the order w0, b0, w1, ..., also the step
    sizes in effect, of its shape or one for all, and the traces, of its shape.
    """

    params: MLPParams
    step_sizes: tuple[Float[Array, "..."], ...]
    traces: tuple[Float[Array, "..."], ...]
    leaky_relu_slope: ScalarLike
    use_layer_norm: bool = eqx.field(static=True)


class Network(eqx.Module):
    """Heads, each with its weights on the last hidden layer, or without a trunk on the inputs.

    **Arguments:** `head_weights`; `head_step_sizes`: those in effect of `head_weights`, None where
    the optimizer learns none or they are not told; `trunk`: None for what has no hidden layers to
    look at; `normalizer`, with its state: of the inputs; `watched`: what a `PlasticityMonitor` saw
    of the hidden layers, None without one; `replaced`: how many units of each were made new, None
    where nothing makes any new; `shown`: what the network is shown of an observation, None: itself.
    """

    head_weights: Float[Array, "heads hidden"]
    head_step_sizes: Float[Array, "..."] | None = None
    trunk: Trunk | None = None
    normalizer: AbstractNormalizer | None = None
    normalizer_state: AbstractNormalizerState | None = None
    watched: Watched | None = None
    replaced: Int[Array, " layers"] | None = None
    shown: Callable[[Array], Array] | None = None

    def activations(
        self, observation: Real[Array, " features"]
    ) -> tuple[Float[Array, " units"], ...]:
        """What each hidden layer makes of an observation, normalized by the statistics as they are;
        empty without hidden layers."""
        if self.trunk is None:
            return ()
        x = f32(observation)
        if self.shown is not None:
            x = self.shown(x)
        if self.normalizer is not None:
            x = self.normalizer.normalize_only(self.normalizer_state, x)
        trunk = self.trunk
        return hidden_activations(trunk.params, x, trunk.leaky_relu_slope, trunk.use_layer_norm)


def kept_by(
    network: Network | None,
    plasticity: AbstractPlasticity | None,
    state: Any,
    params: Any = None,
) -> Network | None:
    """The network with what its method of plasticity tells of it; of one whose layers are not told,
    with `params` by layer, what a monitor saw and nothing of the layers themselves."""
    if plasticity is None:
        return network
    watched = plasticity.watched(state)
    if network is None and watched is not None and isinstance(params, MLPParams):
        network = Network(params.weights[-1])
    if network is None:
        return None
    return dataclasses.replace(network, watched=watched, replaced=plasticity.replaced(state))


def network_of_layers(
    layers: Layers | None,
    traces: Any,
    normalizer: AbstractNormalizer | None = None,
    normalizer_state: AbstractNormalizerState | None = None,
) -> Network | None:
    """A network that a step rule learns, whose step sizes depend on the error and are not told:
    NaN. None for what is no multilayer perceptron; without its traces where they are none of its
    shape."""
    if layers is None:
        return None
    weights, biases = layers.params.weights, layers.params.biases
    hidden = MLPParams(weights[:-1], biases[:-1])
    of_hidden = MLPParams((), ())
    if isinstance(traces, MLPParams):
        of_hidden = MLPParams(traces.weights[:-1], traces.biases[:-1])
    trunk = Trunk(
        params=hidden,
        step_sizes=(f32(jnp.nan),) * (2 * len(hidden.weights)),
        traces=interleaved(of_hidden),
        leaky_relu_slope=layers.leaky_relu_slope,
        use_layer_norm=layers.use_layer_norm,
    )
    return Network(weights[-1], None, trunk, normalizer, normalizer_state)
