"""The one loop: a learner carried over a stream, chunk by chunk, in one compiled program."""

import functools as ft
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..compilation.boundary import strong
from ..compilation.execution_plan import bytes_of
from ..compilation.one_kernel import ZERO
from ..components.ranges import require_count
from .ahead import chunk_shapes, drawn, drawn_ahead, step_shapes
from .chunk import ChunkPlan, LearningProgram, chunk_program, planned
from .lanes import Lanes
from .parts import Parts, joined, on_each_core, times_seen
from .recorders import AbstractRecorder
from .rollouts import begun, ended, next_step, require_fit, rollable

# Steps of a chunk at which the cost per step is least: long enough to hide the dispatch, short
# enough for the drawn experience to stay in cache; but never so few that nothing is hidden.
_CHUNK, _CHUNK_OF_MANY, _SHORTEST_CHUNK = 4096, 1024, 16
_CHUNK_BYTES = 4 * 2**20


def drive(
    learner: Any,
    stream: Any,
    num_steps: int,
    *,
    state: Any,
    stream_state: Any,
    recorders: tuple[AbstractRecorder, ...] = (),
    keep_outputs: bool = True,
    chunk_size: int | None = None,
    after_chunk: Callable[[int, tuple[Any, Any]], None] | None = None,
    lanes: Lanes | None = None,
    finish: bool = True,
) -> tuple[tuple[Any, Any], Any, tuple[Any, ...]]:
    """Carry `learner` over `num_steps` of `stream`.

    Each chunk of experience is drawn at once and learned from step by step. The program is compiled
    once for each structure of learner, stream and recorders and each chunk length; other numbers,
    keys and states never compile again.

    **Arguments:**

    - `learner`: has `learn(state, experience) -> (state, outputs)`.
    - `stream`: has `rollout(stream_state, num_steps)`, or a `step` to scan.
    - `num_steps`: 0 to 2^31 - 1 in one call.
    - `state`, `stream_state`: where to start, as `init` or an earlier call gave them. Going on from
      a chunk boundary with the same chunk length is bit-identical to not having stopped.
    - `recorders`: what to write down besides; their steps count from 0 in each call.
    - `keep_outputs`: whether to return the outputs of every step (memory grows with `num_steps`).
    - `chunk_size`: steps of a chunk; None takes one fit for speed and memory that divides
      `num_steps` where one does (a remainder compiles a second program).
    - `after_chunk(done, (state, stream_state))`: called after each chunk is dispatched; what it
      raises ends the loop.
    - `lanes`: how the states are batched, if they are.
    - `finish`: whether to return the recorders' histories; else their tapes, for `recorder.finish`.
      JAX may wait for the loop before it makes histories of them.

    **Returns:** `(state, stream_state)`, the outputs with time as first axis (second, after the
    lanes and members, if batched; None without `keep_outputs`), and one history for each recorder.

    **Raises:** `ValueError`, `TypeError` for a bad `num_steps`, `chunk_size` or `lanes`.
    """
    require_count("drive", "num_steps", num_steps, low=0, high=2**31)
    if chunk_size is not None:
        require_count("drive", "chunk_size", chunk_size)
    if not isinstance(lanes, Lanes | None):
        raise TypeError(f"drive: `lanes` must be a Lanes or None, got {lanes!r}.")
    num_steps, stream = int(num_steps), rollable(stream)
    learner, stream = strong(learner), strong(stream)
    count = None if lanes is None else lanes.count(state)[0]
    shared_stream = lanes is not None and lanes.shared_stream
    stream_state = begun(stream, stream_state, None if shared_stream else count)
    tapes = ()
    if recorders:
        tapes = _blank_tapes(
            learner, stream, recorders, state, stream_state, num_steps=num_steps, lanes=lanes
        )
    target = _CHUNK if lanes is None else _CHUNK_OF_MANY
    length = _fitting_chunk(num_steps, target) if chunk_size is None else chunk_size
    chunk = chunk_shapes(stream, stream_state, min(length, max(num_steps, 1)), lanes)
    experience = step_shapes(chunk, lanes)
    require_fit(learner, stream, experience)
    affordable = _CHUNK_BYTES // max(1, bytes_of(experience) * (count or 1))
    if chunk_size is None and affordable < target:
        length = _fitting_chunk(num_steps, max(_SHORTEST_CHUNK, affordable))
    plan = planned(learner, recorders, state, experience, lanes)
    axes = 0 if lanes is None else lanes.axes
    loop = _Loop(plan, learner, stream, recorders, _lengths(num_steps, length), keep_outputs, lanes)
    parts, done, carried = [], 0, lambda: (state, tapes, stream_state)
    for length, carried, outputs in loop.chunks(state, tapes, stream_state):
        parts.append(outputs)
        done += length
        if after_chunk is not None:
            now, _, stream_now = carried()
            after_chunk(done, (now, ended(stream, stream_now)))
    state, tapes, stream_state = carried()
    if keep_outputs and not parts:
        shapes = _one_step.eval_shape(learner, stream, state, stream_state, lanes=lanes)
        lead = jax.tree.leaves(state)[0].shape[:axes]
        parts = [jax.tree.map(lambda s: jnp.zeros((*lead, 0, *s.shape), s.dtype), shapes)]
    outputs = None
    if keep_outputs:
        outputs = joined(parts, axes)
    if finish:
        tapes = tuple(r.finish(tape) for r, tape in zip(recorders, tapes, strict=True))
    return (state, ended(stream, stream_state)), outputs, tapes


def _lengths(num_steps: int, chunk_size: int) -> list[int]:
    whole, rest = divmod(num_steps, chunk_size)
    return [chunk_size] * whole + [rest] * (rest > 0)


