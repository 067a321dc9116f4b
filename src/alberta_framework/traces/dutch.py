"""Dutch traces."""

from typing import Any

import jax
import jax.numpy as jnp

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.types import Hyperparameter
from .abstract import AbstractTrace


class Dutch(AbstractTrace):
    r"""z <- decay z + (1 - step_size decay z.x) x, for linear values, whose gradient is x.

    With step size 1 and one binary feature at a time it replaces; with step size 0 it accumulates.
    The inner product runs over the whole tree.

    Source: van Seijen, Mahmood, Pilarski, Machado and Sutton (2016), True Online
    Temporal-Difference Learning; Sutton and Barto (2018), eq. 12.11.

    **Arguments:** `step_size` >= 0, that of the step that the trace is made for.
    """

    step_size: Hyperparameter

    def __check_init__(self):
        require_range(self, "step_size", 0.0)

    def _updated(self, trace: Any, gradient: Any, decay: Any) -> Any:
        products = jax.tree.map(lambda z, x: jnp.sum(z * x), trace, gradient)
        seen = f32(decay) * sum(jax.tree.leaves(products), f32(0.0))
        share = 1.0 - f32(self.step_size) * seen
        return jax.tree.map(lambda z, x: f32(decay) * z + share * x, trace, gradient)
