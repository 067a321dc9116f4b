"""One step of temporal-difference learning by a step rule, whatever the value is a function of."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float

from ..components.numbers import f32
from ..step_rules import AbstractStepRule, Bootstrap, StepInfo
from ..targets import bootstrapped


class TDStep(eqx.Module):
    """What a step gave before it is judged: the parameters and the rule's state after it, the value
    before it, its error, what the step was made with, and the gradient of the value."""

    params: Any
    rule_state: Any
    value: Float[Array, ""]
    delta: Float[Array, ""]
    info: StepInfo
    gradient: Any


def td_step(
    rule: AbstractStepRule,
    rule_state: Any,
    params: Any,
    value: Callable[[Any], Float[Array, ""]],
    next_value: Callable[[Any], Float[Array, ""]],
    reward: Float[Array, ""],
    discount: Float[Array, ""],
    decay: Float[Array, ""],
    reset: Any,
) -> TDStep:
    """delta = reward + discount v(x') - v(x), all from the parameters before the step, of which
    `value` and `next_value` are functions.

    A rule that looks ahead is told how v(x') changes along its direction, by one forward pass.
    """
    v, gradient = jax.value_and_grad(value)(params)
    direction, rule_state = rule.direction(rule_state, gradient, decay)
    following, ahead = bootstrap_of(rule, params, next_value, direction, discount)
    delta = bootstrapped(reward, discount, following) - v
    changes, rule_state, info = rule.step(
        rule_state, gradient, direction, delta, ahead, decay, reset, params=params
    )
    return TDStep(moved(params, changes), rule_state, v, delta, info, gradient)


def bootstrap_of(
    rule: AbstractStepRule, params: Any, next_value: Callable, direction: Any, discount: Any
) -> tuple[Float[Array, ""], Bootstrap]:
    """The value that is bootstrapped from, and what the rule needs to know of it."""
    if rule.needs == "nothing":
        following = next_value(params)
        return following, Bootstrap(following)
    if rule.needs == "gradient":
        following, gradient = jax.value_and_grad(next_value)(params)
        scaled = jax.tree.map(lambda g: f32(discount) * g, gradient)
        products = jax.tree.map(lambda g, d: (g * d).sum(), scaled, direction)
        along = sum(jax.tree.leaves(products), f32(0.0))
        return following, Bootstrap(following, along, scaled)
    following, along = jax.jvp(next_value, (params,), (direction,))
    return following, Bootstrap(following, f32(discount) * along)


def moved(params: Any, changes: Any) -> Any:
    return jax.tree.map(lambda w, d: w + d, params, changes)
