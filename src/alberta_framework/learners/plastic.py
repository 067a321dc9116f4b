"""How a network that a step rule learns is kept plastic."""

from typing import Any, Protocol

import equinox as eqx
import jax
from jaxtyping import Array, Float

from ..networks import AbstractNetwork, Renewal
from ..plasticity import AbstractPlasticity, NetworkStep
from .network import plasticity_begun, require_state_with
from .td_step import TDStep


class Renewing(Protocol):
    """What can put back to the beginning what it knows of weights that are new: a step rule."""

    def renewed(self, state: Any, params: Any, renewal: Renewal, /) -> Any: ...


class Kept(eqx.Module):
    """Parameters and states after a step, once the method of plasticity has acted on it."""

    params: Any
    rule_state: Any
    plasticity_state: Any


def kept_plastic(
    plasticity: AbstractPlasticity | None,
    plasticity_state: Any,
    network: AbstractNetwork,
    rule: Renewing,
    rule_state: Any,
    before: Any,
    after: Any,
    gradient: Any,
    x: Float[Array, " features"],
) -> Kept:
    """What becomes of a step from the parameters `before` to those `after` it.

    **Arguments:** `rule_state`: that after the step; `gradient` of the loss; `x`: the features that
    the step was made at.
    """
    require_state_with(plasticity, plasticity_state)
    if plasticity is None:
        return Kept(after, rule_state, plasticity_state)
    step = NetworkStep(
        before=before,
        after=after,
        gradient=gradient,
        activations=network.activations(before, x),
        fresh=network.fresh_weights,
    )
    made = plasticity.apply(plasticity_state, step)
    for renewal in made.renewals:
        rule_state = rule.renewed(rule_state, before, renewal)
    return Kept(made.params, rule_state, made.state)


def kept_td_step(
    plasticity: AbstractPlasticity | None,
    plasticity_state: Any,
    network: AbstractNetwork,
    rule: Renewing,
    before: Any,
    step: TDStep,
    x: Float[Array, " features"],
) -> Kept:
    """What becomes of a step of temporal-difference learning of the network's value."""
    gradient = loss_gradient(step.delta, step.gradient)
    return kept_plastic(
        plasticity,
        plasticity_state,
        network,
        rule,
        step.rule_state,
        before,
        step.params,
        gradient,
        x,
    )


def loss_gradient(delta: Float[Array, ""], gradient: Any) -> Any:
    """That of half the squared error delta, of the value's gradient."""
    return jax.tree.map(lambda g: -delta * g, gradient)


def both_begun(plasticity: AbstractPlasticity | None, params: Any, keys: Any) -> Any:
    """The first states of the two networks of one learner; None without plasticity."""
    if plasticity is None:
        return None
    pairs = zip(params, keys, strict=True)
    return tuple(plasticity_begun(plasticity, own, key) for own, key in pairs)


def both(states: Any) -> Any:
    """The states of two networks; two of None without plasticity."""
    return (None, None) if states is None else states


def after_both(first: Kept, second: Kept) -> Any:
    """The states of two networks after a step; None without plasticity."""
    states = first.plasticity_state, second.plasticity_state
    return None if states == (None, None) else states
