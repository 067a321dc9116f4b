"""A chunk of the loop as a compiled program, in the form that suits learner and batch."""

import functools as ft
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from .._lanes_last import multiplies_matrices, over_last_axis
from .._one_kernel import (
    COMPILER_OPTIONS,
    bytes_of,
    gains_from_one_kernel,
    nothing_traced,
    one_kernel,
)
from .lanes import Lanes
from .recorders import AbstractRecorder
from .tiles import Tiles, each

# XLA:CPU hands reductions and products of many small lanes to a library that is slower at them.
_LANES_OPTIONS = {"xla_disable_hlo_passes": "dot-library-rewriter"}
# With fewer lanes than this, or with more numbers of one learner than this in an array, the last
# axis is better left to the learner's own.
_FEWEST_LANES, _MOST_NUMBERS = 8, 40
_MANY_KERNELS, _ONE_KERNEL, _LANES_LAST = "many kernels", "one kernel", "lanes last"


class ChunkPlan(eqx.Module):
    """What a chunk will draw, and how it is compiled.

    - `experience`: shapes and dtypes of one step of one lane.
    """

    experience: Any
    form: str = eqx.field(static=True)


def planned(
    learner: Any,
    stream: Any,
    recorders: tuple[AbstractRecorder, ...],
    state: Any,
    stream_state: Any,
    lanes: Lanes | None,
) -> ChunkPlan:
    """The plan for these states; only their structure, shapes and dtypes matter."""
    return _planned.eval_shape(learner, stream, recorders, state, stream_state, lanes=lanes)


@ft.partial(jax.jit, static_argnames="lanes")
def _planned(learner, stream, recorders, state, stream_state, *, lanes):
    one = state
    if lanes is not None:
        one, stream_state = lanes.first(state, stream_state)
    drawn, _ = stream.rollout(stream_state, 1)
    experience = jax.tree.map(lambda a: a[0], drawn)
    form = _MANY_KERNELS
    if gains_from_one_kernel(learner, state, recorders):
        if lanes is None:
            form = _ONE_KERNEL
        elif math.prod(lanes.count(state)) >= _FEWEST_LANES and _small(one):
            matrices = multiplies_matrices(learner.learn, one, experience)
            form = _MANY_KERNELS if matrices else _LANES_LAST
    return ChunkPlan(experience, form)


def _small(state: Any) -> bool:
    return all(leaf.size <= _MOST_NUMBERS for leaf in jax.tree.leaves(state))


def program_for(plan: ChunkPlan, lanes: Lanes | None) -> Callable:
    """`program(fixed, state, tapes, stream_state, num_steps, keep_outputs)`.

    `fixed` are learner, stream, recorders, the number of the first step, and `ZERO`. It gives
    `(state, tapes, outputs), stream_state` after the chunk.
    """
    if not nothing_traced():
        return ft.partial(_chunk_inside, lanes=lanes, form=_MANY_KERNELS)
    if plan.form == _ONE_KERNEL:
        program = _chunk_in_one_kernel
    elif plan.form == _LANES_LAST:
        # One kernel runs on one core. A sweep has one for each device; else another core may draw.
        apart = lanes is not None and not lanes.members and lanes.mesh is None
        program = _chunk_drawn_apart if apart else _chunk_in_one_kernel
    else:
        program = _chunk_alone if lanes is None else _chunk_of_lanes
    return ft.partial(program, lanes=lanes, form=plan.form)


def _chunk(fixed, state, tapes, stream_state, *, num_steps, keep_outputs, lanes, form):
    def run(fixed, own, stream_state):
        options = {"lanes": lanes, "form": form}
        experience, stream_state = _draw(fixed, stream_state, num_steps=num_steps, **options)
        state, tapes = own
        options["keep_outputs"] = keep_outputs
        return _learn(fixed, state, tapes, experience, **options), stream_state

    run = run if lanes is None else lanes.divided(run)
    return run(fixed, (state, tapes), stream_state)


def _draw(fixed, stream_state, *, num_steps, lanes, form):
    _, stream, _, _, zero = fixed

    def draw(stream_state):
        return stream.rollout(stream_state, num_steps)

    drawing = draw if lanes is None else lanes.drawing(draw)
    if form != _MANY_KERNELS and gains_from_one_kernel(stream, stream_state):
        # Apart from what learns, so that XLA does not fuse the two.
        return one_kernel(zero, drawing, stream_state)
    return drawing(stream_state)


