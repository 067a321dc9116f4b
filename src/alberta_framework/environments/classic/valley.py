"""The valley in which both mountain cars drive."""

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, PRNGKeyArray

from ...components.numbers import f32
from ...components.types import Hyperparameter


def start(key: PRNGKeyArray) -> Float[Array, "2"]:
    """At rest, at a position drawn uniformly from [-0.6, -0.4]."""
    position = jr.uniform(key, (), jnp.float32, -0.6, -0.4)
    return jnp.stack([position, jnp.zeros((), jnp.float32)])


def driven(
    values: Float[Array, "2"],
    push: Float[Array, ""],
    gravity: Hyperparameter,
    max_speed: Hyperparameter,
    min_position: Hyperparameter,
    max_position: Hyperparameter,
) -> Float[Array, "2"]:
    """Position and velocity one step later; a car that meets the left wall stands still."""
    speed, low = f32(max_speed), f32(min_position)
    velocity = values[1] + push - f32(gravity) * jnp.cos(3.0 * values[0])
    velocity = jnp.clip(velocity, -speed, speed)
    position = jnp.clip(values[0] + velocity, low, f32(max_position))
    velocity = jnp.where((position == low) & (velocity < 0.0), 0.0, velocity)
    return jnp.stack([position, velocity])
