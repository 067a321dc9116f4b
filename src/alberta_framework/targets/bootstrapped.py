"""Targets that bootstrap: a reward, and the discounted value of what follows."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from ..components.numbers import f32


def continuation(gamma: Any, terminated: Any) -> Float[Array, "..."]:
    """The discount of a transition: gamma, and 0 where the episode terminated. A truncation is no
    termination: what was cut off would have gone on."""
    return jnp.where(terminated, 0.0, f32(gamma))


def next_features(discount: Float[Array, "..."], observation: Real[Array, " features"]) -> Array:
    """The next observation as float32, zeros where no discount reaches it: what a terminated
    episode shows last may be anything, NaN included, and no value of it enters a target."""
    return jnp.where(jnp.all(discount == 0.0), 0.0, f32(observation))


def bootstrapped(
    reward: Float[Array, "..."], discount: Float[Array, "..."], next_value: Float[Array, "..."]
) -> Float[Array, "..."]:
    """reward + discount * next value; where the discount is 0 the next value does not enter, not
    even one that is infinite."""
    return reward + jnp.where(discount == 0.0, 0.0, discount * next_value)
