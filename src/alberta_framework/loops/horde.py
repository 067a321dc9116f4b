"""Loops of a Horde over arrays."""

import time
from typing import Any, Unpack

import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real, Shaped

from ..components.numbers import f32, truth
from ..components.state import AbstractState
from ..experience import DemonStep
from ..learners import AbstractLearner
from ..streams import RecordedStream
from .entrance import LoopOptions, initial_states, require_rows, run, stream_state
from .histories import PredictionHistory, PredictionTracking
from .lanes import Lanes


class HordeLearningResult(AbstractState):
    """What a loop over arrays gives."""

    state: Any
    per_demon_metrics: Float[Array, "steps demons 3"]
    td_errors: Float[Array, "steps demons"]
    prediction_history: PredictionHistory | None = None


class BatchedHordeResult(AbstractState):
    """What a batched loop gives; every array has the lanes as its first axis."""

    states: Any
    per_demon_metrics: Float[Array, "lanes steps demons 3"]
    td_errors: Float[Array, "lanes steps demons"]
    prediction_history: PredictionHistory | None = None


def run_horde_learning_loop(
    horde: AbstractLearner[Any, DemonStep],
    state: Any,
    observations: Real[ArrayLike, "steps features"],
    cumulants: Real[ArrayLike, "steps demons"] | None,
    next_observations: Real[ArrayLike, "steps features"],
    *,
    signals: Real[ArrayLike, "steps signals"] | None = None,
    terminated: Any = None,
    truncated: Any = None,
    gammas: Real[ArrayLike, "steps demons"] | None = None,
    rhos: Any = None,
    prediction_tracking: PredictionTracking | None = None,
    **options: Unpack[LoopOptions],
) -> HordeLearningResult:
    """Learn from rows of transitions in order; the arguments are those of `HordeLearner.update`,
    each with time as first axis. `horde` is a `HordeLearner`, an `OffPolicyHorde`, or another
    learner of many demons.

    `rhos`, [steps] or for each demon [steps, demons], are the ratios of the actions taken, of an
    `OffPolicyHorde`; a `HordeLearner` learns on policy and refuses them.

    A row that is `truncated`, [steps] or for each demon [steps, demons], is where an episode was
    cut: it bootstraps as any other from its row of `next_observations`, the true last observation,
    and its traces are cut after it.

    Keyword only, besides: `prediction_tracking`, a `PredictionTracking`, asks for what the demons
    predicted [recordings, demons] at each step or every n-th, which is kept whatever else is;
    `progress=False`, `chunk_size=None`, `record_every=1`, `record_window=None`.

    **Returns:** the state, whose uptime has grown by the elapsed time, the metrics of each demon
    (squared TD error, TD error, mean step size) and the TD errors, NaN where inactive, and a
    `PredictionHistory` if asked for.

    **Raises:** `TypeError` for an array of the wrong shape.
    """
    started = time.perf_counter()
    stream = _recorded(
        horde,
        observations,
        cumulants,
        next_observations,
        signals,
        terminated,
        truncated,
        gammas,
        rhos,
    )
    begin = stream_state(stream, None)
    steps = np.shape(observations)[0]
    tracking = _tracking(prediction_tracking)
    (state, _), outputs, history = run(
        horde, stream, steps, state, begin, recorders=tracking, started=started, **options
    )
    return HordeLearningResult(state, *outputs, *history)


def run_horde_learning_loop_batched(
    horde: AbstractLearner[Any, DemonStep],
    observations: Real[ArrayLike, "steps features"],
    cumulants: Real[ArrayLike, "steps demons"] | None,
    next_observations: Real[ArrayLike, "steps features"],
    keys: Shaped[PRNGKeyArray, " lanes"],
    *,
    signals: Real[ArrayLike, "steps signals"] | None = None,
    terminated: Any = None,
    truncated: Any = None,
    gammas: Real[ArrayLike, "steps demons"] | None = None,
    rhos: Any = None,
    prediction_tracking: PredictionTracking | None = None,
    **options: Unpack[LoopOptions],
) -> BatchedHordeResult:
    """`run_horde_learning_loop` on the same data from the initial weights of every key."""
    started = time.perf_counter()
    stream = _recorded(
        horde,
        observations,
        cumulants,
        next_observations,
        signals,
        terminated,
        truncated,
        gammas,
        rhos,
    )
    steps, feature_dim = np.shape(observations)
    tracking = _tracking(prediction_tracking)
    (states, _), outputs, history = run(
        horde,
        stream,
        steps,
        initial_states(horde, feature_dim, keys),
        stream_state(stream, None),
        recorders=tracking,
        lanes=Lanes(shared_stream=True),
        started=started,
        **options,
    )
    return BatchedHordeResult(states, *outputs, *history)


def _tracking(prediction_tracking: PredictionTracking | None) -> tuple[PredictionTracking, ...]:
    if not isinstance(prediction_tracking, PredictionTracking | None):
        raise TypeError(
            "`prediction_tracking` must be a PredictionTracking or None, got "
            f"{prediction_tracking!r}."
        )
    return () if prediction_tracking is None else (prediction_tracking,)


def _recorded(
    horde: Any,
    observations: Any,
    cumulants: Any,
    next_observations: Any,
    signals: Any,
    terminated: Any,
    truncated: Any,
    gammas: Any,
    rhos: Any,
) -> RecordedStream:
    require_rows("observations", observations, None)
    steps = np.shape(observations)[0]
    require_rows("next_observations", next_observations, np.shape(observations))
    for name, array in (("cumulants", cumulants), ("gammas", gammas)):
        if array is not None:
            require_rows(name, array, (steps, horde.n_demons))
    if signals is not None:
        require_rows("signals", signals, (steps, *np.shape(signals)[1:2]))
    alike = (("terminated", terminated), ("truncated", truncated), ("rhos", rhos))
    for name, rows in alike:
        if rows is not None:
            each = np.ndim(rows) == 2
            require_rows(name, rows, (steps, horde.n_demons) if each else (steps,))
    record = DemonStep(
        observation=f32(observations),
        cumulants=_optional(cumulants),
        next_observation=f32(next_observations),
        signals=_optional(signals),
        terminated=_optional(terminated),
        gammas=_optional(gammas),
        truncated=None if truncated is None else truth(truncated),
        rho=_optional(rhos),
    )
    return RecordedStream(record=record)


def _optional(array: Any) -> Any:
    return None if array is None else f32(np.asarray(array))
