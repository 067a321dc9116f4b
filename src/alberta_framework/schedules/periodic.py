"""A number that jumps from one value to the next, and begins anew after the last."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt32

from ..components.numbers import f32, is_traced
from ..components.ranges import require_range, require_steps
from ..components.types import Hyperparameter
from .abstract import AbstractSchedule


class Periodic(AbstractSchedule):
    """values[floor(t / period) mod n] after t steps: each of the n values for `period` steps.

    **Arguments:** `values`: at least one number; `period`: an integer in [1, 2^31) such that all
    values together take less than 2^31 steps.
    """

    _bounding: ClassVar[tuple[str, ...]] = ("values",)

    values: Float[Array, " values"]
    period: Hyperparameter = eqx.field(metadata={"counts_steps": True})

    def __init__(self, values: Any, period: Hyperparameter):
        if not (is_traced(values) or isinstance(values, jax.Array)):
            values = np.asarray(values, np.float64)
        self.values = values
        self.period = period

    def __check_init__(self):
        require_range(self, "values")
        require_steps(self, "period")
        if np.ndim(self.values) < 1 or not np.shape(self.values)[-1]:
            raise ValueError(f"Periodic: `values` must list numbers, got {self.values!r}.")
        if not is_traced(self.period):
            longest = np.max(np.asarray(self.period, np.float64)) * np.shape(self.values)[-1]
            if longest >= 2**31:
                raise ValueError(
                    f"Periodic: `period` must be below 2^31 divided by the number of values, "
                    f"{np.shape(self.values)[-1]}, got {self.period}."
                )

    def __call__(self, steps: UInt32[Array, "2"]) -> Float[Array, ""]:
        values = f32(self.values)
        period = jnp.asarray(self.period).astype(jnp.uint32)
        within = _modulo(steps, period * jnp.uint32(values.shape[-1]))
        return values[within // period]


def _modulo(words: UInt32[Array, "2"], divisor: UInt32[Array, ""]) -> UInt32[Array, ""]:
    """The remainder of a 64-bit count by a divisor below 2^31."""

    def doubled(_, rest):
        return (rest << 1) % divisor

    # What the high word stands for: 2^32 times as much, one doubling after the other.
    rest = jax.lax.cond(
        words[0] > 0,
        lambda: jax.lax.fori_loop(0, 32, doubled, words[0] % divisor),
        lambda: jnp.zeros_like(divisor),
    )
    return (rest + words[1] % divisor) % divisor
