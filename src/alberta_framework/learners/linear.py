"""The linear learner: one weight per feature and a bias."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..bounders import AbstractBounder
from ..compilation.boundary import compiled, strong
from ..components.numbers import affine, f32, scalar
from ..components.ranges import require_choice, require_count, require_part
from ..components.state import AbstractState
from ..components.types import ScalarLike
from ..experience import TimeStep
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..optimizers import LMS, AbstractOptimizer, OptimizerUpdate
from .abstract import AbstractLearner
from .acceptance import Candidate, guarded
from .lifetime import AbstractLearnerState, Lifecycle
from .metrics import Metrics, named_columns
from .target_scale import TargetScale, require_target_normalizer
from .trunk import Network

# The columns of the metrics; the last one is there with a normalizer alone.
LINEAR_METRICS = ("squared_error", "error", "mean_step_size", "normalizer_mean_var")


class LearnerState(AbstractLearnerState):
    """Weights, bias, and the states of the learner's parts."""

    weights: Float[Array, " features"]
    bias: Float[Array, ""]
    optimizer_state: AbstractState
    normalizer_state: AbstractNormalizerState | None
    life: Lifecycle
    target_normalizer_state: Any = None

    @property
    def feature_dim(self) -> int:
        return self.weights.shape[-1]


class UpdateResult(AbstractState):
    """What one update gave; NaN in every float when the step was rejected.

    `metrics` holds the squared error, the error, the mean step size and, with a normalizer, the
    mean variance of its statistics.
    """

    state: LearnerState
    prediction: Float[Array, "1"]
    error: Float[Array, "1"]
    metrics: Float[Array, " columns"]
    rejected: Bool[Array, ""]


class LinearLearner(AbstractLearner[LearnerState, TimeStep]):
    r"""Predicts y = w.x + b; the optimizer decides how far each weight moves.

    With a normalizer, x is the observation normalized by statistics that include it, in `predict`
    too, which discards them (`predict_with` of the normalizer). With a bounder, the optimizer's
    changes divided by the error are bounded as one pair of tensors (w, b); `LMS` with
    `ObGDBounding` is `ObGD`.

    A step with a non-finite observation or target, or one after which anything in the state would
    not be finite, is rejected: the state stays as it was, bit for bit, and counts it.

    With a `target_normalizer` w.x + b is in units of the targets' spread: the prediction is
    mu + sigma (w.x + b) with the statistics of the targets so far, and what is learned from is the
    target, normalized by statistics that hold it, minus w.x + b. Predictions and errors are told in
    units of the target.

    **Arguments:** `optimizer`, default `LMS(0.01)`; `normalizer`, `bounder`, default none;
    keyword only: `target_normalizer`, default none; `use_bias`: whether the bias learns, default
    True; one that does not stays a part of the sums that bound a step, as a weight on the constant
    feature 1.

    ```python
    learner = LinearLearner(IDBD())
    state = learner.init(feature_dim=2)
    result = learner.update(state, np.array([1.0, 0.0]), 1.0)
    learner.predict(result.state, np.array([1.0, 0.0]))  # [0.02]
    ```
    """

    experience: ClassVar[type] = TimeStep
    draws_weights: ClassVar[bool] = False

    optimizer: AbstractOptimizer = eqx.field(default=LMS(), metadata={"config": "required"})
    normalizer: AbstractNormalizer | None = None
    bounder: AbstractBounder | None = None
    use_bias: bool = eqx.field(
        static=True, default=True, kw_only=True, metadata={"config": "omit_default"}
    )
    target_normalizer: AbstractNormalizer | None = eqx.field(
        default=None, kw_only=True, metadata={"config": "omit_default"}
    )

    def __init__(
        self,
        optimizer: AbstractOptimizer | None = None,
        normalizer: AbstractNormalizer | None = None,
        bounder: AbstractBounder | None = None,
        *,
        use_bias: bool = True,
        target_normalizer: AbstractNormalizer | None = None,
    ):
        self.optimizer = LMS() if optimizer is None else optimizer
        self.normalizer, self.bounder, self.use_bias = normalizer, bounder, use_bias
        self.target_normalizer = target_normalizer

    def __check_init__(self):
        require_part(self, "optimizer", AbstractOptimizer)
        require_part(self, "normalizer", AbstractNormalizer, optional=True)
        require_part(self, "bounder", AbstractBounder, optional=True)
        require_choice("LinearLearner", "use_bias", self.use_bias, (True, False))
        require_target_normalizer(self)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> LearnerState:
        """Zero weights for `feature_dim` features, born now; nothing is drawn from `key`."""
        require_count("LinearLearner.init", "feature_dim", feature_dim)
        return _initial_state(strong(self), feature_dim, Lifecycle.begin())

    @compiled
    def predict(
        self, state: LearnerState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "1"]:
        """The prediction at `observation`, as `update` would report it."""
        x = f32(observation)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(state.normalizer_state, x)
        scale, output = TargetScale(self.target_normalizer), _value(state, x)
        return jnp.reshape(scale.of_output(state.target_normalizer_state, output), (1,))

    @compiled
    @guarded
    def update(
        self,
        state: LearnerState,
        observation: Real[Array, "{state.feature_dim}"],
        target: ScalarLike,
    ) -> Candidate[UpdateResult]:
        """Learn that `observation` goes with `target`, a number or shape (1,)."""
        x, normalizer_state = f32(observation), state.normalizer_state
        if self.normalizer is not None:
            x, normalizer_state = self.normalizer.normalize(normalizer_state, x)
        target, output = scalar(target), _value(state, x)
        scale, before = TargetScale(self.target_normalizer), state.target_normalizer_state
        prediction = scale.of_output(before, output)
        wanted, target_state = scale.of_target(before, target)
        error, step_error = target - prediction, wanted - output
        weights, bias = state.weights, state.bias
        change = self.optimizer.change(state.optimizer_state, step_error, x, weights, bias)
        w, b = changed(self.bounder, change, step_error, weights, bias, self.use_bias)
        candidate = LearnerState(
            weights=w,
            bias=b,
            optimizer_state=change.new_state,
            normalizer_state=normalizer_state,
            life=state.life,
            target_normalizer_state=target_state,
        )
        columns = [error**2, error, mean_step_size(change.metrics)]
        if normalizer_state is not None:
            columns.append(jnp.mean(normalizer_state.var))
        result = UpdateResult(
            state=candidate,
            prediction=jnp.reshape(prediction, (1,)),
            error=jnp.reshape(error, (1,)),
            metrics=jnp.stack(columns),
            rejected=jnp.asarray(False),
        )
        # Any non-finite input makes the error non-finite.
        judged = candidate.replace(optimizer_state=self.optimizer.judged(change.new_state))
        return Candidate(result, (error, judged))

    def learn(
        self, state: LearnerState, experience: TimeStep
    ) -> tuple[LearnerState, Float[Array, " columns"]]:
        """Update on a `TimeStep`; the outputs are the metrics."""
        result = self.update(state, experience.observation, experience.target)
        return result.state, result.metrics

    def _named(self, outputs: Float[Array, "*batch columns"]) -> Metrics:
        names = LINEAR_METRICS if self.normalizer is not None else LINEAR_METRICS[:-1]
        return named_columns(names, outputs)

    def _network(self, state: LearnerState) -> Network:
        return Network(
            head_weights=state.weights[None],
            head_step_sizes=self._input_step_sizes(state)[None],
            normalizer=self.normalizer,
            normalizer_state=state.normalizer_state,
        )

    def _input_step_sizes(self, state: LearnerState) -> Float[Array, " features"]:
        step_sizes = self.optimizer.step_sizes(state.optimizer_state)
        return jnp.broadcast_to(step_sizes, state.weights.shape)


