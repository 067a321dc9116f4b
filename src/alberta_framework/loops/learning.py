"""Loops of a linear learner over a stream."""

import time
from typing import Unpack

import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from ..components.ranges import require_key
from ..components.state import AbstractState
from ..learners import (
    LINEAR_METRICS,
    LearnerState,
    LinearLearner,
    SoftmaxLinearLearner,
    SoftmaxLinearState,
    initial_state,
)
from ..streams import ScanStream
from .entrance import (
    LoopOptions,
    repeated,
    require_normalizer_tracking,
    require_tracking,
    require_undrawn,
    run,
    stream_state,
    stream_states,
)
from .histories import (
    NormalizerHistory,
    NormalizerTrackingConfig,
    StepSizeHistory,
    StepSizeTrackingConfig,
)
from .lanes import Lanes


class BatchedLearningResult(AbstractState):
    """What a batched loop gives; every array has the lanes as its first axis."""

    states: LearnerState | SoftmaxLinearState
    metrics: Float[Array, "lanes steps columns"]
    step_size_history: StepSizeHistory | None = None
    normalizer_history: NormalizerHistory | None = None


def run_learning_loop(
    learner: LinearLearner | SoftmaxLinearLearner,
    stream: ScanStream,
    num_steps: int,
    key: PRNGKeyArray,
    learner_state: LearnerState | SoftmaxLinearState | None = None,
    step_size_tracking: StepSizeTrackingConfig | None = None,
    normalizer_tracking: NormalizerTrackingConfig | None = None,
    **options: Unpack[LoopOptions],
) -> tuple:
    """Carry a linear learner, of a number or of classes, over `num_steps` examples of a stream.

    **Arguments:** `key` starts the stream; `learner_state` is continued if given;
    `step_size_tracking`, `normalizer_tracking` ask for histories. Keyword only: `progress=False`,
    `chunk_size=None`, `record_every=1`, `record_window=None`.

    **Returns:** `(state, metrics)` with metrics `[num_steps, 3 or 4]` (squared error, error, mean
    step size, and with a normalizer its mean variance; of a `SoftmaxLinearLearner` log loss,
    accuracy, squared error and mean step size), then a `StepSizeHistory` and a
    `NormalizerHistory` if asked for. The elapsed time is added to the state's uptime.

    **Raises:** `ValueError` for an interval below 1 or above `num_steps`, or for
    `normalizer_tracking` of a learner without a normalizer.
    """
    started = time.perf_counter()
    tracking = _tracking(learner, num_steps, step_size_tracking, normalizer_tracking)
    require_undrawn("run_learning_loop", learner, learner_state)
    state = initial_state(learner, stream.feature_dim) if learner_state is None else learner_state
    begin = stream_state(stream, key)
    (state, _), metrics, histories = run(
        learner, stream, num_steps, state, begin, recorders=tracking, started=started, **options
    )
    return state, metrics, *histories


def run_learning_loop_batched(
    learner: LinearLearner | SoftmaxLinearLearner,
    stream: ScanStream,
    num_steps: int,
    keys: Shaped[PRNGKeyArray, " lanes"],
    learner_state: LearnerState | SoftmaxLinearState | None = None,
    step_size_tracking: StepSizeTrackingConfig | None = None,
    normalizer_tracking: NormalizerTrackingConfig | None = None,
    **options: Unpack[LoopOptions],
) -> BatchedLearningResult:
    """`run_learning_loop` for every key side by side, in one compiled program.

    Lane b equals the single loop with `keys[b]` to float32 rounding; a given `learner_state` is the
    start of every lane. Arguments and errors as `run_learning_loop`.
    """
    started = time.perf_counter()
    keys = require_key("loop", keys, "keys", lanes=True)
    tracking = _tracking(learner, num_steps, step_size_tracking, normalizer_tracking)
    require_undrawn("run_learning_loop_batched", learner, learner_state)
    state = initial_state(learner, stream.feature_dim) if learner_state is None else learner_state
    (states, _), metrics, histories = run(
        learner,
        stream,
        num_steps,
        repeated(state, keys.shape[0]),
        stream_states(stream, keys),
        recorders=tracking,
        lanes=Lanes(),
        started=started,
        **options,
    )
    found = iter(histories)
    return BatchedLearningResult(
        states,
        metrics,
        next(found) if step_size_tracking is not None else None,
        next(found) if normalizer_tracking is not None else None,
    )


def _tracking(learner, num_steps, step_size_tracking, normalizer_tracking) -> tuple:
    require_tracking("step_size_tracking", step_size_tracking, num_steps)
    require_normalizer_tracking(learner, normalizer_tracking, num_steps)
    return tuple(t for t in (step_size_tracking, normalizer_tracking) if t is not None)


def metrics_to_dicts(
    metrics: Float[Array, "steps columns"], normalized: bool = False
) -> list[dict[str, float]]:
    """The metrics of a loop of a linear learner as one dictionary per step.

    Keys `squared_error`, `error`, `mean_step_size`, and `normalizer_mean_var` when `normalized` and
    a fourth column exists.
    """
    rows = np.asarray(metrics)
    names = LINEAR_METRICS[: rows.shape[-1] if normalized else -1]
    return [dict(zip(names, row, strict=False)) for row in rows.tolist()]
