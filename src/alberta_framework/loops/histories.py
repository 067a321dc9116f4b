"""Histories of step sizes, normalizer statistics, predictions, or any part of a learner's state."""

from functools import reduce
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ..components.ranges import require_choice, require_count
from ..components.state import AbstractState
from ..learners import (
    LearnerState,
    LinearLearner,
    SoftmaxLinearLearner,
    SoftmaxLinearState,
)
from ..optimizers import AutostepState
from .recorders import AbstractRecorder, Tape, recordings


class StepSizeHistory(AbstractState):
    """Step sizes after the updates at `recording_indices`, those of a learner of classes with an
    axis of classes; a batched loop adds a leading axis."""

    step_sizes: Float[Array, "recordings *classes features"]
    bias_step_sizes: Float[Array, "recordings *classes"] | None
    recording_indices: Int[Array, " recordings"]
    normalizers: Float[Array, "recordings *classes features"] | None


class NormalizerHistory(AbstractState):
    """Normalizer statistics after the updates at `recording_indices`."""

    means: Float[Array, "recordings features"]
    variances: Float[Array, "recordings features"]
    recording_indices: Int[Array, " recordings"]


class StateHistory(AbstractState):
    """Any part of a learner's state after the updates at `recording_indices`."""

    values: PyTree[Array]
    recording_indices: Int[Array, " recordings"]


class PredictionHistory(AbstractState):
    """What a learner predicted at the steps `recording_indices`, a number or one for each part; a
    batched loop adds a leading axis."""

    predictions: Float[Array, "recordings ..."]
    recording_indices: Int[Array, " recordings"]


class StepSizeTrackingConfig(AbstractRecorder):
    """Record step sizes after every `interval`-th update, from step 0 on.

    **Arguments:** `interval`: 1 to `num_steps`; `include_bias`: also the bias's, default True.
    """

    interval: int = eqx.field(static=True)
    include_bias: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        name = type(self).__name__
        require_choice(name, "include_bias", self.include_bias, (True, False))

    def _now(
        self,
        learner: LinearLearner | SoftmaxLinearLearner,
        state: LearnerState | SoftmaxLinearState,
    ) -> dict[str, Array]:
        def of_one(optimizer, optimizer_state, weights):
            step_sizes = optimizer.step_sizes(optimizer_state)
            now = {"step_sizes": jnp.broadcast_to(step_sizes, weights.shape)}
            if self.include_bias:
                now["bias_step_sizes"] = optimizer.bias_step_size(optimizer_state)
            if isinstance(optimizer_state, AutostepState):
                now["normalizers"] = optimizer_state.normalizers
            return now

        several = state.weights.ndim > 1  # classes, each with an optimizer's state
        told = jax.vmap(of_one, in_axes=(None, 0, 0)) if several else of_one
        return told(learner.optimizer, state.optimizer_state, state.weights)

    def init(self, num_steps, learner, state, outputs):
        like = jax.eval_shape(self._now, learner, state)
        return Tape.blank(recordings(num_steps, self.interval), like)

    def step(self, tape, idx, learner, state, outputs):
        due = idx % self.interval == 0
        return tape.write(due, idx // self.interval, idx, self._now(learner, state))

    def finish(self, tape) -> StepSizeHistory:
        values = tape.values
        return StepSizeHistory(
            values["step_sizes"],
            values.get("bias_step_sizes"),
            tape.recording_indices,
            values.get("normalizers"),
        )


class NormalizerTrackingConfig(AbstractRecorder):
    """Record a normalizer's means and variances after every `interval`-th update, from step 0 on.

    **Arguments:** `interval`: 1 to `num_steps`.
    """

    interval: int = eqx.field(static=True)

    def init(self, num_steps, learner, state, outputs):
        statistics = state.normalizer_state
        like = {"means": statistics.mean, "variances": statistics.var}
        return Tape.blank(recordings(num_steps, self.interval), like)

    def step(self, tape, idx, learner, state, outputs):
        statistics = state.normalizer_state
        now = {"means": statistics.mean, "variances": statistics.var}
        return tape.write(idx % self.interval == 0, idx // self.interval, idx, now)

    def finish(self, tape) -> NormalizerHistory:
        return NormalizerHistory(**tape.values, recording_indices=tape.recording_indices)


class StateTracking(AbstractRecorder):
    """Record any part of the learner's state after every `interval`-th update, from step 0 on.

    **Arguments:** `path`: attribute names and tuple indices joined by dots, as
    `"optimizer_state.traces"`; `interval` >= 1.

    **Raises:** `ValueError` when the loop starts and the state has no such path.
    """

    path: str = eqx.field(static=True)
    interval: int = eqx.field(static=True, default=1)

    def _now(self, state: Any) -> Any:
        def part(value, name):
            try:
                return value[int(name)] if name.isdecimal() else getattr(value, name)
            except (AttributeError, IndexError, TypeError):
                fields = getattr(type(value), "__dataclass_fields__", {})
                known = ", ".join(fields) or f"indices of {type(value).__name__}"
                raise ValueError(
                    f"StateTracking: `path` {self.path!r} is no part of the state: {name!r} is not "
                    f"among {known}."
                ) from None

        return reduce(part, self.path.split("."), state)

    def init(self, num_steps, learner, state, outputs):
        return Tape.blank(recordings(num_steps, self.interval), self._now(state))

    def step(self, tape, idx, learner, state, outputs):
        return tape.write(idx % self.interval == 0, idx // self.interval, idx, self._now(state))

    def finish(self, tape) -> StateHistory:
        return StateHistory(tape.values, tape.recording_indices)


class PredictionTracking(AbstractRecorder):
    """Record what the learner predicts at every `interval`-th step, from step 0 on, before it
    learns from it: `predict(state, experience.observation)`, from which its error is taken.

    Of any learner with `predict`. A step that is rejected for what it was to learn has a prediction
    too.

    **Arguments:** `interval` >= 1.

    **Raises:** `TypeError` when the loop starts, for a learner that does not predict.
    """

    interval: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        require_count("PredictionTracking", "interval", self.interval)

    def _told(self, learner: Any, state: Any, experience: Any, outputs: Any) -> Any:
        if not (callable(getattr(learner, "predict", None)) and hasattr(experience, "observation")):
            raise TypeError(
                "PredictionTracking: the learner must have `predict(state, observation)`, and its "
                f"experience an `observation`, got {type(learner).__name__} and "
                f"{type(experience).__name__}."
            )
        return learner.predict(state, experience.observation)

    def init(self, num_steps, learner, state, outputs):
        return Tape.blank(recordings(num_steps, self.interval), outputs)

    def step(self, tape, idx, learner, state, outputs):
        return tape.write(idx % self.interval == 0, idx // self.interval, idx, outputs)

    def finish(self, tape) -> PredictionHistory:
        return PredictionHistory(tape.values, tape.recording_indices)
