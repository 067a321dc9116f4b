"""Errors kept within a multiple of their own root mean square."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..components.numbers import f32
from ..components.state import AbstractState
from .averages import moved, share_seen


class ErrorStatistics(AbstractState):
    """The averages of the squared error, which begins at 1, and of the clipped error's size."""

    square: Float[Array, ""]
    size: Float[Array, ""]

    @classmethod
    def begin(cls) -> "ErrorStatistics":
        return cls(jnp.ones((), jnp.float32), jnp.zeros((), jnp.float32))


def clipped_error(
    statistics: ErrorStatistics, delta: Any, steps: Int[Array, ""], rule: Any
) -> tuple[Float[Array, ""], ErrorStatistics]:
    r"""The error that a rule steps with, by its `clip_mult`, `beta_clip`, `beta_norm` and
    `normalize_delta`, at its step t:

        m      <- beta_clip m + (1 - beta_clip) delta^2
        delta'  = sign(delta) min(|delta|, clip_mult sqrt(m / (1 - beta_clip^t)))

    and, if errors are normalized,

        A      <- beta_norm A + (1 - beta_norm) |delta'|
        delta'  = delta' / max(A / (1 - beta_norm^t), 1e-12)
    """
    delta = f32(delta)
    square = moved(statistics.square, delta**2, rule.beta_clip)
    cap = f32(rule.clip_mult) * jnp.sqrt(square / share_seen(rule.beta_clip, steps))
    clipped = jnp.sign(delta) * jnp.minimum(jnp.abs(delta), cap)
    size = statistics.size
    if rule.normalize_delta:
        size = moved(size, jnp.abs(clipped), rule.beta_norm)
        clipped = clipped / jnp.maximum(size / share_seen(rule.beta_norm, steps), 1e-12)
    return clipped, ErrorStatistics(square, size)
