"""Drawing the next chunk of experience on another core while this one is learned."""

import itertools
import os
from collections.abc import Iterator
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


def drawn_shapes(stream: Any, stream_state: Any, num_steps: int, lanes: Lanes | None) -> Any:
    """Shapes and dtypes of one step of one lane. What a chunk of this length takes is traced once."""
    experience, _ = _drawn.eval_shape(stream, stream_state, num_steps=num_steps, lanes=lanes)
    axes = 1 if lanes is None or lanes.shared_stream else 2
    return jax.tree.map(lambda s: jax.ShapeDtypeStruct(s.shape[axes:], s.dtype), experience)


def drawn_ahead(
    stream: Any, stream_state: Any, lengths: list[int], lanes: Lanes | None
) -> Iterator[tuple[Any, Any]]:
    """Chunks of these lengths, each with the stream's state after it.

    A chunk is drawn while the caller works on the one before, if there is another core, and if
    another thread computes as this one does.
    """

    def drawn(stream_state, length):
        return _drawn(stream, stream_state, num_steps=length, lanes=lanes)

    def waited_for(stream_state, length):
        return jax.block_until_ready(drawn(stream_state, length))

    first, *others = lengths
    chunk = drawn(stream_state, first)
    if not others or cores() < 2:
        yield chunk
        for length in others:
            chunk = drawn(chunk[1], length)
            yield chunk
        return
    with ThreadPoolExecutor(1, "alberta-draws") as another:
        ahead = _same_in(another)
        for length in others:
            drawing = another.submit(waited_for, chunk[1], length) if ahead else None
            yield chunk
            chunk = drawn(chunk[1], length) if drawing is None else drawing.result()
        yield chunk


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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


def _same_in(another: ThreadPoolExecutor) -> bool:
    try:
        return another.submit(_context).result() == _context()
    except RuntimeError:  # No thread begins any more while the interpreter shuts down.
        return False
