"""Drawing the next chunk of experience on another core while this one is learned."""

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from .lanes import Lanes


def draw(stream: Any, stream_state: Any, *, num_steps: int, lanes: Lanes | None) -> tuple[Any, Any]:
    """The experience of `num_steps` steps, of every lane, and the stream's state after them."""

    def of_one(stream_state):
        return stream.rollout(stream_state, num_steps)

    return (of_one if lanes is None else lanes.drawing(of_one))(stream_state)


_drawn = jax.jit(draw, static_argnames=("num_steps", "lanes"))


def chunk_shapes(stream: Any, stream_state: Any, num_steps: int, lanes: Lanes | None) -> Any:
    """Shapes and dtypes of a chunk of experience."""
    return _drawn.eval_shape(stream, stream_state, num_steps=num_steps, lanes=lanes)[0]


def step_shapes(experience: Any, lanes: Lanes | None) -> Any:
    """Shapes and dtypes of one step of one lane of a chunk."""
    axes = 1 if lanes is None or lanes.shared_stream else 2
    return jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape[axes:], s.dtype), experience)


def drawn(stream: Any, stream_state: Any, num_steps: int, lanes: Lanes | None) -> tuple[Any, Any]:
    """`draw`, compiled."""
    return _drawn(stream, stream_state, num_steps=num_steps, lanes=lanes)


def drawn_ahead(
    stream: Any,
    stream_state: Any,
    lengths: list[int],
    lanes: Lanes | None,
    meanwhile: Callable[[], None] | None,
) -> Iterator[tuple[Any, Any]]:
    """Chunks of these lengths, each with the stream's state after it.

    A chunk is drawn while the caller works on the one before, if there is another core, and if
    another thread computes as this one does; `meanwhile` is called while the first one is drawn.
    """

    def waited_for(stream_state, length):
        return jax.block_until_ready(drawn(stream, stream_state, length, lanes))

    first, *others = lengths
    if not (others or meanwhile) or usable_cores() < 2:
        for length in lengths:
            chunk = drawn(stream, stream_state, length, lanes)
            stream_state = chunk[1]
            yield chunk
        return
    with ThreadPoolExecutor(1, "alberta-draws") as another:
        if meanwhile is None:
            chunk = drawn(stream, stream_state, first, lanes)
        else:
            drawing = another.submit(waited_for, stream_state, first)
            meanwhile()
            chunk = drawing.result()
        for length in others:
            drawing = another.submit(waited_for, chunk[1], length)
            yield chunk
            chunk = drawing.result()
        yield chunk


def usable_cores() -> int:
    """How many cores may compute for this thread at once: one, if other threads would compute
    otherwise than this one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores if cores and cores > 1 and same_elsewhere() else 1


_traces = itertools.count()


@jax.jit
def _trace(x):
    return x + next(_traces)


def _context() -> tuple[int, Any]:
    """What tells apart the settings of JAX in which a thread traces and computes.

    Settings made by `with`, as `jax.threefry_partitionable(False)`, are those of one thread.
    """
    found = _trace(np.int32(0))
    return int(found), found.devices()


_elsewhere: tuple[int, Any] | None = None


def same_elsewhere() -> bool:
    """Whether another thread traces and computes as this one does."""
    global _elsewhere
    here = _context()
    if _elsewhere != here:  # another thread is asked again, since caches may have been cleared
        try:
            with ThreadPoolExecutor(1) as another:
                _elsewhere = another.submit(_context).result()
        except RuntimeError:  # No thread begins any more while the interpreter shuts down.
            return False
    return _elsewhere == here
