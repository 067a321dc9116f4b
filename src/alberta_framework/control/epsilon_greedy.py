"""Epsilon-greedy choice among action values."""

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..compilation.unrolled_keys import unrolled
from ..components.ranges import require_key


def epsilon_greedy(
    keys: tuple[PRNGKeyArray, PRNGKeyArray, PRNGKeyArray],
    action_values: Float[Array, " actions"],
    epsilon: Float[Array, ""],
) -> Int[Array, ""]:
    """A uniform action with probability epsilon, else one of the largest value.

    Exact ties are broken uniformly at any magnitude, and a strict maximum always wins: Gumbel noise
    orders the tied actions alone. NaN counts as minus infinity. `keys`: to explore, to break ties,
    to pick at random.
    """
    typed = (require_key("epsilon_greedy", key, "keys") for key in keys)
    explore_key, tie_key, random_key = map(unrolled, typed)
    n_actions = action_values.shape[0]
    values = jnp.where(jnp.isnan(action_values), -jnp.inf, action_values)
    ties = values == jnp.max(values)
    noise = jr.gumbel(tie_key, (n_actions,), jnp.float32)
    greedy = jnp.argmax(jnp.where(ties, noise, -jnp.inf)).astype(jnp.int32)
    random = jr.randint(random_key, (), 0, n_actions, jnp.int32)
    explores = jr.uniform(explore_key, (), jnp.float32) < epsilon
    return jnp.where(explores, random, greedy)
