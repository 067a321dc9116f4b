"""QRC(lambda): Q-learning by the gradient of the projected error, with gradient corrections."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..compilation.boundary import strong
from ..components.ranges import require_part, require_range
from ..components.types import Hyperparameter
from ..learners import Lifecycle, Network, both, both_begun, kept_by, network_of_layers
from ..learners.gradient_traces import GradientTraces, gradient_step
from ..networks import AbstractNetwork, StreamMLP
from ..optimizers import LMS, AbstractOptimizer, Hybrid, require_no_traces
from ..plasticity import AbstractPlasticity
from ..schedules import AbstractSchedule, Linear
from ..step_rules import AbstractStepRule, step_rule_of
from ..targets import CenteringState, RewardCentering, greedy_value, value_of
from .action_values import ValueStep
from .network_values import (
    AbstractNetworkValueAgent,
    AbstractNetworkValueState,
    require_network,
)
from .pending import Outcome


class QRCState(AbstractNetworkValueState):
    """Parameters of the values and of the auxiliary function, the states of what steps them, their
    traces, and the pair of observation and action to be learned."""

    params: Any
    auxiliary_params: Any
    rule_state: Any
    auxiliary_rule_state: Any
    traces: GradientTraces
    last_observation: Float[Array, " features"]
    last_action: Int[Array, ""]
    pending: Bool[Array, ""]
    exploratory: Bool[Array, ""]
    trace_decay: Float[Array, ""]
    rng_key: PRNGKeyArray
    life: Lifecycle
    centering: CenteringState | None = None
    plasticity_states: Any = None


class QRC(AbstractNetworkValueAgent[QRCState]):
    r"""Q(lambda) with gradient eligibility traces, which descends an objective off-policy too.

    With a second network h(x, a; theta) that learns to predict the error, and all from the
    parameters before:

        delta  = R + g max_a q(x', a) - q(x, a),     g = gamma, 0 where the episode terminated
        Z_q   <- d Z_q + grad q(x, a),  Z_h <- d Z_h + grad h(x, a),  zeta <- d zeta + h(x, a)
        w     += alpha [- zeta grad delta + delta Z_q - h(x, a) grad q(x, a)]
        theta += scale alpha [delta Z_h - h(x, a) grad h(x, a) - regularization theta]

    grad delta is the whole gradient, through max_a q(x', a) too; d is the discount of the
    transition into x times lamda. All traces are cut as in `StreamQ`. The regularizer decays theta
    at every step, biases included.

    Source: Elelimy et al. (2025), arXiv:2507.09087, and their code (gtd_algos).

    **Arguments:**

    - `n_actions` >= 1; `network`, `auxiliary_network`: default `StreamMLP((32, 32), n_actions)`.
    - `optimizer`: what makes a change of the bracket, default `LMS(1e-4)`: an optimizer, or
      `FromOptax`. A rule that needs the error, as `Intentional`, takes it for 1.
    - `auxiliary_scale` > 0, default 0.1; `regularization` >= 0, default 1.
    - `correction`, default True; False leaves - zeta grad delta alone (GTD2).
    - `gamma`, `lamda`, `epsilon`, `bootstrap_on_truncation`, `reward_centering`: as in `StreamQ`.
    - `plasticity`: what keeps both networks able to learn, each by itself, default none.
    """

    draws_weights: ClassVar[bool | None] = True

    n_actions: int = eqx.field(static=True)
    network: AbstractNetwork
    auxiliary_network: AbstractNetwork
    optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    auxiliary_scale: Hyperparameter
    regularization: Hyperparameter
    gamma: Hyperparameter
    lamda: Hyperparameter
    epsilon: AbstractSchedule
    correction: bool = eqx.field(static=True)
    bootstrap_on_truncation: bool = eqx.field(static=True)
    reward_centering: RewardCentering | None = eqx.field(metadata={"config": "omit_default"})
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        n_actions: int,
        network: AbstractNetwork | None = None,
        auxiliary_network: AbstractNetwork | None = None,
        optimizer: AbstractStepRule | AbstractOptimizer | Hybrid | None = None,
        auxiliary_scale: Hyperparameter = 0.1,
        regularization: Hyperparameter = 1.0,
        gamma: Hyperparameter = 0.99,
        lamda: Hyperparameter = 0.8,
        epsilon: AbstractSchedule | None = None,
        correction: bool = True,
        bootstrap_on_truncation: bool = True,
        reward_centering: RewardCentering | None = None,
        plasticity: AbstractPlasticity | None = None,
    ):
        self.n_actions = n_actions
        self.network = StreamMLP((32, 32), n_actions) if network is None else network
        self.auxiliary_network = self.network if auxiliary_network is None else auxiliary_network
        self.optimizer = LMS(1e-4) if optimizer is None else optimizer
        self.auxiliary_scale, self.regularization = auxiliary_scale, regularization
        self.gamma, self.lamda = gamma, lamda
        self.epsilon = Linear(1.0, 0.01, 25_000) if epsilon is None else epsilon
        self.correction, self.bootstrap_on_truncation = correction, bootstrap_on_truncation
        self.reward_centering = reward_centering
        self.plasticity = plasticity

    def __check_init__(self):
        require_network(self)
        require_part(self, "auxiliary_network", AbstractNetwork)
        if self.auxiliary_network.n_out != self.n_actions:
            raise ValueError(
                f"QRC: `auxiliary_network` must have an output for each of the {self.n_actions} "
                f"actions, got {self.auxiliary_network.n_out}."
            )
        require_range(self, "auxiliary_scale", 0.0, open_low=True)
        require_range(self, "regularization", 0.0)
        require_part(self, "plasticity", AbstractPlasticity, optional=True)
        require_no_traces("QRC", self.step_rule, "lamda", self.lamda)

    @property
    def step_rule(self) -> AbstractStepRule:
        """What makes a change of a direction, given with the error 1."""
        return step_rule_of("QRC", "optimizer", self.optimizer).averaging(0.0)

    def _initial(self, feature_dim: int, key: PRNGKeyArray, blank: dict[str, Any]) -> QRCState:
        own, auxiliary = jr.split(key)
        params = self.network.init(feature_dim, own)
        auxiliary_params = self.auxiliary_network.init(feature_dim, auxiliary)
        states = _rule_states(strong(self), params, auxiliary_params)
        return QRCState(
            params=params,
            auxiliary_params=auxiliary_params,
            rule_state=states[0],
            auxiliary_rule_state=states[1],
            traces=GradientTraces.begin(params, auxiliary_params),
            trace_decay=jnp.zeros((), jnp.float32),
            plasticity_states=both_begun(
                self.plasticity, (params, auxiliary_params), (own, auxiliary)
            ),
            **blank,
        )

    def _step(self, state: QRCState, now: Outcome, reset: Any, next_action: Any) -> ValueStep:
        x, action = state.last_observation, state.last_action
        step = gradient_step(
            self,
            state,
            x=x,
            value=lambda params: value_of(self.network.apply(params, x), action),
            next_value=lambda params: greedy_value(self.network.apply(params, now.observation)),
            auxiliary=lambda params: value_of(self.auxiliary_network.apply(params, x), action),
            reward=now.reward,
            discount=now.discount,
            decay=state.trace_decay,
            reset=reset,
        )
        told = {
            "squared_td_error": step.delta**2,
            "td_error": step.delta,
            "value": step.value,
            "expected_error": step.auxiliary,
        }
        changed = step.changed | self._next_decay(now)
        return ValueStep(changed, told, (step.delta, step.changed))

    def _network(self, state: QRCState) -> Network | None:
        network = network_of_layers(self.network.layers(state.params), state.traces.value)
        own = both(state.plasticity_states)[0]
        return kept_by(network, self.plasticity, own, state.params)

    def _cut(self, state: QRCState) -> QRCState:
        return state.replace(
            traces=state.traces.cut(True), trace_decay=jnp.zeros_like(state.trace_decay)
        )


@jax.jit
def _rule_states(agent: QRC, params: Any, auxiliary_params: Any) -> tuple:
    rule = agent.step_rule
    return rule.init(params), rule.init(auxiliary_params)
