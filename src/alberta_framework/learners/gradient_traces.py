"""Gradient eligibility traces: the step of QRC(lambda) and of its prediction form."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import f32
from ..components.state import AbstractState
from ..networks import Renewal
from ..targets import bootstrapped
from ..traces import Accumulating
from .plastic import after_both, kept_plastic, loss_gradient
from .td_step import moved

_TRACE = Accumulating()


class GradientTraces(AbstractState):
    """Traces of the gradients of value and auxiliary function, and of the latter's value."""

    value: Any
    auxiliary: Any
    auxiliary_value: Float[Array, ""]

    @classmethod
    def begin(cls, params: Any, auxiliary_params: Any) -> "GradientTraces":
        zero = jnp.zeros((), jnp.float32)
        return cls(_TRACE.init(params), _TRACE.init(auxiliary_params), zero)

    def cut(self, where: Any) -> "GradientTraces":
        return _TRACE.cut(self, where)


def _kept_plastic(
    learner: Any, state: Any, changed: dict[str, Any], of_value: Any, of_auxiliary: Any, x: Array
) -> dict[str, Any]:
    """The fields of the state once the learner's plasticity has acted on both networks; each
    network's trace is renewed like a rule's."""
    method, before, traces = learner.plasticity, state.plasticity_states, changed["traces"]
    value = kept_plastic(
        method,
        before[0],
        learner.network,
        _WithTrace(learner.step_rule),
        (changed["rule_state"], traces.value),
        state.params,
        changed["params"],
        of_value,
        x,
    )
    auxiliary = kept_plastic(
        method,
        before[1],
        learner.auxiliary_network,
        _WithTrace(learner.step_rule),
        (changed["auxiliary_rule_state"], traces.auxiliary),
        state.auxiliary_params,
        changed["auxiliary_params"],
        of_auxiliary,
        x,
    )
    (rule_state, z_value), (auxiliary_rule_state, z_h) = value.rule_state, auxiliary.rule_state
    return {
        "params": value.params,
        "auxiliary_params": auxiliary.params,
        "rule_state": rule_state,
        "auxiliary_rule_state": auxiliary_rule_state,
        "traces": GradientTraces(z_value, z_h, traces.auxiliary_value),
        "plasticity_states": after_both(value, auxiliary),
    }


class _WithTrace(NamedTuple):
    """A rule, and a trace beside its state."""

    rule: Any

    def renewed(self, state: Any, params: Any, renewal: Renewal) -> Any:
        rule_state, trace = state
        return self.rule.renewed(rule_state, params, renewal), renewal.cut(trace)


class GradientStep(eqx.Module):
    """What a step gave before it is judged: the fields of the state that it changed, the value and
    the auxiliary function before it, and the error."""

    changed: dict[str, Any]
    value: Float[Array, ""]
    auxiliary: Float[Array, ""]
    delta: Float[Array, ""]


def gradient_step(
    learner: Any,
    state: Any,
    x: Float[Array, " features"],
    value: Callable[[Any], Float[Array, ""]],
    next_value: Callable[[Any], Float[Array, ""]],
    auxiliary: Callable[[Any], Float[Array, ""]],
    reward: Float[Array, ""],
    discount: Float[Array, ""],
    decay: Float[Array, ""],
    reset: Any,
) -> GradientStep:
    r"""With delta = reward + discount v(x') - v(x), from the parameters w and theta before:

        Z_v <- decay Z_v + grad v,  Z_h <- decay Z_h + grad h,  zeta <- decay zeta + h
        w     += rule's change of  - zeta grad delta + delta Z_v - h grad v
        theta += scale times its change of  delta Z_h - h grad h - regularization theta

    for a learner with `step_rule`, `auxiliary_scale`, `regularization`, `correction` and
    `plasticity`, which then acts on both networks, whose features are `x`. Where the
    discount is 0, grad delta has no part of v(x').
    """
    v, gradient = jax.value_and_grad(value)(state.params)
    h, of_auxiliary = jax.value_and_grad(auxiliary)(state.auxiliary_params)
    following, ahead = jax.value_and_grad(next_value)(state.params)
    delta = bootstrapped(reward, discount, following) - v
    of_delta = jax.tree.map(
        lambda a, g: jnp.where(discount == 0.0, 0.0, discount * a) - g, ahead, gradient
    )
    traces = GradientTraces(
        _TRACE.update(state.traces.value, gradient, decay),
        _TRACE.update(state.traces.auxiliary, of_auxiliary, decay),
        decay * state.traces.auxiliary_value + h,
    )
    zeta = traces.auxiliary_value
    direction = jax.tree.map(lambda d: -zeta * d, of_delta)
    if learner.correction:
        direction = jax.tree.map(
            lambda d, z, g: d + delta * z - h * g, direction, traces.value, gradient
        )
    weight = f32(learner.regularization)
    of_theta = jax.tree.map(
        lambda z, g, theta: delta * z - h * g - weight * theta,
        traces.auxiliary,
        of_auxiliary,
        state.auxiliary_params,
    )
    rule, scale = learner.step_rule, f32(learner.auxiliary_scale)
    changes, rule_state, _ = rule.update(state.rule_state, direction, 1.0, 0.0, params=state.params)
    own, auxiliary_rule_state, _ = rule.update(
        state.auxiliary_rule_state, of_theta, 1.0, 0.0, params=state.auxiliary_params
    )
    changed = {
        "params": moved(state.params, changes),
        "auxiliary_params": moved(
            state.auxiliary_params, jax.tree.map(lambda change: scale * change, own)
        ),
        "rule_state": rule_state,
        "auxiliary_rule_state": auxiliary_rule_state,
        "traces": traces.cut(reset),
    }
    if learner.plasticity is not None:
        of_value, of_h = loss_gradient(delta, gradient), loss_gradient(delta - h, of_auxiliary)
        changed |= _kept_plastic(learner, state, changed, of_value, of_h, x)
    return GradientStep(changed, v, h, delta)
