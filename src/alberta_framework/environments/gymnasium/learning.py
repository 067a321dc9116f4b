"""Learners carried over collected trajectories."""

import time
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, PRNGKeyArray, Real

from ...components.numbers import f32
from ...experience import TimeStep
from ...learners import AbstractLearner, initial_state
from ...loops.entrance import LoopOptions, require_rows, run, stream_state
from ...streams import RecordedStream


def learn_from_trajectory(
    learner: AbstractLearner,
    observations: Real[ArrayLike, "steps features"],
    targets: Real[ArrayLike, "steps 1"],
    learner_state: Any = None,
    *,
    key: PRNGKeyArray | None = None,
    **options: Unpack[LoopOptions],
) -> tuple[Any, Any]:
    """Carry a learner of examples over recorded ones in order, in one compiled program.

    A row with a NaN target, as `collect_trajectory_vec` marks what is no example, is rejected and
    changes nothing.

    **Arguments:** `learner`: a `LinearLearner`, an `MLPLearner` or one of your own;
    `learner_state` is continued if given; else a learner that draws its initial weights draws them
    from `key`, default `jax.random.key(0)`. Keyword only, besides: `progress=False`,
    `chunk_size=None`, `record_every=1`, `record_window=None`.

    **Returns:** `(state, metrics)` with metrics `[steps, 3 or 4]`: squared error, error, mean step
    size (bounding metric of an MLP learner), and with a normalizer its mean variance; of a learner
    of your own what its `learn` gives, time first.

    **Raises:** `TypeError` for arrays of the wrong shape, and for a learner of other experience;
    targets of several columns are for `run_multi_head_learning_loop`.
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
    if state is None:
        key = jax.random.key(0) if key is None else key
        state = initial_state(learner, feature_dim, key)
    stream = RecordedStream(record=record)
    begin = stream_state(stream, None)
    (state, _), outputs, _ = run(learner, stream, steps, state, begin, started=started, **options)
    return state, outputs


def learn_from_trajectory_normalized(
    learner: AbstractLearner,
    observations: Real[ArrayLike, "steps features"],
    targets: Real[ArrayLike, "steps 1"],
    learner_state: Any = None,
    *,
    key: PRNGKeyArray | None = None,
    **options: Unpack[LoopOptions],
) -> tuple[Any, Any]:
    """`learn_from_trajectory` under its older name.

    **Raises:** `ValueError` for a learner without a normalizer.
    """
    if getattr(learner, "normalizer", None) is None:
        raise ValueError(
            "`learner` must have a normalizer for learn_from_trajectory_normalized, got "
            f"{learner!r}; learn_from_trajectory takes any."
        )
    return learn_from_trajectory(learner, observations, targets, learner_state, key=key, **options)
