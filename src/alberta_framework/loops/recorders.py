"""Recorders: what a loop writes down, and when."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..components.numbers import compensated_add
from ..components.ranges import require_count


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

    def told(self, learner: Any, state: Any, experience: Any, outputs: Any) -> Any:
        """What `init` and `step` are given as `outputs` of a step that began in `state`."""
        return self._told(learner, state, experience, outputs)

    # A recorder of what the loop puts out has nothing to say here.
    def _told(self, learner: Any, state: Any, experience: Any, outputs: Any) -> Any:
        return outputs


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
        """Write to row `slot` if `due`, else what is there, so that there is no branch."""

        def put(buffer, value):
            row = jax.lax.dynamic_index_in_dim(buffer, slot, keepdims=False)
            row = jnp.where(due, value, row)
            return jax.lax.dynamic_update_index_in_dim(buffer, row, slot, 0)

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
    """Of each window the sum, what rounding left of it, and how many numbers there were.

    The three are one axis of one buffer, after that of the windows: XLA writes a buffer in place
    if nothing but its own row is read for it.
    """

    buffers: tuple[Float[Array, "..."], ...]
    ranks: tuple[int, ...] = eqx.field(static=True)
    structure: Any = eqx.field(static=True)

    def means(self) -> PyTree[Array]:
        """The means, of JAX's arrays or of NumPy's; NaN for a window without numbers."""
        found = []
        for buffer, rank in zip(self.buffers, self.ranks, strict=True):
            lead = (slice(None),) * (buffer.ndim - rank - 1)
            with np.errstate(invalid="ignore"):
                found.append(buffer[(*lead, 0)] / buffer[(*lead, 2)])
        return jax.tree.unflatten(self.structure, found)


class WindowMean(AbstractRecorder):
    """Means of the loop's outputs over windows of n steps, the last one shorter if need be.

    NaN outputs (a rejected step, an inactive head) are left out, element by element; a window that
    holds nothing else is NaN. Sums carry a residual, so a window may be long.
    """

    interval: int = eqx.field(static=True)

    def __check_init__(self):
        require_count("WindowMean", "interval", self.interval)

    def init(self, num_steps, learner, state, outputs):
        shape = (recordings(num_steps, self.interval), 3)
        leaves, structure = jax.tree.flatten(outputs)
        buffers = tuple(jnp.zeros((*shape, *leaf.shape), jnp.float32) for leaf in leaves)
        return _WindowTape(buffers, tuple(leaf.ndim for leaf in leaves), structure)

    def step(self, tape, idx, learner, state, outputs):
        slot = idx // self.interval

        def added(buffer, value):
            total, residual, count = jax.lax.dynamic_index_in_dim(buffer, slot, keepdims=False)
            present = ~jnp.isnan(value)
            value = jnp.where(present, value.astype(jnp.float32), 0.0)
            row = jnp.stack(
                [*compensated_add(total, residual, value), count + present.astype(jnp.float32)]
            )
            return jax.lax.dynamic_update_index_in_dim(buffer, row, slot, 0)

        pairs = zip(tape.buffers, jax.tree.leaves(outputs), strict=True)
        return _WindowTape(tuple(added(*pair) for pair in pairs), tape.ranks, tape.structure)

    def finish(self, tape):
        return tape.means()
