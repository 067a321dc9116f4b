"""How predictions move with the raw inputs."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from ..compilation.boundary import checked, strong
from ..components.numbers import f32


@jax.jit
@checked
def _sensitivity(
    learner: Any, state: Any, observation: Real[Array, "{state.feature_dim}"]
) -> Float[Array, "heads features"]:
    return jnp.atleast_2d(jax.jacrev(lambda o: learner.predict(state, o))(f32(observation)))


def compute_feature_sensitivity(
    learner: Any, state: Any, observation: Any
) -> Float[Array, "heads features"]:
    """The Jacobian of `learner.predict(state, .)` at the raw observation [features].

    It includes the normalizer: 1 / (std + epsilon) of each feature, 0 where its `clip` holds. The
    statistics are those that `predict` uses, by default the ones with this observation in them,
    and they are held fixed: what moves is the feature, not what is known of its scale. Any learner
    with `predict` serves; a single output is one head. Safe under jit and vmap.
    """
    return _sensitivity(strong(learner), state, observation)
