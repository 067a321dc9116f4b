"""What every documented loop does around the driver: start, record, time, hand back."""

import time
from collections.abc import Callable
from typing import Any, TypedDict, Unpack

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..compilation.boundary import strong
from ..components.ranges import require_choice, require_count, require_key
from ..learners import Lifecycle, born, initial_state, with_uptime
from .drive import drive
from .lanes import Lanes
from .progress import progress_bar
from .recorders import AbstractRecorder, EveryNth, WindowMean
from .rollouts import require_learner_state, rollable


class LoopOptions(TypedDict, total=False):
    """The keyword-only arguments that every loop shares.

    - `progress`: show a progress bar; default False.
    - `chunk_size`: steps drawn and learned from at once; None, the default: fit for speed and
      memory.
    - `record_every`: keep the metrics of steps 0, n, 2n, ...; default 1.
    - `record_window`: keep means over windows of n steps instead, rejected steps left out.
    """

    progress: bool
    chunk_size: int | None
    record_every: int
    record_window: int | None


class ChosenOptions(eqx.Module):
    progress: bool = eqx.field(static=True, default=False)
    chunk_size: int | None = eqx.field(static=True, default=None)
    record_every: int = eqx.field(static=True, default=1)
    record_window: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        require_choice("loop", "progress", self.progress, (True, False))
        require_count("loop", "record_every", self.record_every)
        if self.record_window is not None:
            require_count("loop", "record_window", self.record_window)
            if self.record_every > 1:
                raise ValueError(
                    "loop: `record_window` and `record_every` exclude each other, got "
                    f"{self.record_window} and {self.record_every}."
                )

    def recorder(self) -> EveryNth | WindowMean | None:
        if self.record_window is not None:
            return WindowMean(self.record_window)
        return EveryNth(self.record_every) if self.record_every > 1 else None


def run(
    learner: Any,
    stream: Any,
    num_steps: int,
    state: Any,
    stream_state: Any,
    *,
    recorders: tuple[AbstractRecorder, ...] = (),
    lanes: Lanes | None = None,
    after_chunk: Callable[[int, tuple[Any, Any]], None] | None = None,
    started: float,
    **options: Unpack[LoopOptions],
) -> tuple[tuple[Any, Any], Any, tuple[Any, ...]]:
    """Drive, and return the states of learner and stream, the learner's with the time since
    `started` added to its uptime, the recorded outputs and one history for each recorder."""
    known = LoopOptions.__annotations__
    for name in options:
        if name not in known:
            raise TypeError(f"loop: unknown argument `{name}`; known: {', '.join(known)}.")
    require_learner_state(learner, state)
    chosen = ChosenOptions(**options)
    recorder = chosen.recorder()
    bar = progress_bar(chosen.progress, num_steps)

    def told(done: int, states: tuple[Any, Any]) -> None:
        bar(done, states)
        if after_chunk is not None:
            after_chunk(done, states)

    try:
        (state, stream_state), outputs, histories = drive(
            learner,
            stream,
            num_steps,
            state=state,
            stream_state=stream_state,
            recorders=recorders if recorder is None else (*recorders, recorder),
            keep_outputs=recorder is None,
            chunk_size=chosen.chunk_size,
            after_chunk=told if chosen.progress or after_chunk is not None else None,
            lanes=lanes,
        )
        if recorder is not None:
            *histories, outputs = histories
        jax.block_until_ready((state, outputs))
    finally:
        bar.close()
    state = with_uptime(state, time.perf_counter() - started)
    return (state, stream_state), outputs, tuple(histories)


def require_tracking(name: str, tracking: Any, num_steps: int) -> None:
    """Check a tracking argument against the length of the loop."""
    if tracking is None:
        return
    interval = tracking.interval
    if isinstance(interval, bool) or not isinstance(interval, int):
        raise TypeError(f"{name}.interval must be an integer >= 1, got {interval!r}")
    if interval < 1:
        raise ValueError(f"{name}.interval must be >= 1, got {interval}")
    if interval > num_steps:
        raise ValueError(f"{name}.interval ({interval}) must be <= num_steps ({num_steps})")


def require_normalizer_tracking(learner: Any, tracking: Any, num_steps: int) -> None:
    """Check `normalizer_tracking` against the learner and the length of the loop."""
    require_tracking("normalizer_tracking", tracking, num_steps)
    if tracking is not None and getattr(learner, "normalizer", None) is None:
        raise ValueError(
            f"`normalizer_tracking` needs a learner with a normalizer, got {learner!r}."
        )


def require_rows(name: str, array: Any, shape: tuple[int, ...] | None) -> None:
    """Check that an argument of a loop over arrays has `shape`; None: any two axes, time first."""
    found = np.shape(array)
    if (shape is None and len(found) != 2) or (shape is not None and found != shape):
        expected = "(steps, features)" if shape is None else str(shape)
        raise TypeError(f"`{name}` must have shape {expected}, got {found}.")


@jax.jit
def _stream_state(stream, key):
    return stream.init(key)


@jax.jit
def _stream_states(stream, keys):
    return jax.vmap(stream.init)(keys)


def stream_state(stream: Any, key: Any) -> Any:
    """`stream.init(key)`, compiled once; a record of experience needs no key."""
    _require_stream(stream)
    if key is not None:
        key = require_key("loop", key)
    return _stream_state(strong(rollable(stream)), key)


def _require_stream(stream: Any) -> None:
    if not (callable(getattr(stream, "init", None)) and hasattr(stream, "step")):
        raise TypeError(
            f"loop: `stream` must have `init` and `step`, got {stream!r}; the steps of an "
            "environment are collected first (collect_trajectory, collect_transitions)."
        )


def stream_states(stream: Any, keys: Any) -> Any:
    """`stream.init` of every key, compiled once."""
    _require_stream(stream)
    keys = require_key("loop", keys, "keys", lanes=True)
    return _stream_states(strong(rollable(stream)), keys)


@jax.jit(static_argnames="feature_dim")
def _initial_states(learner, feature_dim, keys, life):
    # A clock read while tracing would be frozen into the program.
    return jax.vmap(lambda key: born(initial_state(learner, feature_dim, key), life))(keys)


def initial_states(learner: Any, feature_dim: int, keys: Any) -> Any:
    """The initial state of a learner for every key, born now, compiled once."""
    keys = require_key("loop", keys, "keys", lanes=True)
    return _initial_states(strong(learner), feature_dim, keys, Lifecycle.begin())


@jax.jit(static_argnames="lanes")
def repeated(state, lanes: int):
    """The state at the start of each of `lanes` lanes."""
    return jax.tree.map(lambda a: jnp.broadcast_to(a, (lanes, *a.shape)), state)


def require_undrawn(owner: str, learner: Any, state: Any) -> None:
    """`TypeError` for a learner that draws its weights, in a loop whose key is the stream's."""
    if state is None and getattr(learner, "draws_weights", None) is True:
        raise TypeError(
            f"{owner}: a {type(learner).__name__} draws its weights, and this loop's `key` is the "
            "stream's alone; learn(learner, stream, num_steps, key) serves every learner."
        )
