"""A chunk of the loop as a compiled program, in the form that suits learner and batch."""

import functools as ft
import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from .._lanes_last import multiplies_matrices, over_last_axis
from .._one_kernel import (
    COMPILER_OPTIONS,
    gains_from_one_kernel,
    nothing_traced,
    one_kernel,
)
from .recorders import AbstractRecorder
from .tiles import Tiles, each

# XLA:CPU hands reductions and products of many small lanes to a library that is slower at them.
_LANES_OPTIONS = {"xla_disable_hlo_passes": "dot-library-rewriter"}
# With fewer lanes than this the last axis of an array is no longer for it.
_FEWEST_LANES = 8


@dataclass(frozen=True)
class Lanes:
    """How states are batched.

    - `shared_stream`: all lanes learn from the same experience, so the stream's state has none.
    - `members`: each lane carries several learners, along the second axis of the state, that learn
      from the lane's experience.
    """

    shared_stream: bool = False
    members: bool = False

    def first(self, state: Any, stream_state: Any) -> tuple[Any, Any]:
        """The state of the first learner and of its stream."""
        state = jax.tree.map(lambda a: a[(0, 0) if self.members else 0], state)
        if not self.shared_stream:
            stream_state = jax.tree.map(lambda a: a[0], stream_state)
        return state, stream_state

    def drawing(self, fn: Any) -> Any:
        """`fn(stream_state)`, which draws experience, for all streams; time comes before lanes.

        XLA draws fastest in the order in which a scan reads.
        """
        return fn if self.shared_stream else jax.vmap(fn, out_axes=(1, 0))

    def learning(self, fn: Any) -> Any:
        """`fn(state, tapes, experience)` for all learners."""
        if self.members:
            fn = jax.vmap(fn, in_axes=(0, 0, None))
        return jax.vmap(fn, in_axes=(0, 0, None if self.shared_stream else 1))


def program_for(
    learner: Any,
    state: Any,
    recorders: tuple[AbstractRecorder, ...],
    experience: Any,
    lanes: Lanes | None,
    mesh: Mesh | None,
) -> Any:
    """What runs a chunk: `program(learner, stream, recorders, states, tapes, offset, ...)`.

    **Arguments:** `experience`: the shapes and dtypes of one step of one lane.
    """
    if not nothing_traced():
        return ft.partial(_chunk_inside, lanes=lanes)
    small = gains_from_one_kernel(learner, state, recorders)
    if lanes is None:
        program = _chunk_in_one_kernel if small else _chunk_alone
    elif small and _gains_from_lanes_last(learner, state, experience, lanes):
        program = _chunk_lanes_last if lanes.members else _chunk_drawn_apart
    else:
        program = _chunk_of_lanes
    return ft.partial(program, lanes=lanes, mesh=mesh)


def _gains_from_lanes_last(learner: Any, state: Any, experience: Any, lanes: Lanes) -> bool:
    if math.prod(_axes(state, lanes)) < _FEWEST_LANES:
        return False
    return not _matrices.eval_shape(learner, state, experience, lanes=lanes).size


def _axes(state: Any, lanes: Lanes) -> tuple[int, ...]:
    """How many lanes, and members of each."""
    return jax.tree.leaves(state)[0].shape[: 1 + lanes.members]


@ft.partial(jax.jit, static_argnames="lanes")
def _matrices(learner, state, experience, *, lanes):
    """One zero if a step multiplies matrices, else none; JAX remembers the shape."""
    one, _ = jax.eval_shape(ft.partial(lanes.first, stream_state=()), state)
    return jnp.zeros(int(multiplies_matrices(learner.learn, one, experience)))


def placed(state: Any, stream_state: Any, lanes: Lanes, mesh: Mesh | None) -> tuple[Any, Any]:
    """The states divided among the devices of the mesh."""
    if mesh is None:
        return state, stream_state
    divided = NamedSharding(mesh, PartitionSpec("lanes"))
    whole = NamedSharding(mesh, PartitionSpec())
    shared = whole if lanes.shared_stream else divided
    return jax.device_put(state, divided), jax.device_put(stream_state, shared)


