"""Features of pairs of observation and action."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Real

from ..components.numbers import f32


def state_action_features(
    observation: Real[ArrayLike, " features"],
    probabilities: Real[ArrayLike, " actions"] | Bool[ArrayLike, " actions"],
) -> Float[Array, " pairs"]:
    r"""probabilities (x) observation: the features of the actions, one after the other.

    With the probabilities 1 of the action taken and 0 of the others it is psi(x, a), by which
    q(x, a) = w.psi(x, a) is linear with weights of its own for each action; with those of a policy
    it is the expected sum_a pi(a|x) psi(x, a), by which `Retrace` and `GQ` bootstrap.

    **Raises:** `TypeError` for other shapes, as that of the number of an action for its one-hot.

    **Returns:** actions x features numbers, 0 where a probability is 0.
    """
    given = {"observation": observation, "probabilities": probabilities}
    for name, array in given.items():
        if np.ndim(array) != 1:
            raise TypeError(
                f"state_action_features: `{name}` must have one axis, got shape {np.shape(array)}."
            )
    return jnp.outer(f32(jnp.asarray(probabilities)), f32(jnp.asarray(observation))).ravel()
