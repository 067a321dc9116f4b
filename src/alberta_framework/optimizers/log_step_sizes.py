"""What the optimizers that keep log step sizes share: their bounds and their metrics."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..components.numbers import is_traced
from ..components.ranges import require_range, warn_outside


def require_ordered(component, low: str, high: str) -> None:
    """Check that the numeric field `low` is below the field `high`."""
    a, b = getattr(component, low), getattr(component, high)
    if not (is_traced(a) or is_traced(b)) and np.any(np.asarray(a) >= np.asarray(b)):
        raise ValueError(
            f"{type(component).__name__}: `{low}` must be below `{high}`, got {a} and {b}."
        )


def require_log_bounds(component) -> None:
    """Validate the clip of the log step sizes; warn when the start value lies outside."""
    require_range(component, "min_log_step_size")
    require_range(component, "max_log_step_size")
    require_ordered(component, "min_log_step_size", "max_log_step_size")
    low, high = component.min_log_step_size, component.max_log_step_size
    if not (is_traced(low) or is_traced(high)):
        with np.errstate(over="ignore"):
            warn_outside(component, "initial_step_size", np.exp(low), np.exp(high))


def spread(alpha: Float[Array, " features"]) -> dict[str, Float[Array, ""]]:
    """The metrics that tell the step sizes in effect."""
    return {
        "mean_step_size": jnp.mean(alpha),
        "min_step_size": jnp.min(alpha),
        "max_step_size": jnp.max(alpha),
    }
