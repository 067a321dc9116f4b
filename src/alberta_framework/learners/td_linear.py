"""The linear TD learner: a value function of linear features."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled, strong
from ..components.numbers import affine, f32, scalar
from ..components.ranges import require_choice, require_count, require_part
from ..components.state import AbstractState
from ..components.types import ScalarLike
from ..experience import TDTimeStep
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..optimizers import TDIDBD, AbstractTDOptimizer
from ..targets import bootstrapped, next_features
from .abstract import AbstractLearner
from .acceptance import Candidate, guarded
from .lifetime import AbstractLearnerState, Lifecycle
from .metrics import Metrics, named_columns
from .on_policy import on_policy
from .trunk import Network


class TDLearnerState(AbstractLearnerState):
    """Weights, bias, and the states of the learner's parts."""

    weights: Float[Array, " features"]
    bias: Float[Array, ""]
    optimizer_state: AbstractState
    normalizer_state: AbstractNormalizerState | None
    life: Lifecycle

    @property
    def feature_dim(self) -> int:
        return self.weights.shape[-1]


class TDUpdateResult(AbstractState):
    """What one update gave; NaN in every float when the step was rejected.

    `metrics` holds the squared TD error, the TD error, the mean step size and the mean absolute
    eligibility trace.
    """

    state: TDLearnerState
    prediction: Float[Array, "1"]
    td_error: Float[Array, "1"]
    metrics: Float[Array, "4"]
    rejected: Bool[Array, ""]


