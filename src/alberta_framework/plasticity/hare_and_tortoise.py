"""Weights return to a slow average of themselves."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from ..components.numbers import f32
from ..components.ranges import require_choice, require_range, require_steps
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..networks import Renewal
from .abstract import AbstractPlasticity, NetworkStep, Remade


class HareAndTortoiseState(AbstractState):
    """The slow average of the parameters, and the steps since they took its place."""

    tortoise: Any
    position: Int[Array, ""]


class HareAndTortoise(AbstractPlasticity):
    r"""A slow average of the weights, to which they return every `period` steps:

        tortoise <- decay tortoise + (1 - decay) w
        w        <- tortoise,  traces <- 0         every `period` steps

    w being the weights after the optimizer's change, by which the network predicts.

    Source: Lee et al. (2024), Slow and Steady Wins the Race: Maintaining Plasticity with Hare and
    Tortoise Networks, arXiv:2406.02596.

    **Arguments:** `decay` in [0, 1), default 0.999; `period` >= 1 steps, default 1,000;
    `reset_optimizer`, default False: whether all that the optimizer knows is put back to the
    beginning with it.
    """

    decay: Hyperparameter = 0.999
    period: Hyperparameter = eqx.field(default=1_000, metadata={"counts_steps": True})
    reset_optimizer: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        require_range(self, "decay", 0.0, 1.0, open_high=True)
        require_steps(self, "period")
        require_choice("HareAndTortoise", "reset_optimizer", self.reset_optimizer, (True, False))

    def init(self, params, key: PRNGKeyArray) -> HareAndTortoiseState:
        del key
        return HareAndTortoiseState(params, jnp.zeros((), jnp.int32))

    def apply(self, state: HareAndTortoiseState, step: NetworkStep) -> Remade:
        decay, position = f32(self.decay), state.position + 1
        due = (position >= jnp.asarray(self.period, jnp.int32)) & step.learns
        tortoise = jax.tree.map(
            lambda slow, w: decay * slow + (1.0 - decay) * w, state.tortoise, step.after
        )
        params = jax.tree.map(lambda slow, w: jnp.where(due, slow, w), tortoise, step.after)
        after = HareAndTortoiseState(tortoise, jnp.where(due, 0, position))
        renewal = Renewal(everything=due if self.reset_optimizer else None, traces=due)
        return Remade(step.kept(after, state), step.allowed(params), (renewal,))
