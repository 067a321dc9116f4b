"""The one loop: a learner carried over a stream, chunk by chunk, in one compiled program."""

import functools as ft
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from .._compiled import strong
from .._one_kernel import (
    COMPILER_OPTIONS,
    ZERO,
    gains_from_one_kernel,
    nothing_traced,
    one_kernel,
)
from .._ranges import require_count
from .recorders import AbstractRecorder
from .rollouts import begun, ended, rollable

# Steps of a chunk at which the cost per step is least: long enough to hide the dispatch, short
# enough for the drawn experience to stay in cache.
_CHUNK, _CHUNK_OF_MANY = 4096, 1024
_CHUNK_BYTES = 64 * 2**20


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
    batched: bool = False,
    shared_stream: bool = False,
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
    - `batched`: `state` and `stream_state` carry a leading axis of lanes, learned from side by
      side; learner and stream are shared.
    - `shared_stream`: with `batched`, `stream_state` has no lanes: all learn from the same
      experience.

    **Returns:** `(state, stream_state)`, the outputs with time as first axis (second, after the
    lanes, if batched; None without `keep_outputs`), and one history for each recorder.

    **Raises:** `ValueError`, `TypeError` for a bad `num_steps` or `chunk_size`.
    """
    require_count("drive", "num_steps", num_steps, low=0, high=2**31)
    if chunk_size is not None:
        require_count("drive", "chunk_size", chunk_size)
    num_steps, stream = int(num_steps), rollable(stream)
    lanes = jax.tree.leaves(state)[0].shape[0] if batched else None
    learner, stream = strong(learner), strong(stream)
    axes = (0, None if shared_stream else 0) if batched else None
    stream_state = begun(stream, stream_state, None if shared_stream else lanes)
    tapes = ()
    if recorders:
        tapes = _blank_tapes(
            learner, stream, recorders, state, stream_state, num_steps=num_steps, axes=axes
        )
    if chunk_size is None:
        chunk_size = _fitting_chunk(stream, stream_state, num_steps, lanes, axes)
    run_chunk = _drive_chunk
    if not nothing_traced():
        run_chunk = _drive_inside
    elif axes is None and gains_from_one_kernel(learner, state, recorders):
        run_chunk = _drive_alone
    parts, done = [], 0
    while done < num_steps:
        length = min(chunk_size, num_steps - done)
        (state, stream_state, tapes), outputs = run_chunk(
            learner,
            stream,
            recorders,
            (state, stream_state),
            tapes,
            jnp.int32(done),
            ZERO,
            num_steps=length,
            keep_outputs=keep_outputs,
            axes=axes,
        )
        parts.append(outputs)
        done += length
        if after_chunk is not None:
            after_chunk(done, (state, ended(stream, stream_state)))
    if keep_outputs and not parts:
        shapes = _one_step.eval_shape(learner, stream, state, stream_state, axes=axes)
        lead = () if lanes is None else (lanes,)
        parts = [jax.tree.map(lambda s: jnp.zeros((*lead, 0, *s.shape), s.dtype), shapes)]
    outputs = None
    if keep_outputs:
        outputs = parts[0] if len(parts) == 1 else _joined(parts, axis=1 if batched else 0)
    histories = tuple(r.finish(tape) for r, tape in zip(recorders, tapes, strict=True))
    return (state, ended(stream, stream_state)), outputs, histories


def _chunk(
    learner, stream, recorders, states, tapes, offset, zero, *, num_steps, keep_outputs, axes, call
):
    def draw(stream_state):
        return stream.rollout(stream_state, num_steps)

    def learn(state, tapes, experience):
        def body(carry, now):
            (state, tapes), (idx, one) = carry, now
            state, outputs = learner.learn(state, one)
            pairs = zip(recorders, tapes, strict=True)
            tapes = tuple(r.step(tape, idx, learner, state, outputs) for r, tape in pairs)
            return (state, tapes), outputs if keep_outputs else None

        steps = offset + jnp.arange(num_steps, dtype=jnp.int32)
        return jax.lax.scan(body, (state, tapes), (steps, experience))

    state, stream_state = states
    if axes is None:
        experience, stream_state = draw(stream_state)
        (state, tapes), outputs = call(zero, learn, state, tapes, experience)
    else:
        drawn = draw if axes[1] is None else jax.vmap(draw)
        experience, stream_state = drawn(stream_state)
        learned = jax.vmap(learn, in_axes=(0, 0, axes[1]))
        (state, tapes), outputs = learned(state, tapes, experience)
    return (state, stream_state, tapes), outputs


_compiled_chunk = ft.partial(jax.jit, static_argnames=("num_steps", "keep_outputs", "axes"))
_in_parts = ft.partial(_chunk, call=lambda zero, learn, *args: learn(*args))
_drive_chunk = _compiled_chunk(_in_parts, donate_argnames="tapes")
# Under vmap a tape takes on lanes that its blank buffer does not have.
_drive_inside = _compiled_chunk(_in_parts)
_drive_alone = _compiled_chunk(
    ft.partial(_chunk, call=one_kernel),
    donate_argnames="tapes",
    compiler_options=COMPILER_OPTIONS,
)


def _first_lane(states, axes):
    """One lane of the states, whose axes of lanes are `axes` (None: no lanes at all)."""
    if axes is None:
        return states
    return tuple(
        tree if axis is None else jax.tree.map(lambda a: a[0], tree)
        for tree, axis in zip(states, axes, strict=True)
    )


@ft.partial(jax.jit, static_argnames="axes")
def _one_step(learner, stream, state, stream_state, *, axes):
    """The outputs of one step of one lane; evaluated for their shapes alone."""
    state, stream_state = _first_lane((state, stream_state), axes)
    experience, _ = stream.rollout(stream_state, 1)
    return learner.learn(state, jax.tree.map(lambda a: a[0], experience))[1]


@ft.partial(jax.jit, static_argnames=("num_steps", "axes"))
def _blank_tapes(learner, stream, recorders, state, stream_state, *, num_steps, axes):
    outputs = jax.eval_shape(ft.partial(_one_step, axes=axes), learner, stream, state, stream_state)

    def blank(state):
        return tuple(r.init(num_steps, learner, state, outputs) for r in recorders)

    return blank(state) if axes is None else jax.vmap(blank)(state)


@jax.jit(static_argnames="axis")
def _joined(parts, axis):
    return jax.tree.map(lambda *arrays: jnp.concatenate(arrays, axis), *parts)


@jax.jit(static_argnames="axes")
def _one_rollout(stream, stream_state, *, axes):
    (stream_state,) = _first_lane((stream_state,), None if axes is None else axes[1:])
    return stream.rollout(stream_state, 1)[0]


def _fitting_chunk(stream, stream_state, num_steps, lanes, axes):
    experience = _one_rollout.eval_shape(stream, stream_state, axes=axes)
    step_bytes = sum(math.prod(s.shape) * s.dtype.itemsize for s in jax.tree.leaves(experience))
    target = _CHUNK if lanes is None else _CHUNK_OF_MANY
    target = max(1, min(target, _CHUNK_BYTES // max(1, step_bytes * (lanes or 1))))
    if num_steps <= 2 * target:
        return max(1, num_steps)
    for length in range(2 * target, target // 4, -1):
        if num_steps % length == 0:
            return length
    return math.ceil(num_steps / math.ceil(num_steps / target))
