"""Action values that a step rule learns, with one trace over all parameters."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..compilation.boundary import strong
from ..components.numbers import f32
from ..learners import Lifecycle, td_step
from ..step_rules import AbstractStepRule, step_rule_of
from ..targets import CenteringState, value_of
from .action_values import ValueStep
from .network_values import AbstractNetworkValueState
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


def rule_of(agent: Any, name: str = "optimizer") -> AbstractStepRule:
    """The step rule of an agent, whose averages move at its gamma lamda."""
    rule = step_rule_of(type(agent).__name__, name, getattr(agent, name))
    return rule.averaging(_product(agent.gamma, agent.lamda))


def initial_values(
    agent: Any, feature_dim: int, key: PRNGKeyArray, blank: dict[str, Any]
) -> ActionValueState:
    """The network's initial weights."""
    params = agent.network.init(feature_dim, key)
    return ActionValueState(
        params=params,
        rule_state=_rule_state(strong(agent), params),
        trace_decay=jnp.zeros((), jnp.float32),
        **blank,
    )


def traced_step(
    agent: Any,
    state: ActionValueState,
    now: Outcome,
    reset: Bool[Array, ""],
    next_value: Callable[[Float[Array, " actions"]], Float[Array, ""]],
) -> ValueStep:
    r"""For the pending pair (x, a), reward R and observation x', all from the parameters before:

        delta = R + g v(x') - q(x, a),      g = gamma, 0 where the episode terminated
        dw    = the step rule's step for delta and grad q(x, a)

    `next_value` makes v(x') of the action values there.
    """
    rule, x, action = agent.step_rule, state.last_observation, state.last_action
    step = td_step(
        rule,
        state.rule_state,
        state.params,
        lambda params: value_of(agent.network.apply(params, x), action),
        lambda params: next_value(agent.network.apply(params, now.observation)),
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
    changed = {"params": step.params, "rule_state": step.rule_state} | agent._next_decay(now)
    return ValueStep(changed, told, (step.delta, step.params, rule.witnesses(step.rule_state)))


def without_trace(agent: Any, state: ActionValueState) -> ActionValueState:
    """The state with its trace at 0."""
    return state.replace(
        rule_state=agent.step_rule.cut(state.rule_state),
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
