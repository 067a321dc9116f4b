"""Action values that a step rule learns, with one trace over all parameters."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..compilation.boundary import strong
from ..components.numbers import f32
from ..components.ranges import require_part
from ..learners import (
    Lifecycle,
    Network,
    kept_by,
    kept_td_step,
    network_of_layers,
    plasticity_begun,
    plasticity_witnesses,
    td_step,
)
from ..optimizers import AbstractOptimizer, Hybrid, require_no_traces
from ..plasticity import AbstractPlasticity
from ..step_rules import AbstractStepRule, step_rule_of
from ..targets import CenteringState, value_of
from .action_values import ValueStep
from .network_values import (
    AbstractNetworkValueAgent,
    AbstractNetworkValueState,
    require_network,
)
from .pending import Outcome


class ActionValueState(AbstractNetworkValueState):
    """Parameters, the step rule's state, and the pair of observation and action to be learned.

    `exploratory`: whether the pending action was worse than another when it was chosen;
    `trace_decay`: by how much the trace decays next, the last discount times lamda;
    `centering`: of the rewards, None for an agent that centers none.
    """

    params: Any
    rule_state: Any
    last_observation: Float[Array, " features"]
    last_action: Int[Array, ""]
    pending: Bool[Array, ""]
    exploratory: Bool[Array, ""]
    trace_decay: Float[Array, ""]
    rng_key: PRNGKeyArray
    life: Lifecycle
    centering: CenteringState | None = None
    plasticity_state: Any = None


def rule_of(agent: Any, name: str = "optimizer") -> AbstractStepRule:
    """The step rule of an agent, whose averages move at its gamma lamda."""
    rule = step_rule_of(type(agent).__name__, name, getattr(agent, name))
    return rule.averaging(_product(agent.gamma, agent.lamda))


class AbstractTracedValueAgent(AbstractNetworkValueAgent[ActionValueState]):
    r"""An agent whose network learns by a step rule, with one trace over all its parameters.

    For the pending pair (x, a), reward R and observation x', all from the parameters before:

        delta = R + g v(x') - q(x, a),      g = gamma, 0 where the episode terminated
        dw    = the step rule's step for delta and grad q(x, a)

    An agent of this kind says what v(x') is.
    """

    draws_weights: ClassVar[bool | None] = True

    optimizer: eqx.AbstractVar[AbstractStepRule | AbstractOptimizer | Hybrid]
    plasticity: eqx.AbstractVar[AbstractPlasticity | None]

    def __check_init__(self):
        require_network(self)
        require_part(self, "plasticity", AbstractPlasticity, optional=True)
        require_no_traces(type(self).__name__, self.step_rule, "lamda", self.lamda)

    @property
    def step_rule(self) -> AbstractStepRule:
        """How errors become changes of the whole network."""
        return rule_of(self)

    @abc.abstractmethod
    def _next_value(
        self, action_values: Float[Array, " actions"], next_action: Any
    ) -> Float[Array, ""]:
        """v(x'), of the action values there; `next_action` is None before it is chosen."""

    def _initial(
        self, feature_dim: int, key: PRNGKeyArray, blank: dict[str, Any]
    ) -> ActionValueState:
        params = self.network.init(feature_dim, key)
        return ActionValueState(
            params=params,
            rule_state=_rule_state(strong(self), params),
            trace_decay=jnp.zeros((), jnp.float32),
            plasticity_state=plasticity_begun(self.plasticity, params, key),
            **blank,
        )

    def _step(
        self, state: ActionValueState, now: Outcome, reset: Any, next_action: Any
    ) -> ValueStep:
        rule, x, action = self.step_rule, state.last_observation, state.last_action
        step = td_step(
            rule,
            state.rule_state,
            state.params,
            lambda params: value_of(self.network.apply(params, x), action),
            lambda params: self._next_value(
                self.network.apply(params, now.observation), next_action
            ),
            now.reward,
            now.discount,
            state.trace_decay,
            reset,
        )
        told = {
            "squared_td_error": step.delta**2,
            "td_error": step.delta,
            "value": step.value,
            "step_size": step.info.step_size,
        }
        kept = kept_td_step(
            self.plasticity, state.plasticity_state, self.network, rule, state.params, step, x
        )
        changed = {
            "params": kept.params,
            "rule_state": kept.rule_state,
            "plasticity_state": kept.plasticity_state,
            **self._next_decay(now),
        }
        own = plasticity_witnesses(self.plasticity, kept.plasticity_state)
        states = rule.witnesses(kept.rule_state), own
        return ValueStep(changed, told, (step.delta, kept.params, states))

    def _network(self, state: ActionValueState) -> Network | None:
        trace = getattr(state.rule_state, "trace", None)
        network = network_of_layers(self.network.layers(state.params), trace)
        return kept_by(network, self.plasticity, state.plasticity_state, state.params)

    def _cut(self, state: ActionValueState) -> ActionValueState:
        return state.replace(
            rule_state=self.step_rule.cut(state.rule_state),
            trace_decay=jnp.zeros_like(state.trace_decay),
        )


def _product(gamma: Any, lamda: Any) -> Any:
    """gamma lamda, of Python's numbers one of them."""
    if isinstance(gamma, int | float) and isinstance(lamda, int | float):
        return gamma * lamda
    return f32(gamma) * f32(lamda)


@jax.jit
def _rule_state(agent: Any, params: Any) -> Any:
    return agent.step_rule.init(params)