# Of each chunk its length, what gives the carried state, tapes and stream's state, and the outputs.
Chunks = Iterator[tuple[int, Callable[[], tuple[Any, Any, Any]], Any]]


@dataclass
class _Loop:
    """One call of `drive`: chunk by chunk, in one of three ways."""

    plan: ChunkPlan
    learner: Any
    stream: Any
    recorders: tuple[AbstractRecorder, ...]
    lengths: list[int]
    keep_outputs: bool
    lanes: Lanes | None

    def chunks(self, state: Any, tapes: Any, stream_state: Any) -> Chunks:
        if not self.lengths:
            return iter(())
        if not self.plan.apart:
            return self._together(state, tapes, stream_state)
        if self.plan.parts > 1:
            return self._by_parts(state, tapes, stream_state)
        return self._ahead(state, tapes, stream_state)

    def _fixed(self, done: int) -> tuple:
        return self.learner, None, self.recorders, np.int32(done), ZERO

    def _together(self, state, tapes, stream_state):
        """One program draws and learns."""
        run, done = chunk_program(self.plan, self.lanes), 0
        keep = {"keep_outputs": self.keep_outputs}
        for length in self.lengths:
            fixed = self.learner, self.stream, *self._fixed(done)[2:]
            (state, tapes, outputs), stream_state = run(
                fixed, state, tapes, stream_state, num_steps=length, **keep
            )
            done += length
            yield length, _given(state, tapes, stream_state), outputs

    def _ahead(self, state, tapes, stream_state):
        """One program draws a chunk while another one learns the chunk before."""
        learn, done, before = LearningProgram(self.plan, self.lanes), 0, None
        keep = {"keep_outputs": self.keep_outputs}
        first = chunk_shapes(self.stream, stream_state, self.lengths[0], self.lanes)
        arguments = self._fixed(0), state, tapes, first
        turn = times_seen(*arguments, **keep)
        # The very first time one thread compiles what learns while another one draws.
        prepare = None if turn[0] else ft.partial(learn.prepare, *arguments, **keep)
        turn[0] += 1
        drawn = drawn_ahead(self.stream, stream_state, self.lengths, self.lanes, prepare)
        for length, (experience, stream_state) in zip(self.lengths, drawn, strict=True):
            # Experience that waits to be learned takes memory: one chunk at most does.
            jax.block_until_ready(before)
            before = state
            state, tapes, outputs = learn(self._fixed(done), state, tapes, experience, **keep)
            done += length
            yield length, _given(state, tapes, stream_state), outputs

    def _by_parts(self, state, tapes, stream_state):
        """Each core draws and learns the chunk of some of the lanes."""
        lanes = self.lanes or Lanes()
        learn, keep = LearningProgram(self.plan, lanes), {"keep_outputs": self.keep_outputs}
        parts = Parts(lanes.count(state)[0], self.plan.parts)
        own_streams = None if lanes.shared_stream else stream_state
        own = [
            (0, *own[:2], stream_state if lanes.shared_stream else own[2], None)
            for own in parts.cut((state, tapes, own_streams))
        ]
        steps = [0, *itertools.accumulate(self.lengths)]

        def work(_, carried):
            index, state, tapes, stream_state, _ = carried
            length, fixed = self.lengths[index], self._fixed(steps[index])
            experience, stream_state = drawn(self.stream, stream_state, length, lanes)
            state, tapes, outputs = learn(fixed, state, tapes, experience, **keep)
            return index + 1, *jax.block_until_ready((state, tapes, stream_state, outputs))

        rounds = on_each_core(work, own)
        for length, found in zip(self.lengths, rounds, strict=False):
            _, states, all_tapes, streams, outputs = (list(of) for of in zip(*found, strict=True))

            def carried(states=states, all_tapes=all_tapes, streams=streams):
                ends = streams[0] if lanes.shared_stream else parts.joined(streams)
                return parts.joined(states), parts.joined(all_tapes), ends

            yield length, carried, parts.joined(outputs) if self.keep_outputs else None


def _given(*carried: Any) -> Callable[[], Any]:
    return lambda: carried


@ft.partial(jax.jit, static_argnames="lanes")
def _one_step(learner, stream, state, stream_state, *, lanes):
    """The outputs of one step of one learner; evaluated for their shapes alone."""
    return _told(learner, stream, (), state, stream_state, lanes=lanes)[0]


def _told(learner, stream, recorders, state, stream_state, *, lanes):
    """The outputs of one step of one learner, and what each recorder is told of it."""
    if lanes is not None:
        state, stream_state = lanes.first(state, stream_state)
    experience, outputs = next_step(learner, stream, state, stream_state)
    return outputs, tuple(r.told(learner, state, experience, outputs) for r in recorders)


@ft.partial(jax.jit, static_argnames=("num_steps", "lanes"))
def _blank_tapes(learner, stream, recorders, state, stream_state, *, num_steps, lanes):
    one_step = ft.partial(_told, lanes=lanes)
    _, told = jax.eval_shape(one_step, learner, stream, recorders, state, stream_state)

    def blank(state):
        pairs = zip(recorders, told, strict=True)
        return tuple(r.init(num_steps, learner, state, outputs) for r, outputs in pairs)

    return blank(state) if lanes is None else lanes.over_states(blank)(state)


def _fitting_chunk(num_steps: int, target: int) -> int:
    """About `target` steps, in chunks of equal length where there is such a length."""
    if num_steps <= 2 * target:
        return max(1, num_steps)
    for length in range(2 * target, target // 4, -1):
        if num_steps % length == 0:
            return length
    return math.ceil(num_steps / math.ceil(num_steps / target))
