"""The effective step: the share of its error that an update takes away, and how it is bounded.

For step sizes alpha it is a sum alpha_i m_i: with m = x^2 that of a linear prediction at x, whose
error an update multiplies by 1 - sum(alpha x^2). Above 1 the update overshoots.
"""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.types import ScalarLike

# An array of m for each array of step sizes: of the weights and of the bias, or of one tensor.
Measure = Sequence[Float[Array, "..."]]


def effective_step(
    step_sizes: Sequence[Float[Array, "..."]], measures: Sequence[Measure]
) -> Float[Array, ""]:
    """The largest of the sums alpha_i m_i that the measures tell."""
    sums = [
        sum((jnp.sum(alpha * m) for alpha, m in zip(step_sizes, measure, strict=True)), 0.0)
        for measure in measures
    ]
    return jnp.max(jnp.stack(sums)) if len(sums) > 1 else jnp.asarray(sums[0])


def excess(
    step_sizes: Sequence[Float[Array, "..."]], measures: Sequence[Measure], limit: ScalarLike
) -> Float[Array, ""]:
    """By how much step sizes are to be divided for their effective step to be at most `limit`."""
    return jnp.maximum(effective_step(step_sizes, measures) / limit, 1.0)


def floor_factor(
    low: Float[Array, ""], measures: Sequence[Measure], limit: ScalarLike
) -> Float[Array, ""]:
    """What the floor `low` of step sizes is multiplied by under the bound: 1, or less where the
    floor alone would break it.

    A bound divides all step sizes by one number, so step sizes that a floor made equal stay equal:
    where the floor alone reached the bound nothing could be learned of them any more. There it
    takes but the share `low` of the bound.
    """
    whole = effective_step([jnp.ones_like(m) for m in measures[0]], measures)
    breaks = low * whole > limit
    # Of NumPy's numbers it is an array of JAX all the same, which the types do not say.
    return jnp.where(breaks, limit / jnp.where(breaks, whole, 1.0), 1.0)  # pyright: ignore[reportReturnType]


def log_floor(
    low: Float[Array, ""], measures: Sequence[Measure], limit: ScalarLike
) -> Float[Array, ""]:
    """The floor of log step sizes under the bound."""
    return low + jnp.log(floor_factor(jnp.exp(low), measures, limit))


def bounded_logs(
    betas: Sequence[Float[Array, "..."]],
    measures: Sequence[Measure],
    low: Float[Array, ""],
    high: Float[Array, ""],
    limit: ScalarLike | None,
) -> list[Float[Array, "..."]]:
    """Log step sizes within [low, high], as far as their effective step is at most `limit`.

    The cap `high` comes after the bound, as published; where some m are negative it may lift the
    sum, and the bound is taken once more.
    """
    if limit is None:
        return [jnp.clip(beta, low, high) for beta in betas]
    floor = log_floor(low, measures, limit)
    betas = [jnp.maximum(beta, floor) for beta in betas]
    overshoot = jnp.log(excess([jnp.exp(beta) for beta in betas], measures, limit))
    betas = [jnp.minimum(beta - overshoot, high) for beta in betas]
    lifted = excess([jnp.exp(beta) for beta in betas], measures, limit)
    # What is above it by rounding alone stays as it is.
    again = jnp.where(lifted > 1.0 + 1e-5, jnp.log(lifted), 0.0)
    return [beta - again for beta in betas]


def limited_change(change: Float[Array, "..."], limit: ScalarLike | None) -> Float[Array, "..."]:
    """The change of log step sizes, at most `limit` up or down if there is a limit."""
    return change if limit is None else jnp.clip(change, -f32(limit), f32(limit))


def require_guards(component: Any) -> None:
    """Validate the options that keep step sizes from running away."""
    for name in ("max_effective_step", "max_log_step_change"):
        if getattr(component, name, None) is not None:
            require_range(component, name, 0.0, open_low=True)
