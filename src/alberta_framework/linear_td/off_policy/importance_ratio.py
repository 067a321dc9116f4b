"""Ratios of importance sampling."""

import math

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from ...compilation.boundary import checked
from ...components.numbers import f32, is_traced
from ...components.types import ScalarLike


@checked
def importance_ratio(
    log_pi: Real[ArrayLike, "..."],
    log_b: Real[ArrayLike, "..."],
    clip: ScalarLike = math.inf,
) -> Float[Array, "..."]:
    r"""min(exp(log_pi - log_b), clip), elementwise.

    0 where the target policy never takes the action. An action that the behaviour never takes has
    no ratio: infinity, or NaN where neither takes it, which a learner rejects.

    **Arguments:** `log_pi`, `log_b`: logarithms of the probabilities, or densities, that the target
    policy and the behaviour give the action taken; `clip` > 0, default infinity: a bound trades
    variance for bias.

    **Raises:** `ValueError` for a `clip` that is not above 0.
    """
    if not is_traced(clip) and not jnp.all(jnp.asarray(clip) > 0):
        raise ValueError(f"importance_ratio: `clip` must lie in (0, inf], got {clip}.")
    return jnp.minimum(jnp.exp(f32(log_pi) - f32(log_b)), f32(clip))
