"""A number that moves along a line, and then stays."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from ..components.counter import as_float
from ..components.numbers import f32
from ..components.ranges import require_range, require_steps
from ..components.types import Hyperparameter
from .abstract import AbstractSchedule


class Linear(AbstractSchedule):
    """start + (end - start) min(t / num_steps, 1) after t steps.

    **Arguments:** `start`, `end`: numbers; `num_steps`: an integer in [1, 2^31).
    """

    _bounding: ClassVar[tuple[str, ...]] = ("start", "end")

    start: Hyperparameter
    end: Hyperparameter
    num_steps: Hyperparameter = eqx.field(metadata={"counts_steps": True})

    def __check_init__(self):
        require_range(self, "start")
        require_range(self, "end")
        require_steps(self, "num_steps")

    def __call__(self, steps: UInt32[Array, "2"]) -> Float[Array, ""]:
        progress = jnp.minimum(as_float(steps) / f32(self.num_steps), 1.0)
        start, end = f32(self.start), f32(self.end)
        return start + (end - start) * progress
