"""TD(lambda) in a stream: the value of a whole network, one transition at a time."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled, strong
from ..components.numbers import f32, scalar, truth
from ..components.ranges import require_count, require_key, require_part, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from ..experience import TDTimeStep
from ..networks import AbstractNetwork, StreamMLP
from ..normalizers import AbstractNormalizer, AbstractNormalizerState
from ..optimizers import AbstractOptimizer, Hybrid, ObGD, require_no_traces
from ..plasticity import AbstractPlasticity
from ..step_rules import AbstractStepRule, step_rule_of
from ..targets import next_features
from .abstract import AbstractLearner
from .acceptance import Candidate, guarded
from .lifetime import AbstractLearnerState, Lifecycle
from .metrics import Metrics, named_columns
from .network import plasticity_begun, plasticity_witnesses
from .on_policy import on_policy
from .plastic import kept_td_step
from .td_step import td_step
from .trunk import Network, kept_by, network_of_layers

_METRICS = ("squared_td_error", "td_error", "step_size")


class StreamTDState(AbstractLearnerState):
    """Parameters, the step rule's state, and by how much its trace decays next.

    `feature_dim` is how many numbers an observation has.
    """

    params: Any
    rule_state: Any
    trace_decay: Float[Array, ""]
    normalizer_state: AbstractNormalizerState | None
    life: Lifecycle
    feature_dim: int = eqx.field(static=True)
    plasticity_state: Any = None


class StreamTDUpdateResult(AbstractState):
    """What one update gave; NaN in every float when the step was rejected.

    `metrics` holds the squared TD error, the TD error and the step size.
    """

    state: StreamTDState
    prediction: Float[Array, "1"]
    td_error: Float[Array, "1"]
    metrics: Float[Array, "3"]
    rejected: Bool[Array, ""]


class StreamTD(AbstractLearner[StreamTDState, TDTimeStep]):
    r"""TD(lambda) with a network, one trace over all its parameters: no replay, no batch.

    For a transition from x to x' with reward R and discount g (0 at a termination), all from the
    parameters before and the normalizer's statistics with x in them:

        delta = R + g v(x') - v(x)
        dw    = the step rule's step for delta and grad v(x), its trace decaying by the discount of
                the transition into x times lamda

    A truncation bootstraps like any other step; call `reset_traces` after it, as loops do that are
    told of one.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606.

    **Arguments:** `network` with one output, default `StreamMLP((128, 128), 1)`; `optimizer`: a
    step rule or an optimizer, default `ObGD(kappa=2)`; `lamda` in [0, 1], default 0.8; `gamma`:
    the discount that most transitions have, by which rules average, default 0.99; `normalizer` of
    observations, default none; `plasticity`: what keeps the network able to learn, default none.
    """

    experience: ClassVar[type] = TDTimeStep
    draws_weights: ClassVar[bool] = True

    network: AbstractNetwork
    optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    lamda: Hyperparameter
    gamma: Hyperparameter
    normalizer: AbstractNormalizer | None
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        network: AbstractNetwork | None = None,
        optimizer: AbstractStepRule | AbstractOptimizer | Hybrid | None = None,
        lamda: Hyperparameter = 0.8,
        gamma: Hyperparameter = 0.99,
        normalizer: AbstractNormalizer | None = None,
        plasticity: AbstractPlasticity | None = None,
    ):
        self.network = StreamMLP((128, 128), 1) if network is None else network
        self.optimizer = ObGD(kappa=2.0) if optimizer is None else optimizer
        self.lamda, self.gamma, self.normalizer = lamda, gamma, normalizer
        self.plasticity = plasticity

    def __check_init__(self):
        require_part(self, "network", AbstractNetwork)
        if self.network.n_out != 1:
            raise ValueError(f"StreamTD: `network` must have 1 output, got {self.network.n_out}.")
        require_part(self, "normalizer", AbstractNormalizer, optional=True)
        require_part(self, "plasticity", AbstractPlasticity, optional=True)
        require_range(self, "lamda", 0.0, 1.0)
        require_range(self, "gamma", 0.0, 1.0)
        require_no_traces("StreamTD", self.step_rule, "lamda", self.lamda)

    @property
    def step_rule(self) -> AbstractStepRule:
        """How errors become changes of the whole network."""
        rule = step_rule_of("StreamTD", "optimizer", self.optimizer)
        numbers = isinstance(self.gamma, int | float) and isinstance(self.lamda, int | float)
        decay = self.gamma * self.lamda if numbers else f32(self.gamma) * f32(self.lamda)
        return rule.averaging(decay)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> StreamTDState:
        """The network's initial weights for `feature_dim` features, drawn from `key`."""
        require_count("StreamTD.init", "feature_dim", feature_dim)
        own_key = require_key("StreamTD.init", key)
        params = self.network.init(int(feature_dim), own_key)
        normalizer = self.normalizer
        return StreamTDState(
            params=params,
            rule_state=_rule_state(strong(self), params),
            trace_decay=jnp.zeros((), jnp.float32),
            normalizer_state=None if normalizer is None else normalizer.init(int(feature_dim)),
            life=Lifecycle.begin(),
            feature_dim=int(feature_dim),
            plasticity_state=plasticity_begun(self.plasticity, params, own_key),
        )

    @compiled
    def predict(
        self, state: StreamTDState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "1"]:
        """The value at `observation`, as `update` would report it."""
        x = f32(observation)
        if self.normalizer is not None:
            x = self.normalizer.for_prediction(state.normalizer_state, x)
        return jnp.reshape(self.network.apply(state.params, x), (1,))

    @compiled
    @guarded
    def update(
        self,
        state: StreamTDState,
        observation: Real[Array, "{state.feature_dim}"],
        reward: ScalarLike,
        next_observation: Real[Array, "{state.feature_dim}"],
        gamma: ScalarLike,
    ) -> Candidate[StreamTDUpdateResult]:
        """Learn from one transition, whose discount is `gamma`."""
        g, x, normalizer_state = scalar(gamma), f32(observation), state.normalizer_state
        next_x = next_features(g, next_observation)
        if self.normalizer is not None:
            x, normalizer_state = self.normalizer.normalize(normalizer_state, x)
            next_x = self.normalizer.normalize_only(normalizer_state, next_x)
        rule = self.step_rule
        step = td_step(
            rule,
            state.rule_state,
            state.params,
            lambda params: self.network.apply(params, x)[0],
            lambda params: self.network.apply(params, next_x)[0],
            scalar(reward),
            g,
            state.trace_decay,
            g == 0.0,
        )
        kept = kept_td_step(
            self.plasticity, state.plasticity_state, self.network, rule, state.params, step, x
        )
        after = state.replace(
            params=kept.params,
            rule_state=kept.rule_state,
            plasticity_state=kept.plasticity_state,
            trace_decay=g * f32(self.lamda),
            normalizer_state=normalizer_state,
        )
        result = StreamTDUpdateResult(
            state=after,
            prediction=jnp.reshape(step.value, (1,)),
            td_error=jnp.reshape(step.delta, (1,)),
            metrics=jnp.stack([step.delta**2, step.delta, step.info.step_size]),
            rejected=jnp.asarray(False),
        )
        own = plasticity_witnesses(self.plasticity, kept.plasticity_state)
        states = rule.witnesses(kept.rule_state), normalizer_state, own
        return Candidate(result, (step.delta, g, next_x, f32(observation), kept.params, states))

    def learn(
        self, state: StreamTDState, experience: TDTimeStep
    ) -> tuple[StreamTDState, Float[Array, "3"]]:
        """Update on a `TDTimeStep`; the outputs are the metrics."""
        now = on_policy(self, experience)
        result = self.update(state, now.observation, now.reward, now.next_observation, now.gamma)
        state = result.state
        if experience.truncated is not None:
            cut = truth(experience.truncated)
            state = state.replace(trace_decay=jnp.where(cut, 0.0, state.trace_decay))
        return state, result.metrics

    def _named(self, outputs: Float[Array, "*batch 3"]) -> Metrics:
        return named_columns(_METRICS, outputs)

    def _network(self, state: StreamTDState) -> Network | None:
        network = network_of_layers(
            self.network.layers(state.params),
            getattr(state.rule_state, "trace", None),
            self.normalizer,
            state.normalizer_state,
        )
        return kept_by(network, self.plasticity, state.plasticity_state, state.params)

    def _cut(self, state: StreamTDState) -> StreamTDState:
        return state.replace(
            rule_state=self.step_rule.cut(state.rule_state),
            trace_decay=jnp.zeros_like(state.trace_decay),
        )


@jax.jit
def _rule_state(learner: StreamTD, params: Any) -> Any:
    return learner.step_rule.init(params)
