"""What stands in a learner's state at the end of each window."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..components.ranges import require_count
from .recorders import AbstractRecorder, recordings


class WindowEnds(AbstractRecorder):
    """What `read(state)` finds after the last step of each window of n steps.

    The last window may be shorter. **Arguments:** `read`: a named function that gives a tree of
    arrays; `interval` >= 1.
    """

    read: Callable[[Any], Any] = eqx.field(static=True)
    interval: int = eqx.field(static=True)

    def __check_init__(self):
        require_count("WindowEnds", "interval", self.interval)

    def init(self, num_steps, learner, state, outputs):
        length = recordings(num_steps, self.interval)
        like = jax.eval_shape(self.read, state)
        return jax.tree.map(lambda s: jnp.zeros((length, *s.shape), s.dtype), like)

    def step(self, tape, idx, learner, state, outputs):
        slot = idx // self.interval

        def put(buffer, value):
            return jax.lax.dynamic_update_index_in_dim(buffer, value, slot, 0)

        return jax.tree.map(put, tape, self.read(state))

    def finish(self, tape):
        return tape
