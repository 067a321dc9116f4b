"""Replacing traces."""

from typing import Any

import jax
import jax.numpy as jnp

from ..components.numbers import f32
from .abstract import AbstractTrace


class Replacing(AbstractTrace):
    r"""z_i <- gradient_i where that is not 0, else decay z_i.

    For linear values of binary features; a trace never exceeds the feature.

    Source: Singh and Sutton (1996), Reinforcement learning with replacing eligibility traces;
    Sutton and Barto (2018), eq. 12.12.
    """

    def _updated(self, trace: Any, gradient: Any, decay: Any) -> Any:
        def one(z, g):
            return jnp.where(g != 0.0, g, f32(decay) * z)

        return jax.tree.map(one, trace, gradient)
