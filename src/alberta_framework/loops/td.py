"""Loops of a linear TD learner over a stream of transitions."""

import time
from typing import Unpack

from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from ..components.ranges import require_key
from ..components.state import AbstractState
from ..learners import TDLearnerState, TDLinearLearner, initial_state
from ..streams import TDScanStream
from .entrance import LoopOptions, repeated, require_undrawn, run, stream_state, stream_states
from .lanes import Lanes


class BatchedTDResult(AbstractState):
    """What a batched TD loop gives; every array has the lanes as its first axis."""

    states: TDLearnerState
    metrics: Float[Array, "lanes steps 4"]


def run_td_learning_loop(
    learner: TDLinearLearner,
    stream: TDScanStream,
    num_steps: int,
    key: PRNGKeyArray,
    learner_state: TDLearnerState | None = None,
    **options: Unpack[LoopOptions],
) -> tuple[TDLearnerState, Float[Array, "steps 4"]]:
    """Carry a linear TD learner over `num_steps` transitions of a stream.

    **Arguments:** `key` starts the stream; `learner_state` is continued if given. Keyword only:
    `progress=False`, `chunk_size=None`, `record_every=1`, `record_window=None`.

    **Returns:** `(state, metrics)` with metrics `[num_steps, 4]`: squared TD error, TD error, mean
    step size, mean absolute eligibility trace. The elapsed time is added to the state's uptime.
    """
    started = time.perf_counter()
    require_undrawn("run_td_learning_loop", learner, learner_state)
    state = initial_state(learner, stream.feature_dim) if learner_state is None else learner_state
    begin = stream_state(stream, key)
    (state, _), metrics, _ = run(
        learner, stream, num_steps, state, begin, started=started, **options
    )
    return state, metrics


def run_td_learning_loop_batched(
    learner: TDLinearLearner,
    stream: TDScanStream,
    num_steps: int,
    keys: Shaped[PRNGKeyArray, " lanes"],
    learner_state: TDLearnerState | None = None,
    **options: Unpack[LoopOptions],
) -> BatchedTDResult:
    """`run_td_learning_loop` for every key side by side, in one compiled program.

    Lane b equals the single loop with `keys[b]` to float32 rounding; a given `learner_state` is the
    start of every lane.
    """
    started = time.perf_counter()
    keys = require_key("loop", keys, "keys", lanes=True)
    require_undrawn("run_td_learning_loop_batched", learner, learner_state)
    state = initial_state(learner, stream.feature_dim) if learner_state is None else learner_state
    begin = repeated(state, keys.shape[0])
    begin_streams = stream_states(stream, keys)
    (states, _), metrics, _ = run(
        learner, stream, num_steps, begin, begin_streams, lanes=Lanes(), started=started, **options
    )
    return BatchedTDResult(states, metrics)
