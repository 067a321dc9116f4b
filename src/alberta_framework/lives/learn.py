"""The one entrance that serves every learner and every source of experience."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple, Unpack

import jax
from jaxtyping import PRNGKeyArray

from ..components.ranges import require_count, require_key
from ..environments import AbstractEnvironment
from ..learners import draws_weights, initial_state
from ..learners.metrics import own_names
from ..loops.entrance import LoopOptions, run
from ..loops.entrance import stream_state as begun_stream
from ..streams import AbstractArrayStream
from .interact import InteractResult, interact


class LearnResult(NamedTuple):
    """What a loop gave: the learner's state after it, the metrics by name, one number (or one for
    each head or demon) for each recording, and the state of the stream, to go on with both."""

    state: Any
    metrics: Mapping[str, Any]
    stream_state: Any

    def __repr__(self) -> str:
        return f"LearnResult({type(self.state).__name__}; metrics: {', '.join(self.metrics)})"


def learn(
    learner: Any,
    source: Any,
    num_steps: int,
    key: PRNGKeyArray | None = None,
    *,
    state: Any = None,
    stream_state: Any = None,
    **options: Unpack[LoopOptions],
) -> LearnResult | InteractResult:
    """Let any learner learn from any stream for `num_steps` steps, or an agent live in an
    environment, as `interact` does.

    The documented loops are typed forms of it, which return arrays of columns.

    **Arguments:**

    - `learner`: of the library or of your own; `source`: a stream that yields what it learns from,
      a `RecordedStream` of it, or an environment for an agent.
    - `key`: of the stream, or where the learner draws its initial weights split into that of the
      stream and that of the weights. Not needed for a record and weights that are not drawn.
    - `state`, `stream_state`: where to go on, as an earlier result has them; of an agent in an
      environment `state` alone.
    - keyword only, as in every loop: `progress`, `chunk_size`, `record_every`, `record_window`.

    **Raises:** `TypeError`, `ValueError` for what does not fit, or for no `key` where one is
    needed.
    """
    started = time.perf_counter()
    if isinstance(source, AbstractEnvironment):
        if stream_state is not None:
            raise TypeError("learn: the state of a life holds that of its environment.")
        return interact(learner, source, num_steps, key, state=state, **options)
    require_count("learn", "num_steps", num_steps, low=0, high=2**31)
    stream_key = init_key = key
    if key is not None and draws_weights(learner):
        stream_key, init_key = jax.random.split(require_key("learn", key))
    if state is None:
        state = initial_state(learner, source.feature_dim, init_key)
    if stream_state is None:
        if key is None and not isinstance(source, AbstractArrayStream):
            raise TypeError(f"learn: {type(source).__name__} draws what it yields; give a `key`.")
        stream_state = begun_stream(source, stream_key)
    (state, stream_state), outputs, _ = run(
        learner, source, num_steps, state, stream_state, started=started, **options
    )
    return LearnResult(state, _named(learner, outputs), stream_state)


def _named(learner: Any, outputs: Any) -> dict[str, Any]:
    """By the learner, or of an object that names nothing by the outputs' own names."""
    told = getattr(learner, "metrics", None)
    found: Any = told(outputs) if callable(told) else own_names(outputs)
    return found
