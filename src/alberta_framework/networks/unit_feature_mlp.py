"""A multilayer perceptron whose last hidden layer has length 1."""

import itertools
from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32
from ..components.ranges import require_count, require_key, require_range
from ..components.types import Hyperparameter
from .abstract import AbstractNetwork
from .mlp import MLPParams, hidden_activations, output_layer
from .sizes import sizes

_SHORTEST = 1e-8


class UnitFeatureMLP(AbstractNetwork[MLPParams]):
    r"""Hidden layers LeakyReLU(W x + b), the last of them divided by its length, then outputs.

    phi = h / max(|h|, 1e-8). Weights begin orthogonal, biases at 0.

    Source: Vasan et al. (2024), Deep Policy Gradient Methods Without Batch Updates, Target
    Networks, or Replay Buffers, arXiv:2411.15370, whose code divides by the length itself.

    **Arguments:** `hidden_sizes`: units of the hidden layers; `n_out` >= 1; `leaky_relu_slope`,
    default 0.01.
    """

    hidden_sizes: tuple[int, ...] = eqx.field(static=True)
    n_out: int = eqx.field(static=True)
    leaky_relu_slope: Hyperparameter

    def __init__(
        self, hidden_sizes: Sequence[int], n_out: int, leaky_relu_slope: Hyperparameter = 0.01
    ):
        self.hidden_sizes, self.n_out = sizes("UnitFeatureMLP", hidden_sizes), n_out
        self.leaky_relu_slope = leaky_relu_slope

    def __check_init__(self):
        require_count("UnitFeatureMLP", "n_out", self.n_out)
        require_range(self, "leaky_relu_slope")

    def init(self, feature_dim: int, key: PRNGKeyArray) -> MLPParams:
        require_count("UnitFeatureMLP.init", "feature_dim", feature_dim)
        key = require_key("UnitFeatureMLP.init", key)
        units = (int(feature_dim), *self.hidden_sizes, self.n_out)
        orthogonal, weights, biases = jax.nn.initializers.orthogonal(), [], []
        for own, (fan_in, fan_out) in zip(
            jr.split(key, len(units) - 1), itertools.pairwise(units), strict=True
        ):
            weights.append(orthogonal(own, (fan_out, fan_in), jnp.float32))
            biases.append(jnp.zeros(fan_out, jnp.float32))
        return MLPParams(tuple(weights), tuple(biases))

    @compiled_by_itself
    def apply(
        self, params: MLPParams, x: Real[Array, "{params.feature_dim}"]
    ) -> Float[Array, "{self.n_out}"]:
        return output_layer(params, self._hidden(params, x))

    @compiled_by_itself
    def hidden(
        self, params: MLPParams, x: Real[Array, "{params.feature_dim}"]
    ) -> Float[Array, " hidden"]:
        return self._hidden(params, x)

    def _hidden(self, params: MLPParams, x: Array) -> Array:
        *_, h = (f32(x), *self._below(params, f32(x)))
        squared = jnp.sum(h**2)
        # The root has no gradient at 0.
        long = squared > _SHORTEST**2
        length = jnp.sqrt(jnp.where(long, squared, 1.0))
        return h / jnp.where(long, length, _SHORTEST)

    def _below(self, params: MLPParams, x: Array) -> tuple[Array, ...]:
        """The hidden layers before the last of them is divided."""
        layers = MLPParams(params.weights[:-1], params.biases[:-1])
        return hidden_activations(layers, x, self.leaky_relu_slope, False, "left")

    def _activations(self, params: MLPParams, x: Array) -> tuple[Array, ...]:
        below = self._below(params, x)
        return (*below[:-1], self._hidden(params, x)) if below else ()

    def _fresh_weights(self, key: PRNGKeyArray, shape: tuple[int, int]) -> Array:
        return jax.nn.initializers.orthogonal()(key, shape, jnp.float32)