def _learn(fixed, state, tapes, experience, *, keep_outputs, lanes, form):
    learner, _, recorders, offset, zero = fixed

    def step(learner, state, tapes, idx, experience):
        state, outputs = learner.learn(state, experience)
        pairs = zip(recorders, tapes, strict=True)
        tapes = tuple(r.step(tape, idx, learner, state, outputs) for r, tape in pairs)
        return state, tapes, outputs if keep_outputs else None

    def learn(learner, indices, state, tapes, experience):
        def body(carry, now):
            idx, one = now
            *carry, outputs = step(learner, *carry, idx, one)
            return tuple(carry), outputs

        return jax.lax.scan(body, (state, tapes), (indices, experience))

    num_steps = jax.tree.leaves(experience)[0].shape[0]
    indices = offset + jnp.arange(num_steps, dtype=jnp.int32)
    if form == _LANES_LAST:
        last = ft.partial(_learned_lanes_last, zero, step, lanes)
        (state, tapes), outputs = last(learner, indices, state, tapes, experience)
    elif form == _ONE_KERNEL:
        alone = ft.partial(one_kernel, zero, learn)
        (state, tapes), outputs = alone(learner, indices, state, tapes, experience)
    elif lanes is None:
        (state, tapes), outputs = learn(learner, indices, state, tapes, experience)
    else:
        each_lane = lanes.learning(ft.partial(learn, learner, indices))
        (state, tapes), outputs = each_lane(state, tapes, experience)
    return state, tapes, outputs


def _learned_lanes_last(zero, step, lanes, learner, indices, state, tapes, experience):
    count, members = lanes.count(state)
    tiles = Tiles.of(count, members, bytes_of(state) // (count * members))
    own_experience = not lanes.shared_stream

    def of_tile(learner, indices, experience, carry):
        def body(carry, now):
            idx, one = now
            one = jax.tree.map(tiles.spread, one) if own_experience else one
            arguments = (learner, *carry, idx, one)
            shared = (True, False, False, True, not own_experience)
            *carry, outputs = over_last_axis(step, *arguments, lanes=tiles.width, shared=shared)
            return tuple(carry), outputs

        return jax.lax.scan(body, carry, (indices, experience))

    def scanned(learner, indices, carry, experience):
        def of_lanes(carry, *own):
            (seen,) = own or (experience,)
            return each(ft.partial(of_tile, learner, indices, seen), carry)

        return each(of_lanes, carry, *([experience] if own_experience else []))

    def cut(array):
        return tiles.cut(array if lanes.members else array[:, None])

    def joined(array):
        array = tiles.joined(array)
        return array if lanes.members else array[:, 0]

    seen = jax.tree.map(tiles.seen, experience) if own_experience else experience
    carry = jax.tree.map(cut, (state, tapes))
    return jax.tree.map(joined, one_kernel(zero, scanned, learner, indices, carry, seen))


def _chunk_drawn_apart(fixed, state, tapes, stream_state, *, num_steps, keep_outputs, lanes, form):
    """Draws in a program of its own, of as many kernels as XLA likes."""
    _, stream, *_ = fixed
    experience, stream_state = _drawn(stream, stream_state, num_steps=num_steps, lanes=lanes)
    options = {"keep_outputs": keep_outputs, "lanes": lanes, "form": form}
    return _learned(fixed, state, tapes, experience, **options), stream_state


@ft.partial(jax.jit, static_argnames=("num_steps", "lanes"))
def _drawn(stream, stream_state, *, num_steps, lanes):
    return lanes.drawing(lambda state: stream.rollout(state, num_steps))(stream_state)


# Under vmap a tape takes on lanes that its blank buffer does not have.
_STATIC = ("num_steps", "keep_outputs", "lanes", "form")
_chunk_inside = jax.jit(_chunk, static_argnames=_STATIC)
_with_tapes = ft.partial(jax.jit, donate_argnames="tapes")
_chunk_alone = _with_tapes(_chunk, static_argnames=_STATIC)
_chunk_of_lanes = _with_tapes(_chunk, static_argnames=_STATIC, compiler_options=_LANES_OPTIONS)
_in_one_kernel = ft.partial(_with_tapes, compiler_options=COMPILER_OPTIONS)
_chunk_in_one_kernel = _in_one_kernel(_chunk, static_argnames=_STATIC)
_learned = _in_one_kernel(_learn, static_argnames=_STATIC[1:])
