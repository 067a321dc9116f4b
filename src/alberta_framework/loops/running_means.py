"""Means of the outputs up to now: of the whole life, and of late."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ..components.numbers import compensated_add, f32
from ..components.ranges import require_count, require_range
from ..components.types import Hyperparameter
from .recorders import AbstractRecorder, recordings


class _Tape(eqx.Module):
    """Of each output what is carried from step to step, and the means at the ends of windows."""

    carried: tuple[tuple[Array, ...], ...]
    buffers: tuple[Array, ...]
    structure: Any = eqx.field(static=True)

    @classmethod
    def blank(cls, length: int, outputs: PyTree, numbers: int) -> "_Tape":
        leaves, structure = jax.tree.flatten(outputs)
        carried = tuple((jnp.zeros(leaf.shape, jnp.float32),) * numbers for leaf in leaves)
        buffers = tuple(jnp.zeros((length, *leaf.shape), jnp.float32) for leaf in leaves)
        return cls(carried, buffers, structure)

    def after(self, slot: Array, outputs: PyTree, moved: Any) -> "_Tape":
        """With one more output each, but where it is NaN; a mean of nothing is NaN."""
        carried, buffers = [], []
        leaves = jax.tree.leaves(outputs)
        for old, buffer, leaf in zip(self.carried, self.buffers, leaves, strict=True):
            value, present = f32(leaf), ~jnp.isnan(leaf)
            new = moved(*old, jnp.where(present, value, 0.0))
            new = tuple(jnp.where(present, a, b) for a, b in zip(new, old, strict=True))
            mean = jnp.where(new[-1] > 0.0, new[0], jnp.nan)
            carried.append(new)
            buffers.append(jax.lax.dynamic_update_index_in_dim(buffer, mean, slot, 0))
        return _Tape(tuple(carried), tuple(buffers), self.structure)

    def history(self) -> PyTree[Array]:
        return jax.tree.unflatten(self.structure, self.buffers)


class LifetimeAverage(AbstractRecorder):
    """The mean of each output over all steps so far, at the end of every window of n steps.

    Of the rewards of a life it is the lifetime average reward: exploration and early learning
    included. The last window may be shorter; a recording that nothing came before is NaN. NaN
    outputs (a rejected step, an inactive head) are left out, element by element. The mean carries a
    residual, and so stays right over 2^31 - 1 steps, the most of one call.

    **Arguments:** `interval` >= 1.
    """

    interval: int = eqx.field(static=True)

    def __check_init__(self):
        require_count("LifetimeAverage", "interval", self.interval)

    def init(self, num_steps, learner, state, outputs):
        return _Tape.blank(recordings(num_steps, self.interval), outputs, 4)

    def step(self, tape, idx, learner, state, outputs):
        return tape.after(idx // self.interval, outputs, _averaged)

    def finish(self, tape):
        return tape.history()


def _averaged(mean, residual, left, count, value):
    # As two numbers, since a float32 stops counting at 2^24.
    count, left = compensated_add(count, left, jnp.float32(1.0))
    gain = ((value - mean) - residual) / count
    mean, residual = compensated_add(mean, residual, gain)
    return mean, residual, left, count


class RunningMean(AbstractRecorder):
    """The mean of each output over about the last 1 / beta steps, at the end of every n steps.

        o <- o + beta (1 - o),   m <- m + (beta / o) (v - m),   from o = m = 0

    so the first value is the first mean (Sutton and Barto 2018, exercise 2.7). Of the rewards of a
    life it is its reward rate; `InteractResult.reward_rate` is that at beta = 1e-3. The last window
    may be shorter. NaN outputs are left out, element by element; a recording that nothing came
    before is NaN.

    **Arguments:** `interval` >= 1; `beta` in (0, 1], default 1e-3.
    """

    interval: int = eqx.field(static=True)
    beta: Hyperparameter = 1e-3

    def __check_init__(self):
        require_count("RunningMean", "interval", self.interval)
        require_range(self, "beta", 0.0, 1.0, open_low=True)

    def init(self, num_steps, learner, state, outputs):
        return _Tape.blank(recordings(num_steps, self.interval), outputs, 4)

    def step(self, tape, idx, learner, state, outputs):
        beta = f32(self.beta)

        def moved(mean, residual, left, weight, value):
            weight, left = compensated_add(weight, left, beta * ((1.0 - weight) - left))
            gain = beta / weight * ((value - mean) - residual)
            mean, residual = compensated_add(mean, residual, gain)
            return mean, residual, left, weight

        return tape.after(idx // self.interval, outputs, moved)

    def finish(self, tape):
        return tape.history()