def _kept(numbers: Array, forgotten: Array | None) -> Array:
    return numbers if forgotten is None else numbers - forgotten


def _value(state: LearnerState, x: Float[Array, " features"]) -> Float[Array, ""]:
    return affine(state.weights, x, state.bias)


def changed(
    bounder: AbstractBounder | None,
    change: OptimizerUpdate,
    error: Float[Array, ""],
    weights: Float[Array, " features"],
    bias: Float[Array, ""],
    use_bias: bool = True,
) -> tuple[Float[Array, " features"], Float[Array, ""]]:
    """Weights and bias after what an optimizer wants, bounded as one pair of tensors; what it
    forgets is not bounded."""
    dw, db = change.weight_delta, change.bias_delta
    if bounder is not None:
        # The optimizer's changes hold the error, which a bounder takes apart from the steps.
        safe = jnp.where(error == 0.0, 1.0, error)
        steps = tuple(jnp.where(error == 0.0, 0.0, part / safe) for part in (dw, db))
        (sw, sb), _ = bounder.bound(steps, error, (weights, bias))
        dw, db = error * sw, error * sb
    weights = _kept(weights, change.weight_forgotten) + dw
    return weights, _kept(bias, change.bias_forgotten) + db if use_bias else bias


def mean_step_size(metrics: dict[str, Float[Array, ""]]) -> Float[Array, ""]:
    """The step size that an optimizer's metrics tell; 0 when they tell none."""
    for name in ("mean_step_size", "effective_step_size", "step_size"):
        if name in metrics:
            return metrics[name]
    return jnp.zeros((), jnp.float32)


@jax.jit(static_argnames="feature_dim")
def _initial_state(learner: LinearLearner, feature_dim: int, life: Lifecycle) -> LearnerState:
    normalizer_state = None if learner.normalizer is None else learner.normalizer.init(feature_dim)
    return LearnerState(
        weights=jnp.zeros(feature_dim, jnp.float32),
        bias=jnp.zeros((), jnp.float32),
        optimizer_state=learner.optimizer.init(feature_dim),
        normalizer_state=normalizer_state,
        life=life,
        target_normalizer_state=TargetScale(learner.target_normalizer).begun(),
    )