def _chunk(
    learner,
    stream,
    recorders,
    states,
    tapes,
    offset,
    zero,
    *,
    num_steps,
    keep_outputs,
    lanes,
    mesh=None,
    form="many kernels",
):
    def step(learner, state, tapes, idx, experience):
        state, outputs = learner.learn(state, experience)
        pairs = zip(recorders, tapes, strict=True)
        tapes = tuple(r.step(tape, idx, learner, state, outputs) for r, tape in pairs)
        return state, tapes, outputs if keep_outputs else None

    def draw(stream_state):
        return stream.rollout(stream_state, num_steps)

    def learn(learner, indices, state, tapes, experience):
        def body(carry, now):
            idx, one = now
            *carry, outputs = step(learner, *carry, idx, one)
            return tuple(carry), outputs

        return jax.lax.scan(body, (state, tapes), (indices, experience))

    def run(learner, stream_state, offset, zero, state, tapes):
        indices = offset + jnp.arange(num_steps, dtype=jnp.int32)
        drawn: Any = draw if lanes is None else lanes.drawing(draw)
        if stream is None:
            drawn = _already_drawn
        elif form != "many kernels" and gains_from_one_kernel(stream, stream_state):
            # Apart from what learns, so that XLA does not fuse the two.
            drawn = ft.partial(one_kernel, zero, drawn)
        experience, stream_state = drawn(stream_state)
        if form == "one kernel":
            alone = ft.partial(one_kernel, zero, learn, learner, indices)
            (state, tapes), outputs = alone(state, tapes, experience)
        elif form == "lanes last":
            arguments = (step, lanes, learner, indices, state, tapes, experience)
            (state, tapes), outputs = _learned_lanes_last(zero, *arguments)
        else:
            fn = ft.partial(learn, learner, indices)
            fn = fn if lanes is None else lanes.learning(fn)
            (state, tapes), outputs = fn(state, tapes, experience)
        return (state, stream_state, tapes), outputs

    if mesh is not None:
        divided, whole = PartitionSpec("lanes"), PartitionSpec()
        streams = whole if lanes.shared_stream else divided
        run = jax.shard_map(
            run,
            mesh=mesh,
            in_specs=(whole, streams, whole, whole, divided, divided),
            out_specs=((divided, streams, divided), divided),
            check_vma=False,
        )
    state, stream_state = states
    return run(learner, stream_state, offset, zero, state, tapes)


def _learned_lanes_last(zero, step, lanes, learner, indices, state, tapes, experience):
    shape = (*_axes(state, lanes), 1)[:2]
    state_bytes = sum(a.size * a.dtype.itemsize for a in jax.tree.leaves(state))
    tiles = Tiles.of(*shape, state_bytes // math.prod(shape))
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
    found = one_kernel(zero, scanned, learner, indices, carry, seen)
    return jax.tree.map(joined, found)


def _already_drawn(experience):
    return experience, ()


@ft.partial(jax.jit, static_argnames=("num_steps", "lanes"))
def _drawn(stream, stream_state, *, num_steps, lanes):
    return lanes.drawing(lambda state: stream.rollout(state, num_steps))(stream_state)


def _chunk_drawn_apart(
    learner, stream, recorders, states, tapes, offset, zero, *, num_steps, lanes, **options
):
    """Draws in a program of its own, since those of one kernel run on one core."""
    state, stream_state = states
    experience, stream_state = _drawn(stream, stream_state, num_steps=num_steps, lanes=lanes)
    sizes = {"num_steps": num_steps, "lanes": lanes}
    (state, _, tapes), outputs = _chunk_lanes_last(
        learner, None, recorders, (state, experience), tapes, offset, zero, **sizes, **options
    )
    return (state, stream_state, tapes), outputs


_compiled = ft.partial(jax.jit, static_argnames=("num_steps", "keep_outputs", "lanes", "mesh"))
# Under vmap a tape takes on lanes that its blank buffer does not have.
_chunk_inside = _compiled(_chunk)
_with_tapes = ft.partial(_compiled, donate_argnames="tapes")
_chunk_alone = _with_tapes(_chunk)
_chunk_of_lanes = _with_tapes(_chunk, compiler_options=_LANES_OPTIONS)
_chunk_in_one_kernel = _with_tapes(
    ft.partial(_chunk, form="one kernel"), compiler_options=COMPILER_OPTIONS
)
_chunk_lanes_last = _with_tapes(
    ft.partial(_chunk, form="lanes last"), compiler_options=COMPILER_OPTIONS
)
