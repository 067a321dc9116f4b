"""A chunk of the loop as a compiled program, in the form that suits learner and batch."""

import functools as ft
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from ..compilation.execution_plan import (
    ByStructure,
    Program,
    bytes_of,
    execution_plan,
    is_small,
    nothing_traced,
    on_one_device,
)
from ..compilation.lanes_last import multiplies_matrices, over_last_axis
from ..compilation.one_kernel import small_loop
from ..learners import learned
from .ahead import draw, usable_cores
from .lanes import Lanes
from .recorders import AbstractRecorder
from .tiles import Tiles, each

# With fewer lanes than this, or with more numbers of one learner than this in an array, the last
# axis is better left to the learner's own.
_FEWEST_LANES, _MOST_NUMBERS = 16, 40
_PLAIN, _SMALL, _EACH_LANE, _LANES_LAST = "plain", "small", "each lane", "lanes last"


class ChunkPlan(eqx.Module):
    """How a chunk is compiled.

    - `form`: of what learns.
    - `apart`: whether a program of its own draws, so that another core can.
    - `parts`: among how many cores the lanes are shared out.
    """

    form: str = eqx.field(static=True)
    apart: bool = eqx.field(static=True)
    parts: int = eqx.field(static=True)


def planned(
    learner: Any,
    recorders: tuple[AbstractRecorder, ...],
    state: Any,
    experience: Any,
    lanes: Lanes | None,
) -> ChunkPlan:
    """The plan for these states; of `experience` one step of one lane, as shapes and dtypes."""
    traced = not nothing_traced()
    divided = lanes is not None and lanes.mesh is not None
    form = _PLAIN
    if not traced and (divided or on_one_device(state)):
        form = _form(learner, recorders, state, experience, lanes=lanes)
    apart = not (traced or divided)
    parts = 1
    if apart and lanes is not None and form in (_EACH_LANE, _LANES_LAST):
        fewest = 1 if form == _EACH_LANE else _FEWEST_LANES // 2
        parts = max(1, min(usable_cores(), lanes.count(state)[0] // fewest))
    return ChunkPlan(form, apart, parts)


@ByStructure
def _form(learner, recorders, state, experience, *, lanes):
    plan = execution_plan()
    if not plan.small_loop(learner, recorders):
        return _PLAIN
    one, count = state, 1
    if lanes is not None:
        one, count = jax.eval_shape(lanes.one, state), math.prod(lanes.count(state))
    if count == 1:
        return _SMALL if is_small((learner, state, recorders)) else _PLAIN
    # One life after the other, each with its state in the cache.
    each = plan.uses("small loops") and is_small((learner, one, recorders))
    if _learns_by_matrices(learner, one, experience):
        # Wide networks leave the cache at every step side by side, and one after the other seldom.
        busy = plan.uses("small loops") and count >= usable_cores()
        return _EACH_LANE if each or busy else _PLAIN
    if count >= _FEWEST_LANES and _few_numbers(one) and plan.uses("lanes last"):
        return _LANES_LAST if is_small((learner, state, recorders)) else _PLAIN
    if each:
        return _EACH_LANE
    return _SMALL if is_small((learner, state, recorders)) else _PLAIN


def _learns_by_matrices(learner, state, experience):
    return multiplies_matrices(jax.make_jaxpr(learned)(learner, state, experience))


def _few_numbers(state: Any) -> bool:
    return all(leaf.size <= _MOST_NUMBERS for leaf in jax.tree.leaves(state))


def chunk_program(plan: ChunkPlan, lanes: Lanes | None) -> Callable:
    """`program(fixed, state, tapes, stream_state, num_steps, keep_outputs)`: draws and learns.

    `fixed` are learner, stream, recorders, the number of the first step, and `ZERO`. It gives
    `(state, tapes, outputs), stream_state` after the chunk.
    """
    if not nothing_traced():
        return ft.partial(_chunk_inside, lanes=lanes, form=_PLAIN)
    return ft.partial(_chunks, plan.form != _PLAIN, lanes=lanes, form=plan.form)


class LearningProgram:
    """`program(fixed, state, tapes, experience, keep_outputs)`, which learns what is drawn."""

    def __init__(self, plan: ChunkPlan, lanes: Lanes | None):
        self._small = plan.form != _PLAIN
        self._static = {"lanes": lanes, "form": plan.form}

    def __call__(self, *args: Any, keep_outputs: bool) -> tuple[Any, Any, Any]:
        return _learned(self._small, *args, keep_outputs=keep_outputs, **self._static)

    def prepare(self, *args: Any, keep_outputs: bool) -> None:
        """Compile it for such arguments, shapes and dtypes among them."""
        _learned.prepare(self._small, *args, keep_outputs=keep_outputs, **self._static)


def _chunk(fixed, state, tapes, stream_state, *, num_steps, keep_outputs, lanes, form):
    def both(fixed, own, stream_state):
        experience, stream_state = draw(fixed[1], stream_state, num_steps=num_steps, lanes=lanes)
        options = {"keep_outputs": keep_outputs, "lanes": lanes, "form": form}
        state, tapes = own
        return _learn(fixed, state, tapes, experience, **options), stream_state

    run: Any = both if lanes is None else lanes.divided(both)
    return run(fixed, (state, tapes), stream_state)


def _learn(fixed, state, tapes, experience, *, keep_outputs, lanes, form):
    learner, _, recorders, offset, zero = fixed

    def step(learner, state, tapes, idx, experience):
        before, (state, outputs) = state, learned(learner, state, experience)
        tapes = tuple(
            r.step(tape, idx, learner, state, r.told(learner, before, experience, outputs))
            for r, tape in zip(recorders, tapes, strict=True)
        )
        return state, tapes, outputs if keep_outputs else None

    def learn(learner, indices, state, tapes, experience):
        def body(carry, now):
            (state, tapes), (idx, one) = carry, now
            state, tapes, outputs = step(learner, state, tapes, idx, one)
            return (state, tapes), outputs

        return jax.lax.scan(body, (state, tapes), (indices, experience))

    num_steps = (lanes or Lanes(shared_stream=True)).steps_of(experience)
    indices = offset + jnp.arange(num_steps, dtype=jnp.int32)
    if form == _LANES_LAST:
        last = ft.partial(_learned_lanes_last, zero, step, lanes)
        (state, tapes), outputs = last(learner, indices, state, tapes, experience)
    elif lanes is None and form == _SMALL:
        alone = ft.partial(small_loop, zero, learn)
        (state, tapes), outputs = alone(learner, indices, state, tapes, experience)
    elif lanes is None:
        (state, tapes), outputs = learn(learner, indices, state, tapes, experience)
    elif form == _EACH_LANE:
        one_by_one = lanes.one_by_one(ft.partial(learn, learner, indices))
        (state, tapes), outputs = one_by_one(state, tapes, experience)
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
    return jax.tree.map(joined, small_loop(zero, scanned, learner, indices, carry, seen))


# Under vmap a tape takes on lanes that its blank buffer does not have.
_STATIC = ("num_steps", "keep_outputs", "lanes", "form")
_chunk_inside = jax.jit(_chunk, static_argnames=_STATIC)
_chunks = Program(_chunk, static_argnames=_STATIC, donate_argnames="tapes")
_learned = Program(_learn, static_argnames=_STATIC[1:], donate_argnames="tapes")
