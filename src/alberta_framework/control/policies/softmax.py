"""One of so many actions, by preferences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...compilation.unrolled_keys import unrolled
from ...components.ranges import require_count
from ...interface import DiscreteActions
from ...targets import value_of
from .abstract import AbstractPolicy


class SoftmaxPolicy(AbstractPolicy):
    """pi(a) = exp(h_a) / sum_b exp(h_b), of the preferences h that the network gives.

    Source: Sutton and Barto (2018), eq. 13.2.

    **Arguments:** `n_actions` >= 1.
    """

    n_actions: int = eqx.field(static=True)

    def __check_init__(self):
        require_count("SoftmaxPolicy", "n_actions", self.n_actions)

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(self.n_actions)

    @property
    def n_outputs(self) -> int:
        return self.n_actions

    def sample(self, outputs: Float[Array, " actions"], key: PRNGKeyArray) -> Int[Array, ""]:
        noise = jr.gumbel(unrolled(key), (self.n_actions,), jnp.float32)
        return jnp.argmax(outputs + noise).astype(jnp.int32)

    def mode(self, outputs: Float[Array, " actions"]) -> Int[Array, ""]:
        return jnp.argmax(outputs).astype(jnp.int32)

    def log_density(
        self, outputs: Float[Array, " actions"], action: Int[Array, ""]
    ) -> Float[Array, ""]:
        return value_of(jax.nn.log_softmax(outputs), action)

    def entropy(self, outputs: Float[Array, " actions"]) -> Float[Array, ""]:
        logarithms = jax.nn.log_softmax(outputs)
        return -jnp.sum(jnp.exp(logarithms) * logarithms)

    def taken(self, action: Int[Array, ""]) -> Int[Array, ""]:
        return action

    def blank(self) -> Int[Array, ""]:
        return jnp.zeros((), jnp.int32)
