"""Learners carried over collected trajectories."""

import time
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, PRNGKeyArray, Real

from ..._numbers import f32
from ...experience import TimeStep
from ...learners import LearnerState, LinearLearner, MLPLearner, MLPLearnerState
from ...loops.entrance import LoopOptions, require_rows, run, stream_state
from ...streams import RecordedStream


def learn_from_trajectory(
    learner: LinearLearner | MLPLearner,
    observations: Real[ArrayLike, "steps features"],
    targets: Real[ArrayLike, "steps 1"],
    learner_state: LearnerState | MLPLearnerState | None = None,
    *,
    key: PRNGKeyArray | None = None,
    **options: Unpack[LoopOptions],
) -> tuple[Any, Float[Array, "steps columns"]]:
    """Carry a linear or MLP learner over recorded examples in order, in one compiled program.

    A row with a NaN target, as `collect_trajectory_vec` marks what is no example, is rejected and
    changes nothing.

    **Arguments:** `learner_state` is continued if given; else an MLP learner starts with the
    weights of `key`, default `jax.random.key(0)`. Keyword only, besides: `progress=False`,
    `chunk_size=None`, `record_every=1`, `record_window=None`.

    **Returns:** `(state, metrics)` with metrics `[steps, 3 or 4]`: squared error, error, mean step
    size (bounding metric of an MLP learner), and with a normalizer its mean variance.

    **Raises:** `TypeError` for arrays of the wrong shape, and for a learner of another kind without
    a `learner_state`; targets of several columns are for
    `run_multi_head_learning_loop`.
    """
    started = time.perf_counter()
    require_rows("observations", observations, None)
    steps, feature_dim = np.shape(observations)
    if np.shape(targets) != (steps,):
        require_rows("targets", targets, (steps, 1))
    record = TimeStep(f32(observations), f32(targets).reshape(steps, 1))
    if steps == 0:  # no row is read, but a stream has one
        record = TimeStep(jnp.zeros((1, feature_dim)), jnp.zeros((1, 1)))
    state = learner_state
    if state is None and isinstance(learner, LinearLearner):
        state = learner.init(feature_dim)
    elif state is None and isinstance(learner, MLPLearner):
        state = learner.init(feature_dim, jax.random.key(0) if key is None else key)
    elif state is None:
        raise TypeError(
            "`learner_state` can be left out for a LinearLearner or MLPLearner only, got "
            f"{learner!r}."
        )
    stream = RecordedStream(record=record)
    begin = stream_state(stream, None)
    (state, _), outputs, _ = run(learner, stream, steps, state, begin, started=started, **options)
    return state, outputs


def learn_from_trajectory_normalized(
    learner: LinearLearner | MLPLearner,
    observations: Real[ArrayLike, "steps features"],
    targets: Real[ArrayLike, "steps 1"],
    learner_state: LearnerState | MLPLearnerState | None = None,
    *,
    key: PRNGKeyArray | None = None,
    **options: Unpack[LoopOptions],
) -> tuple[Any, Float[Array, "steps 4"]]:
    """`learn_from_trajectory` under its older name.

    **Raises:** `ValueError` for a learner without a normalizer.
    """
    if getattr(learner, "normalizer", None) is None:
        raise ValueError(
            "`learner` must have a normalizer for learn_from_trajectory_normalized, got "
            f"{learner!r}; learn_from_trajectory takes any."
        )
    return learn_from_trajectory(learner, observations, targets, learner_state, key=key, **options)