class TDLinearLearner(AbstractLearner[TDLearnerState, TDTimeStep]):
    r"""Learns v(s) = w.x(s) + b, the expected discounted sum of rewards, from transitions.

        delta = R + gamma (w.x' + b) - (w.x + b)

    with the discount gamma of this very transition: at gamma = 0 whatever x' holds is ignored. The
    optimizer keeps the eligibility traces. With a normalizer, x and x' are both normalized by
    statistics that include x.

    A step with a non-finite observation, reward or discount (or next observation, unless gamma is
    0), or one after which anything in the state would not be finite, is rejected: the state stays
    as it was, bit for bit, and counts it.

    **Arguments:** `optimizer`, default `TDIDBD()`; `normalizer`, default none; `use_bias`, keyword
    only: whether the bias learns, default True (textbook tasks with tabular features want False).
    """

    experience: ClassVar[type] = TDTimeStep
    draws_weights: ClassVar[bool] = False

    optimizer: AbstractTDOptimizer = eqx.field(default=TDIDBD(), metadata={"config": "required"})
    normalizer: AbstractNormalizer | None = None
    use_bias: bool = eqx.field(
        static=True, default=True, kw_only=True, metadata={"config": "omit_default"}
    )

    def __init__(
        self,
        optimizer: AbstractTDOptimizer | None = None,
        normalizer: AbstractNormalizer | None = None,
        *,
        use_bias: bool = True,
    ):
        self.optimizer = TDIDBD() if optimizer is None else optimizer
        self.normalizer, self.use_bias = normalizer, use_bias

    def __check_init__(self):
        require_part(self, "optimizer", AbstractTDOptimizer)
        require_part(self, "normalizer", AbstractNormalizer, optional=True)
        require_choice("TDLinearLearner", "use_bias", self.use_bias, (True, False))

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> TDLearnerState:
        """Zero weights for `feature_dim` features, born now; nothing is drawn from `key`."""
        require_count("TDLinearLearner.init", "feature_dim", feature_dim)
        return _initial_state(strong(self), feature_dim, Lifecycle.begin())

    @compiled
    def predict(
        self, state: TDLearnerState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "1"]:
        """The value at `observation`, as `update` would report it."""
        x = f32(observation)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(state.normalizer_state, x)
        return jnp.reshape(_value(state, x), (1,))

    @compiled
    @guarded
    def update(
        self,
        state: TDLearnerState,
        observation: Real[Array, "{state.feature_dim}"],
        reward: ScalarLike,
        next_observation: Real[Array, "{state.feature_dim}"],
        gamma: ScalarLike,
    ) -> Candidate[TDUpdateResult]:
        """Learn from one transition; `reward` and `gamma` are numbers or shape (1,)."""
        g, normalizer_state = scalar(gamma), state.normalizer_state
        x = f32(observation)
        next_x = next_features(g, next_observation)
        bad = jnp.sum(0.0 * next_x) != 0.0
        if self.normalizer is not None:
            x, normalizer_state = self.normalizer.normalize(normalizer_state, x)
            next_x = self.normalizer.normalize_only(normalizer_state, next_x)
        prediction = _value(state, x)
        delta = bootstrapped(scalar(reward), g, _value(state, next_x)) - prediction
        change = self.optimizer.update(state.optimizer_state, delta, x, next_x, g)
        w = state.weights + change.weight_delta
        b = state.bias + change.bias_delta if self.use_bias else state.bias
        candidate = TDLearnerState(
            weights=w,
            bias=b,
            optimizer_state=change.new_state,
            normalizer_state=normalizer_state,
            life=state.life,
        )
        metrics = change.metrics
        columns = [
            delta**2,
            delta,
            metrics["mean_step_size"],
            metrics["mean_eligibility_trace"],
        ]
        result = TDUpdateResult(
            state=candidate,
            prediction=jnp.reshape(prediction, (1,)),
            td_error=jnp.reshape(delta, (1,)),
            metrics=jnp.stack(columns),
            rejected=jnp.asarray(False),
        )
        return Candidate(result, (delta, g, candidate), ~bad)

    def learn(
        self, state: TDLearnerState, experience: TDTimeStep
    ) -> tuple[TDLearnerState, Float[Array, "4"]]:
        """Update on a `TDTimeStep`; the outputs are the metrics."""
        now = on_policy(self, experience)
        result = self.update(state, now.observation, now.reward, now.next_observation, now.gamma)
        state, truncated = result.state, experience.truncated
        if truncated is not None:
            cut = self.reset_traces(state)
            state = jax.tree.map(lambda a, b: jnp.where(truncated, a, b), cut, state)
        return state, result.metrics

    def _named(self, outputs: Float[Array, "*batch 4"]) -> Metrics:
        names = ("squared_td_error", "td_error", "mean_step_size", "mean_eligibility_trace")
        return named_columns(names, outputs)

    def _cut(self, state: TDLearnerState) -> TDLearnerState:
        return state.replace(optimizer_state=self.optimizer.reset_traces(state.optimizer_state))

    def _network(self, state: TDLearnerState) -> Network:
        step_sizes = self._input_step_sizes(state)
        return Network(
            head_weights=state.weights[None],
            head_step_sizes=None if step_sizes is None else step_sizes[None],
            normalizer=self.normalizer,
            normalizer_state=state.normalizer_state,
        )

    def _input_step_sizes(self, state: TDLearnerState) -> Float[Array, " features"] | None:
        step_sizes = self.optimizer.step_sizes(state.optimizer_state)
        return None if step_sizes is None else jnp.broadcast_to(step_sizes, state.weights.shape)


def _value(state: TDLearnerState, x: Float[Array, " features"]) -> Float[Array, ""]:
    return affine(state.weights, x, state.bias)


@jax.jit(static_argnames="feature_dim")
def _initial_state(learner: TDLinearLearner, feature_dim: int, life: Lifecycle) -> TDLearnerState:
    normalizer_state = None if learner.normalizer is None else learner.normalizer.init(feature_dim)
    return TDLearnerState(
        weights=jnp.zeros(feature_dim, jnp.float32),
        bias=jnp.zeros((), jnp.float32),
        optimizer_state=learner.optimizer.init(feature_dim),
        normalizer_state=normalizer_state,
        life=life,
    )
