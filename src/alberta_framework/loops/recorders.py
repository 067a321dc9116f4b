"""Recorders: what a loop writes down, and when."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PyTree

from .._numbers import compensated_add
from .._ranges import require_count


class AbstractRecorder(eqx.Module):
    """Writes to a tape that rides in the carry of the loop."""

    @abc.abstractmethod
    def init(self, num_steps: int, learner: Any, state: Any, outputs: Any) -> Any:
        """The blank tape for `num_steps` steps of one lane; `outputs` are shapes and dtypes."""

    @abc.abstractmethod
    def step(self, tape: Any, idx: Int[Array, ""], learner: Any, state: Any, outputs: Any) -> Any:
        """The tape after step `idx` of this call, which led to `state` and gave `outputs`."""

    @abc.abstractmethod
    def finish(self, tape: Any) -> Any:
        """The history that the tape holds; on a batched tape every array has a leading axis."""


class Tape(eqx.Module):
    """Buffers of the final length, one row per recording, and the steps recorded."""

    values: PyTree[Array]
    recording_indices: Int[Array, " recordings"]

    @classmethod
    def blank(cls, length: int, like: PyTree) -> "Tape":
        buffers = jax.tree.map(lambda s: jnp.zeros((length, *s.shape), s.dtype), like)
        return cls(buffers, jnp.zeros(length, jnp.int32))

    def write(
        self, due: Bool[Array, ""], slot: Int[Array, ""], idx: Int[Array, ""], values: PyTree
    ) -> "Tape":
        """Write to row `slot` if `due`; a row past the end is dropped, so there is no branch."""
        slot = jnp.where(due, slot, self.recording_indices.shape[0])

        def put(buffer, value):
            return buffer.at[slot].set(value, mode="drop")

        written = jax.tree.map(put, self.values, values)
        return Tape(written, put(self.recording_indices, idx))


def recordings(num_steps: int, interval: int) -> int:
    """How many steps of 0 .. num_steps - 1 are multiples of `interval`."""
    return -(-num_steps // interval)


class EveryNth(AbstractRecorder):
    """The loop's outputs at steps 0, n, 2n, ...; its history is the outputs, time axis first."""

    interval: int = eqx.field(static=True)

    def __check_init__(self):
        require_count("EveryNth", "interval", self.interval)

    def init(self, num_steps, learner, state, outputs):
        return Tape.blank(recordings(num_steps, self.interval), outputs)

    def step(self, tape, idx, learner, state, outputs):
        return tape.write(idx % self.interval == 0, idx // self.interval, idx, outputs)

    def finish(self, tape):
        return tape.values


class _WindowTape(eqx.Module):
    tape: Tape
    total: PyTree[Array]
    residual: PyTree[Array]
    count: PyTree[Array]
    last: Int[Array, ""]


class WindowMean(AbstractRecorder):
    """Means of the loop's outputs over windows of n steps, the last one shorter if need be.

    NaN outputs (a rejected step, an inactive head) are left out, element by element; a window that
    holds nothing else is NaN. Sums carry a residual, so a window may be long.
    """

    interval: int = eqx.field(static=True)

    def __check_init__(self):
        require_count("WindowMean", "interval", self.interval)

    def init(self, num_steps, learner, state, outputs):
        like = jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape, jnp.float32), outputs)
        zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), like)
        tape = Tape.blank(recordings(num_steps, self.interval), like)
        return _WindowTape(tape, zeros, zeros, zeros, jnp.int32(num_steps - 1))

    def step(self, tape, idx, learner, state, outputs):
        values = jax.tree.map(lambda v: v.astype(jnp.float32), outputs)
        present = jax.tree.map(lambda v: ~jnp.isnan(v), values)
        added = jax.tree.map(lambda v, p: jnp.where(p, v, 0.0), values, present)
        sums = jax.tree.map(compensated_add, tape.total, tape.residual, added)
        total, residual = jax.tree.transpose(
            jax.tree.structure(added), jax.tree.structure((0, 0)), sums
        )
        count = jax.tree.map(lambda n, p: n + p, tape.count, present)
        means = jax.tree.map(jnp.divide, total, count)
        due = ((idx + 1) % self.interval == 0) | (idx == tape.last)
        written = tape.tape.write(due, idx // self.interval, idx, means)

        def cleared(tree):
            return jax.tree.map(lambda v: jnp.where(due, 0.0, v), tree)

        return _WindowTape(written, cleared(total), cleared(residual), cleared(count), tape.last)

    def finish(self, tape):
        return tape.tape.values
