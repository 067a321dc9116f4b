"""The last episodes of a life."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from ..components.counter import count_from
from ..components.numbers import is_traced
from ..components.ranges import require_count
from ..components.state import AbstractState
from ..loops.recorders import AbstractRecorder


class Episodes(AbstractState):
    """The last episodes that ended, the oldest first; with lanes, one row for each.

    `returns` (undiscounted) and `lengths`; whether each `terminated`, else it was truncated;
    `ended_at`, the step of this call with which it ended, from 0; `count`, how many ended in all.
    Rows of lanes with fewer episodes than others begin with NaN, and lengths of 0.
    """

    returns: Float[np.ndarray, "*lanes episodes"]
    lengths: Int[np.ndarray, "*lanes episodes"]
    terminated: Bool[np.ndarray, "*lanes episodes"]
    ended_at: Int[np.ndarray, "*lanes episodes"]
    count: Int[np.ndarray, "*lanes"]


class _Ring(eqx.Module):
    numbers: Float[Array, "capacity"]
    words: UInt32[Array, "capacity 4"]
    count: Int[Array, ""]


class EpisodeRing(AbstractRecorder):
    """Keeps the last `capacity` episodes of a life, however many end."""

    capacity: int = eqx.field(static=True, default=1000)

    def __check_init__(self):
        require_count("EpisodeRing", "capacity", self.capacity)

    def init(self, num_steps, learner, state, outputs):
        capacity = max(1, min(self.capacity, num_steps))
        return _Ring(
            jnp.zeros(capacity, jnp.float32),
            jnp.zeros((capacity, 4), jnp.uint32),
            jnp.zeros((), jnp.int32),
        )

    def step(self, tape, idx, learner, state, outputs):
        slot, over = tape.count % tape.numbers.shape[0], state.ended > 0
        words = jnp.stack([state.ended, idx]).astype(jnp.uint32)
        row = jnp.concatenate([state.last_steps, words])

        # Written where it is, without a branch: what is no end writes what is there.
        def put(buffer, value):
            old = jax.lax.dynamic_index_in_dim(buffer, slot, keepdims=False)
            return jax.lax.dynamic_update_index_in_dim(buffer, jnp.where(over, value, old), slot, 0)

        return _Ring(
            put(tape.numbers, state.last_return),
            put(tape.words, row),
            tape.count + over.astype(jnp.int32),
        )

    def finish(self, tape) -> Episodes:
        leaves = jax.tree.leaves(tape)
        if any(is_traced(leaf) for leaf in leaves):
            return _told(jnp, tape.numbers, tape.words, tape.count, tape.numbers.shape[-1])
        numbers, words, count = (np.asarray(leaf) for leaf in jax.device_get(leaves))
        kept = np.minimum(count, numbers.shape[-1])
        return _told(np, numbers, words, count, int(kept.max(initial=0)))


def _told(xp: Any, numbers: Any, words: Any, count: Any, longest: int) -> Episodes:
    """The last `longest` episodes in order, in arrays of NumPy or JAX."""
    capacity = numbers.shape[-1]
    # The episode that ended i-th from the last lies i slots before the next one's.
    back = xp.arange(longest, 0, -1)
    slots = (count[..., None] - back) % capacity
    there = back <= xp.minimum(count, capacity)[..., None]
    returns = xp.take_along_axis(numbers, slots, -1)
    rows = xp.take_along_axis(words, slots[..., None], -2)
    # Inside compiled code there are no counts beyond 32 bits.
    lengths = count_from(rows[..., :2]) if xp is np else rows[..., 1].astype(np.int32)
    ended, ended_at = rows[..., 2], rows[..., 3].astype(np.int32)
    return Episodes(
        returns=xp.where(there, returns, np.float32(np.nan)),
        lengths=xp.where(there, lengths, 0),
        terminated=there & (ended == 1),
        ended_at=xp.where(there, ended_at, np.int32(-1)),
        count=count,
    )
