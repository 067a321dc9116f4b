"""The value of a state, made of the values of its actions."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..components.numbers import f32
from ..components.types import ScalarLike


def value_of(action_values: Float[Array, " actions"], action: Int[Array, ""]) -> Float[Array, ""]:
    """q(a). By a mask: the gradient of an index would be a scatter, which no kernel holds."""
    taken = jnp.arange(action_values.shape[0], dtype=jnp.int32) == action
    return jnp.sum(jnp.where(taken, action_values, 0.0))


def greedy_value(action_values: Float[Array, " actions"]) -> Float[Array, ""]:
    """max_a q(a), as Q-learning bootstraps. Its gradient is that of the first of the greatest:
    `jnp.max` would split it among all of them."""
    return value_of(action_values, jnp.argmax(action_values).astype(jnp.int32))


def expected_value(
    action_values: Float[Array, " actions"], probabilities: Float[Array, " actions"]
) -> Float[Array, ""]:
    """sum_a pi(a) q(a), as expected Sarsa bootstraps."""
    return jnp.sum(f32(probabilities) * action_values)


def soft_value(
    action_values: Float[Array, " actions"], temperature: ScalarLike
) -> Float[Array, ""]:
    """temperature log sum_a exp(q(a) / temperature): the value of the best policy that is paid the
    temperature times its entropy; temperature > 0."""
    t = f32(temperature)
    return t * jax.nn.logsumexp(action_values / t)
