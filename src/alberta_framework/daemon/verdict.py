"""What the program of an event says of it besides the answer, as one number."""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

# Bit 0: the event was rejected. Bit 1: that is unexpected of its numbers where it was rejected, and
# where it was not, there was nothing to learn from it.
_REJECTED, _OTHERWISE = 1, 2
_UNEXPECTED = _REJECTED + _OTHERWISE


def verdict(rejected: Any, sound: Any, taught: Any) -> Array:
    """Of an event that was `rejected` or not, whose numbers are `sound`, all finite and such as the
    learner allows, and which brought something to learn, `taught`, or not."""
    rejected = jnp.asarray(rejected)
    otherwise = jnp.where(rejected, sound, ~jnp.asarray(taught))
    return _REJECTED * rejected.astype(jnp.uint32) + _OTHERWISE * otherwise.astype(jnp.uint32)


def is_rejected(said: float) -> bool:
    """Whether the event was rejected."""
    return said % _OTHERWISE != 0


def rejected_in_a_row(said: float, before: int) -> int:
    """How many events in a row were rejected although their numbers are sound, this one included.

    What teaches nothing, an event whose numbers are none or one without a label, is passed over: it
    does not tell whether the learner can still learn.
    """
    if said == 0:
        return 0
    return before + 1 if said == _UNEXPECTED else before
