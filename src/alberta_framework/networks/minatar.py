"""The convolutional network of streaming agents that play MinAtar."""

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32
from ..components.ranges import require_count
from ..components.types import Hyperparameter
from .abstract import AbstractNetwork
from .mlp import MLPParams, activated, hidden_layer, output_layer
from .sparse_init import fresh_sparse_weights
from .sparse_layers import initial, require_fields

_KERNEL = 3


class MinAtarNetwork(AbstractNetwork[MLPParams]):
    r"""A 3 x 3 convolution with stride 1, a hidden layer, and outputs.

    All `filters` maps of the convolution are normalized together, then LeakyReLU, flattened; then a
    hidden layer LeakyReLU(layer_norm(W x + b)), and outputs W h + b. Initial weights are those of
    `StreamMLP`, sparse in every layer; a filter has 9 x channels inputs.

    The observation is the picture of `shape`, flattened: rows, columns, channels.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606; the games: Young and Tian (2019),
    arXiv:1903.03176.

    **Arguments:** `shape`: (height, width, channels), both sides >= 3; `n_out` >= 1; `filters` >=
    1, default 16; `hidden_size` >= 1, default 128; the others as `StreamMLP`.
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    n_out: int = eqx.field(static=True)
    filters: int = eqx.field(static=True)
    hidden_size: int = eqx.field(static=True)
    sparsity: float = eqx.field(static=True)
    leaky_relu_slope: Hyperparameter
    rounding: str = eqx.field(static=True)
    min_inputs: int = eqx.field(static=True)
    use_layer_norm: bool = eqx.field(static=True)

    def __init__(
        self,
        shape: Sequence[int],
        n_out: int,
        filters: int = 16,
        hidden_size: int = 128,
        sparsity: float = 0.9,
        leaky_relu_slope: Hyperparameter = 0.01,
        rounding: str = "ceil",
        min_inputs: int = 0,
        use_layer_norm: bool = True,
    ):
        given: Any = shape  # what is none is left for the check to refuse
        self.shape = tuple(given) if isinstance(given, tuple | list) else given
        self.n_out, self.filters, self.hidden_size = n_out, filters, hidden_size
        self.sparsity, self.rounding, self.min_inputs = sparsity, rounding, min_inputs
        self.leaky_relu_slope, self.use_layer_norm = leaky_relu_slope, use_layer_norm

    def __check_init__(self):
        if not isinstance(self.shape, tuple) or len(self.shape) != 3:
            raise ValueError(
                f"MinAtarNetwork: `shape` must be (height, width, channels), got {self.shape!r}."
            )
        for size, low in zip(self.shape, (_KERNEL, _KERNEL, 1), strict=True):
            require_count("MinAtarNetwork", "shape", size, low=low)
        require_count("MinAtarNetwork", "filters", self.filters)
        require_count("MinAtarNetwork", "hidden_size", self.hidden_size)
        require_fields(self)

    def init(self, feature_dim: int, key: PRNGKeyArray) -> MLPParams:
        """Sparse weights; those of the filters are `[filters, 9 x channels]`, as the observation in
        order of rows, columns, channels.

        **Raises:** `ValueError` unless `feature_dim` is the product of `shape`.
        """
        require_count("MinAtarNetwork.init", "feature_dim", feature_dim)
        if feature_dim != math.prod(self.shape):
            raise ValueError(
                f"MinAtarNetwork.init: `feature_dim` must be {math.prod(self.shape)}, the product "
                f"of `shape` {self.shape}, got {feature_dim}."
            )
        inputs, places = self._patches.shape
        shapes = (
            (self.filters, inputs),
            (self.hidden_size, self.filters * places),
            (self.n_out, self.hidden_size),
        )
        return initial(self, key, shapes)

    @compiled_by_itself
    def apply(
        self, params: MLPParams, x: Real[Array, "{self.feature_dim}"]
    ) -> Float[Array, "{self.n_out}"]:
        return output_layer(params, self._hidden(params, x))

    @compiled_by_itself
    def hidden(
        self, params: MLPParams, x: Real[Array, "{self.feature_dim}"]
    ) -> Float[Array, "{self.hidden_size}"]:
        return self._hidden(params, x)

    @property
    def feature_dim(self) -> int:
        """How many numbers an observation has."""
        return math.prod(self.shape)

    @property
    def _patches(self) -> np.ndarray:
        """Where in an observation the inputs of a filter lie, in each place where it looks."""
        height, width, _ = self.shape
        pixels = np.arange(self.feature_dim, dtype=np.int32).reshape(self.shape)
        steps = range(_KERNEL)
        seen = [
            pixels[i : i + height - _KERNEL + 1, j : j + width - _KERNEL + 1]
            for i in steps
            for j in steps
        ]
        inputs = np.concatenate(seen, axis=-1)
        return inputs.reshape(-1, inputs.shape[-1]).T

    def _hidden(self, params: MLPParams, x: Any) -> Array:
        return self._activations(params, f32(x))[-1]

    def _activations(self, params: MLPParams, x: Array) -> tuple[Array, Array]:
        (filters, dense, _), (b, c, _) = params.weights, params.biases
        slope, use_layer_norm = self.leaky_relu_slope, self.use_layer_norm
        # Filters times patches in columns, so that the maps come out one after the other, as the
        # dense layer reads them. A learning step of the whole network, one picture at a time on a
        # CPU, takes 1.6 to 2.9 times as long with `lax.conv_general_dilated` with channels last,
        # 0.8 to 2.5 times with channels first, 1.3 to 2.5 times with patches in rows
        # (`benchmarks/convolution.py`).
        sums = filters @ x[self._patches] + b[:, None]
        maps = activated(jnp.ravel(sums), slope, use_layer_norm, "left")
        return maps, hidden_layer(dense, c, maps, slope, use_layer_norm, "left")

    def _fresh_weights(self, key: PRNGKeyArray, shape: tuple[int, int]) -> Array:
        return fresh_sparse_weights(
            key,
            shape,
            self.sparsity,
            rounding=self.rounding,
            min_inputs=self.min_inputs,
        )
