"""Noise of the shape of a network."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import PRNGKeyArray

from ..compilation.unrolled_keys import as_before, unrolled
from ..components.state import AbstractState


def noise_like(key: PRNGKeyArray, params: Any) -> tuple[PRNGKeyArray, Any]:
    """The key to draw on with, and standard normal numbers like the parameters."""
    leaves, structure = jax.tree.flatten(params)
    following, *keys = jr.split(unrolled(key), 1 + len(leaves))
    noise = [jr.normal(own, w.shape, jnp.float32) for own, w in zip(keys, leaves, strict=True)]
    return as_before(following, key), jax.tree.unflatten(structure, noise)


class KeyState(AbstractState):
    """What noise and fresh weights are drawn from."""

    key: PRNGKeyArray
