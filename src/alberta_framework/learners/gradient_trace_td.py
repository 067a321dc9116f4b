"""Gradient TD(lambda) with a network: prediction that descends an objective."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled, strong
from ..components.numbers import f32, scalar, truth
from ..components.ranges import (
    require_choice,
    require_count,
    require_key,
    require_part,
    require_range,
)
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from ..experience import TDTimeStep
from ..networks import AbstractNetwork, StreamMLP
from ..optimizers import LMS, AbstractOptimizer, Hybrid, require_no_traces
from ..plasticity import AbstractPlasticity
from ..step_rules import AbstractStepRule, step_rule_of
from ..targets import next_features
from .abstract import AbstractLearner
from .acceptance import Candidate, guarded
from .gradient_traces import GradientTraces, gradient_step
from .lifetime import AbstractLearnerState, Lifecycle
from .metrics import Metrics, named_columns
from .on_policy import on_policy
from .plastic import both, both_begun
from .trunk import Network, kept_by, network_of_layers

_METRICS = ("squared_td_error", "td_error", "expected_error")


class GradientTraceTDState(AbstractLearnerState):
    """Parameters of the value and of the auxiliary function, the states of what steps them, their
    traces, and by how much these decay next."""

    params: Any
    auxiliary_params: Any
    rule_state: Any
    auxiliary_rule_state: Any
    traces: GradientTraces
    trace_decay: Float[Array, ""]
    life: Lifecycle
    feature_dim: int = eqx.field(static=True)
    plasticity_states: Any = None


class GradientTraceTDUpdateResult(AbstractState):
    """What one update gave; NaN in every float when the step was rejected.

    `metrics` holds the squared TD error, the TD error and what the auxiliary function expected it
    to be.
    """

    state: GradientTraceTDState
    prediction: Float[Array, "1"]
    td_error: Float[Array, "1"]
    metrics: Float[Array, "3"]
    rejected: Bool[Array, ""]


class GradientTraceTD(AbstractLearner[GradientTraceTDState, TDTimeStep]):
    r"""TD(lambda) with gradient corrections, for values that are networks.

    With a second network h(x; theta) that learns to predict the error, for a transition from x to
    x' with reward R and discount g, all from the parameters before:

        delta  = R + g v(x') - v(x),     d = (discount of the transition into x) lamda
        Z_v   <- d Z_v + grad v(x),  Z_h <- d Z_h + grad h(x),  zeta <- d zeta + h(x)
        w     += alpha [- zeta grad delta + delta Z_v - h(x) grad v(x)]
        theta += scale alpha [delta Z_h - h(x) grad h(x) - regularization theta]

    grad delta is the whole gradient, through v(x') too. Of a linear value the sum of the first
    bracket over an episode is that of TDC(lambda).

    Source: Elelimy et al. (2025), arXiv:2507.09087, and their code (gtd_algos).

    **Arguments:** `network`, `auxiliary_network` with one output each, default `StreamMLP((128,
    128), 1)`; `optimizer`, default `LMS(1e-3)`, as in `QRC`; `auxiliary_scale` > 0, default 1;
    `regularization` >= 0, default 1; `lamda` in [0, 1], default 0.8; `correction`, default True;
    False is GTD2; `plasticity`: what keeps both networks able to learn, each by itself, default
    none.
    """

    experience: ClassVar[type] = TDTimeStep
    draws_weights: ClassVar[bool] = True

    network: AbstractNetwork
    auxiliary_network: AbstractNetwork
    optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    auxiliary_scale: Hyperparameter
    regularization: Hyperparameter
    lamda: Hyperparameter
    correction: bool = eqx.field(static=True)
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        network: AbstractNetwork | None = None,
        auxiliary_network: AbstractNetwork | None = None,
        optimizer: AbstractStepRule | AbstractOptimizer | Hybrid | None = None,
        auxiliary_scale: Hyperparameter = 1.0,
        regularization: Hyperparameter = 1.0,
        lamda: Hyperparameter = 0.8,
        correction: bool = True,
        plasticity: AbstractPlasticity | None = None,
    ):
        self.network = StreamMLP((128, 128), 1) if network is None else network
        self.auxiliary_network = self.network if auxiliary_network is None else auxiliary_network
        self.optimizer = LMS(1e-3) if optimizer is None else optimizer
        self.auxiliary_scale, self.regularization = auxiliary_scale, regularization
        self.lamda, self.correction = lamda, correction
        self.plasticity = plasticity

    def __check_init__(self):
        for name in ("network", "auxiliary_network"):
            require_part(self, name, AbstractNetwork)
            found = getattr(self, name).n_out
            if found != 1:
                raise ValueError(f"GradientTraceTD: `{name}` must have 1 output, got {found}.")
        require_range(self, "auxiliary_scale", 0.0, open_low=True)
        require_range(self, "regularization", 0.0)
        require_part(self, "plasticity", AbstractPlasticity, optional=True)
        require_range(self, "lamda", 0.0, 1.0)
        require_choice("GradientTraceTD", "correction", self.correction, (True, False))
        require_no_traces("GradientTraceTD", self.step_rule, "lamda", self.lamda)

    @property
    def step_rule(self) -> AbstractStepRule:
        """What makes a change of a direction, given with the error 1."""
        return step_rule_of("GradientTraceTD", "optimizer", self.optimizer).averaging(0.0)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> GradientTraceTDState:
        """Both networks' initial weights for `feature_dim` features, drawn from `key`."""
        require_count("GradientTraceTD.init", "feature_dim", feature_dim)
        own, auxiliary = jr.split(require_key("GradientTraceTD.init", key))
        params = self.network.init(int(feature_dim), own)
        auxiliary_params = self.auxiliary_network.init(int(feature_dim), auxiliary)
        states = _rule_states(strong(self), params, auxiliary_params)
        return GradientTraceTDState(
            params=params,
            auxiliary_params=auxiliary_params,
            rule_state=states[0],
            auxiliary_rule_state=states[1],
            traces=GradientTraces.begin(params, auxiliary_params),
            trace_decay=jnp.zeros((), jnp.float32),
            life=Lifecycle.begin(),
            feature_dim=int(feature_dim),
            plasticity_states=both_begun(
                self.plasticity, (params, auxiliary_params), (own, auxiliary)
            ),
        )

    @compiled
    def predict(
        self, state: GradientTraceTDState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "1"]:
        """The value at `observation`, as `update` would report it."""
        return jnp.reshape(self.network.apply(state.params, f32(observation)), (1,))

    @compiled
    @guarded
    def update(
        self,
        state: GradientTraceTDState,
        observation: Real[Array, "{state.feature_dim}"],
        reward: ScalarLike,
        next_observation: Real[Array, "{state.feature_dim}"],
        gamma: ScalarLike,
    ) -> Candidate[GradientTraceTDUpdateResult]:
        """Learn from one transition, whose discount is `gamma`."""
        g, x = scalar(gamma), f32(observation)
        next_x = next_features(g, next_observation)
        step = gradient_step(
            self,
            state,
            x=x,
            value=lambda params: self.network.apply(params, x)[0],
            next_value=lambda params: self.network.apply(params, next_x)[0],
            auxiliary=lambda params: self.auxiliary_network.apply(params, x)[0],
            reward=scalar(reward),
            discount=g,
            decay=state.trace_decay,
            reset=g == 0.0,
        )
        result = GradientTraceTDUpdateResult(
            state=state.replace(**step.changed, trace_decay=g * f32(self.lamda)),
            prediction=jnp.reshape(step.value, (1,)),
            td_error=jnp.reshape(step.delta, (1,)),
            metrics=jnp.stack([step.delta**2, step.delta, step.auxiliary]),
            rejected=jnp.asarray(False),
        )
        return Candidate(result, (step.delta, g, next_x, x, step.changed))

    def learn(
        self, state: GradientTraceTDState, experience: TDTimeStep
    ) -> tuple[GradientTraceTDState, Float[Array, "3"]]:
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

    def _network(self, state: GradientTraceTDState) -> Network | None:
        network = network_of_layers(self.network.layers(state.params), state.traces.value)
        own = both(state.plasticity_states)[0]
        return kept_by(network, self.plasticity, own, state.params)

    def _cut(self, state: GradientTraceTDState) -> GradientTraceTDState:
        return state.replace(
            traces=state.traces.cut(True), trace_decay=jnp.zeros_like(state.trace_decay)
        )


@jax.jit
def _rule_states(learner: GradientTraceTD, params: Any, auxiliary_params: Any) -> tuple:
    rule = learner.step_rule
    return rule.init(params), rule.init(auxiliary_params)
