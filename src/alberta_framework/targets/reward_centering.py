"""Rewards less their average, which is learned as the values are."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.component import AbstractComponent
from ..components.numbers import f32
from ..components.ranges import require_choice, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike


class CenteringState(AbstractState):
    """The average reward so far, as it is estimated."""

    reward_rate: Float[Array, ""]


class RewardCentering(AbstractComponent):
    r"""Takes the average reward off every reward, so that values are about differences alone.

    Without it values are around average / (1 - gamma), the more the nearer gamma is to 1. For the
    reward R of a transition, its TD error and the ratio rho of the action taken in it, from
    rate = 0:

        delta = (R - rate) + g v(x') - v(x)
        rate += step size rho delta            mode "value"
        rate += step size (R - rate)           mode "simple"

    with the rate from before the step in both. "simple" is a running mean of what is paid, of the
    policy that acts; "value" the average reward of the policy that is learned about, off-policy
    too.

    Source: Naik, Wan, Tomar and Sutton (2024), Reward Centering, arXiv:2405.09999; Wan, Naik and
    Sutton (2021), Learning and Planning in Average-Reward Markov Decision Processes.

    **Arguments:** `mode`: `"value"`, the default, or `"simple"`; `reward_rate_step_size` in [0, 1],
    default 0.01.
    """

    mode: str = eqx.field(default="value", static=True)
    reward_rate_step_size: Hyperparameter = 0.01

    def __check_init__(self):
        require_choice("RewardCentering", "mode", self.mode, ("value", "simple"))
        require_range(self, "reward_rate_step_size", 0.0, 1.0)

    def init(self) -> CenteringState:
        """A rate of 0."""
        return CenteringState(jnp.zeros((), jnp.float32))

    def center(self, state: CenteringState, reward: ScalarLike) -> Float[Array, ""]:
        """What a learner is to take for the reward."""
        return f32(reward) - state.reward_rate

    def update(
        self,
        state: CenteringState,
        reward: ScalarLike,
        td_error: ScalarLike,
        rho: ScalarLike = 1.0,
    ) -> CenteringState:
        """The state after a step, of which `td_error` is the error with the centered reward."""
        beta = f32(self.reward_rate_step_size)
        error = f32(rho) * f32(td_error) if self.mode == "value" else self.center(state, reward)
        return CenteringState(state.reward_rate + beta * error)


def centering_begun(centering: RewardCentering | None) -> CenteringState | None:
    """The state of a learner's centering before its first step; none where it has none."""
    return None if centering is None else centering.init()


def centered(
    centering: RewardCentering | None, state: Any, reward: Float[Array, ""]
) -> Float[Array, ""]:
    """The reward as a learner takes it, whether it has a centering or not."""
    return reward if centering is None else centering.center(state, reward)


def recentered(
    centering: RewardCentering | None,
    state: Any,
    reward: Float[Array, ""],
    td_error: Float[Array, ""],
    rho: Any = 1.0,
) -> CenteringState | None:
    """`state` after a step, whether the learner has a centering or not."""
    return None if centering is None else centering.update(state, reward, td_error, rho)
