"""Loops of a multi-head learner over arrays."""

import time
from typing import Any, Unpack

import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real, Shaped

from ..components.numbers import f32
from ..components.state import AbstractState
from ..experience import MultiHeadStep
from ..learners import (
    CLASSIFICATION_METRICS,
    HEAD_METRICS,
    MultiHeadMLPLearner,
    MultiHeadMLPState,
    MultiHeadMLPUpdateResult,
)
from ..streams import RecordedStream
from .entrance import LoopOptions, initial_states, require_rows, run, stream_state
from .lanes import Lanes


class MultiHeadLearningResult(AbstractState):
    """What a loop over arrays gives."""

    state: MultiHeadMLPState
    per_head_metrics: Float[Array, "steps heads columns"]


class BatchedMultiHeadResult(AbstractState):
    """What a batched loop gives; every array has the lanes as its first axis."""

    states: MultiHeadMLPState
    per_head_metrics: Float[Array, "lanes steps heads columns"]


def run_multi_head_learning_loop(
    learner: MultiHeadMLPLearner,
    state: MultiHeadMLPState,
    observations: Real[ArrayLike, "steps features"],
    targets: Real[ArrayLike, "steps heads"],
    **options: Unpack[LoopOptions],
) -> MultiHeadLearningResult:
    """Learn from rows of `observations` and `targets` in order; a NaN target leaves its head.

    Keyword only: `progress=False`, `chunk_size=None`, `record_every=1`, `record_window=None`.

    **Returns:** the state, whose uptime has grown by the elapsed time, and the metrics of each
    head: squared error, error and mean step size, NaN where inactive; with a classification loss
    also log loss and accuracy (`learner.metrics(per_head_metrics)` has them by name).
    """
    started = time.perf_counter()
    stream = _recorded(learner, observations, targets)
    begin = stream_state(stream, None)
    num_steps = np.shape(observations)[0]
    (state, _), metrics, _ = run(
        learner, stream, num_steps, state, begin, started=started, **options
    )
    return MultiHeadLearningResult(state, metrics)


def run_multi_head_learning_loop_batched(
    learner: MultiHeadMLPLearner,
    observations: Real[ArrayLike, "steps features"],
    targets: Real[ArrayLike, "steps heads"],
    keys: Shaped[PRNGKeyArray, " lanes"],
    **options: Unpack[LoopOptions],
) -> BatchedMultiHeadResult:
    """`run_multi_head_learning_loop` on the same data from the initial weights of every key."""
    started = time.perf_counter()
    stream = _recorded(learner, observations, targets)
    num_steps, feature_dim = np.shape(observations)
    (states, _), metrics, _ = run(
        learner,
        stream,
        num_steps,
        initial_states(learner, feature_dim, keys),
        stream_state(stream, None),
        lanes=Lanes(shared_stream=True),
        started=started,
        **options,
    )
    return BatchedMultiHeadResult(states, metrics)


def _recorded(learner: MultiHeadMLPLearner, observations: Any, targets: Any) -> RecordedStream:
    require_rows("observations", observations, None)
    require_rows("targets", targets, (np.shape(observations)[0], learner.n_heads))
    return RecordedStream(record=MultiHeadStep(f32(observations), f32(targets)))


def multi_head_metrics_to_dicts(
    result: MultiHeadMLPUpdateResult,
) -> list[dict[str, float] | None]:
    """The metrics of one update, a dictionary for each active head and None for an inactive one.

    Keys `squared_error`, `error`, `mean_step_size`; with a classification loss `log_loss` and
    `accuracy` too.
    """
    rows = np.asarray(result.per_head_metrics).tolist()
    names = (*HEAD_METRICS, *CLASSIFICATION_METRICS)
    names = names[: result.per_head_metrics.shape[-1]]
    return [None if row[0] != row[0] else dict(zip(names, row, strict=True)) for row in rows]
