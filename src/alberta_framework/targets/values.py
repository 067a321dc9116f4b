"""The value of a state, made of the values of its actions."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import f32
from ..components.types import ScalarLike


def greedy_value(action_values: Float[Array, " actions"]) -> Float[Array, ""]:
    """max_a q(a), as Q-learning bootstraps. Its gradient is that of one of the greatest: `jnp.max`
    would split it among all of them."""
    return action_values[jnp.argmax(action_values)]


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
