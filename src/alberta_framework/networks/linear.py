"""A linear function of the features: of one-hot features, a table."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import affine, f32
from ..components.ranges import require_count
from .abstract import AbstractNetwork
from .params import AbstractNetworkParams


class LinearParams(AbstractNetworkParams):
    """Weights [output, feature]."""

    weights: Any

    @property
    def feature_dim(self) -> int:
        return self.weights.shape[-1]

    def of_output_layer(self) -> tuple[bool, ...]:
        return (True,)


class LinearNetwork(AbstractNetwork[LinearParams]):
    r"""W x, from weights of 0 and without a bias; nothing is drawn.

    A bias is a feature that is always 1. With one-hot features it is a table with an entry for each
    feature and output.

    **Arguments:** `n_out` >= 1.
    """

    n_out: int = eqx.field(static=True)

    def __check_init__(self):
        require_count("LinearNetwork", "n_out", self.n_out)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> LinearParams:
        del key
        require_count("LinearNetwork.init", "feature_dim", feature_dim)
        return LinearParams(jnp.zeros((self.n_out, int(feature_dim)), jnp.float32))

    @compiled_by_itself
    def apply(
        self, params: LinearParams, x: Real[Array, "{params.feature_dim}"]
    ) -> Float[Array, "{self.n_out}"]:
        return affine(params.weights, f32(x), jnp.zeros(self.n_out, jnp.float32))

    @compiled_by_itself
    def hidden(
        self, params: LinearParams, x: Real[Array, "{params.feature_dim}"]
    ) -> Float[Array, " hidden"]:
        return f32(x)
