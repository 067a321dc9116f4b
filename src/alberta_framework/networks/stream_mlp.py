"""The multilayer perceptron of streaming deep reinforcement learning."""

import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32
from ..components.ranges import require_count
from ..components.types import Hyperparameter
from .abstract import AbstractNetwork, Layers
from .mlp import MLPParams, hidden_activations, output_layer
from .sizes import sizes
from .sparse_init import fresh_sparse_weights
from .sparse_layers import initial, require_fields


class StreamMLP(AbstractNetwork[MLPParams]):
    r"""Hidden layers LeakyReLU(layer_norm(W x + b)), then outputs W h + b.

    The normalization has the biased variance, 1e-5 inside the root, and no parameters. Biases begin
    at 0; weights are uniform within 1 / sqrt(fan_in), and in every layer, that of the outputs too,
    each unit has `sparsity` of its inputs, drawn without replacement, at 0.

    With few features the first layer is all 0, up to 9 with the defaults. Such a network learns all
    the same, through biases and normalization, but slowly at first; `min_inputs=1` leaves one. A
    unit at exactly 0, as all of them are then, has the slope of the negative side, as in PyTorch.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606.

    **Arguments:**

    - `hidden_sizes`: units of the hidden layers; `()` is linear. `n_out` >= 1.
    - `sparsity` in [0, 1], default 0.9; `rounding`: `"ceil"`, the authors' and the default, or
      `"nearest"`; `min_inputs` >= 0, default 0: of `sparse_init`.
    - `leaky_relu_slope`, default 0.01; `use_layer_norm`, default True.
    """

    hidden_sizes: tuple[int, ...] = eqx.field(static=True)
    n_out: int = eqx.field(static=True)
    sparsity: float = eqx.field(static=True)
    leaky_relu_slope: Hyperparameter
    rounding: str = eqx.field(static=True)
    min_inputs: int = eqx.field(static=True)
    use_layer_norm: bool = eqx.field(static=True)

    def __init__(
        self,
        hidden_sizes: Sequence[int],
        n_out: int,
        sparsity: float = 0.9,
        leaky_relu_slope: Hyperparameter = 0.01,
        rounding: str = "ceil",
        min_inputs: int = 0,
        use_layer_norm: bool = True,
    ):
        self.hidden_sizes, self.n_out = sizes("StreamMLP", hidden_sizes), n_out
        self.sparsity, self.rounding, self.min_inputs = sparsity, rounding, min_inputs
        self.leaky_relu_slope, self.use_layer_norm = leaky_relu_slope, use_layer_norm

    def __check_init__(self):
        require_fields(self)

    def init(self, feature_dim: int, key: PRNGKeyArray) -> MLPParams:
        require_count("StreamMLP.init", "feature_dim", feature_dim)
        units = (int(feature_dim), *self.hidden_sizes, self.n_out)
        shapes = tuple((fan_out, fan_in) for fan_in, fan_out in itertools.pairwise(units))
        return initial(self, key, shapes)

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

    def _layers(self, params: MLPParams) -> Layers:
        return Layers(params, self.leaky_relu_slope, self.use_layer_norm)

    def _hidden(self, params: MLPParams, x: Any) -> Array:
        activations = self._activations(params, f32(x))
        return activations[-1] if activations else f32(x)

    def _activations(self, params: MLPParams, x: Array) -> tuple[Array, ...]:
        layers = MLPParams(params.weights[:-1], params.biases[:-1])
        slope, use_layer_norm = self.leaky_relu_slope, self.use_layer_norm
        return hidden_activations(layers, x, slope, use_layer_norm, "left")

    def _fresh_weights(self, key: PRNGKeyArray, shape: tuple[int, int]) -> Array:
        return fresh_sparse_weights(
            key,
            shape,
            self.sparsity,
            rounding=self.rounding,
            min_inputs=self.min_inputs,
        )
