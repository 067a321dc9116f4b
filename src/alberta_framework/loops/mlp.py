"""Loops of an MLP learner over a stream."""

import time
from typing import Unpack

import jax
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from ..components.ranges import require_key
from ..components.state import AbstractState
from ..learners import MLPLearner, MLPLearnerState
from ..streams import ScanStream
from .entrance import (
    LoopOptions,
    initial_states,
    repeated,
    require_normalizer_tracking,
    run,
    stream_state,
    stream_states,
)
from .histories import NormalizerHistory, NormalizerTrackingConfig
from .lanes import Lanes


class BatchedMLPResult(AbstractState):
    """What a batched loop gives; every array has the lanes as its first axis."""

    states: MLPLearnerState
    metrics: Float[Array, "lanes steps columns"]
    normalizer_history: NormalizerHistory | None = None


def run_mlp_learning_loop(
    learner: MLPLearner,
    stream: ScanStream,
    num_steps: int,
    key: PRNGKeyArray,
    learner_state: MLPLearnerState | None = None,
    normalizer_tracking: NormalizerTrackingConfig | None = None,
    **options: Unpack[LoopOptions],
) -> tuple:
    """Carry an MLP learner over `num_steps` examples of a stream.

    **Arguments:** `key` is split into the stream's and the initial weights', also when
    `learner_state` is given and continued; `normalizer_tracking` asks for a history. Keyword only:
    `progress=False`, `chunk_size=None`, `record_every=1`, `record_window=None`.

    **Returns:** `(state, metrics)` with metrics `[num_steps, 3 or 4]` (squared error, error, the
    bounder's metric, and with a normalizer its mean variance), then a `NormalizerHistory` if asked
    for. The elapsed time is added to the state's uptime.

    **Raises:** `ValueError` for an interval below 1 or above `num_steps`, or for
    `normalizer_tracking` of a learner without a normalizer.
    """
    started = time.perf_counter()
    require_normalizer_tracking(learner, normalizer_tracking, num_steps)
    key = require_key("run_mlp_learning_loop", key)
    stream_key, init_key = jax.random.split(key)
    state = learner_state
    if state is None:
        state = learner.init(stream.feature_dim, init_key)
    (state, _), metrics, histories = run(
        learner,
        stream,
        num_steps,
        state,
        stream_state(stream, stream_key),
        recorders=() if normalizer_tracking is None else (normalizer_tracking,),
        started=started,
        **options,
    )
    return state, metrics, *histories


def run_mlp_learning_loop_batched(
    learner: MLPLearner,
    stream: ScanStream,
    num_steps: int,
    keys: Shaped[PRNGKeyArray, " lanes"],
    learner_state: MLPLearnerState | None = None,
    normalizer_tracking: NormalizerTrackingConfig | None = None,
    **options: Unpack[LoopOptions],
) -> BatchedMLPResult:
    """`run_mlp_learning_loop` for every key side by side, in one compiled program.

    Lane b equals the single loop with `keys[b]` to float32 rounding; a given `learner_state` is the
    start of every lane. Arguments and errors as `run_mlp_learning_loop`.
    """
    started = time.perf_counter()
    require_normalizer_tracking(learner, normalizer_tracking, num_steps)
    keys = require_key("run_mlp_learning_loop_batched", keys, "keys", lanes=True)
    stream_keys, init_keys = jax.vmap(jax.random.split, out_axes=1)(keys)
    if learner_state is None:
        begin = initial_states(learner, stream.feature_dim, init_keys)
    else:
        begin = repeated(learner_state, keys.shape[0])
    (states, _), metrics, histories = run(
        learner,
        stream,
        num_steps,
        begin,
        stream_states(stream, stream_keys),
        recorders=() if normalizer_tracking is None else (normalizer_tracking,),
        lanes=Lanes(),
        started=started,
        **options,
    )
    return BatchedMLPResult(states, metrics, *histories)
