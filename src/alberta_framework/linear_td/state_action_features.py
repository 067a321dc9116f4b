"""Features of pairs of observation and action."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Real

from ..components.numbers import f32


def state_action_features(
    observation: Real[Array, " features"],
    probabilities: Real[Array, " actions"] | Bool[Array, " actions"],
) -> Float[Array, " pairs"]:
    r"""probabilities (x) observation: the features of the actions, one after the other.

    With the probabilities 1 of the action taken and 0 of the others it is psi(x, a), by which
    q(x, a) = w.psi(x, a) is linear with weights of its own for each action; with those of a policy
    it is the expected sum_a pi(a|x) psi(x, a), by which `Retrace` and `GQ` bootstrap.

    **Returns:** actions x features numbers, 0 where a probability is 0.
    """
    return jnp.outer(f32(probabilities), f32(observation)).ravel()
