"""Rewards brought to one scale by the spread of the returns."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..normalizers import WelfordNormalizerState, no_samples, with_sample
from .abstract import AbstractFeatures
from .percept import Percept


class RewardScalerState(AbstractState):
    """The discounted sum of rewards so far, and the statistics of all such sums."""

    discounted_sum: Float[Array, ""]
    statistics: WelfordNormalizerState


class RewardScaler(AbstractFeatures[RewardScalerState]):
    r"""Divides each reward by the standard deviation of the discounted sums of rewards.

    For the reward R of a step, from u = 0:

        u <- gamma u + R    (R alone where the step ended the episode)
        R' = R / sqrt(var(u) + epsilon)

    where var is the sample variance of all u of the life, this one included, and 1 at the first.
    The mean is not subtracted. The sum ends on the step that ends an episode, before its reward is
    added, and what it is then goes on into the next one, as in the authors' code. Observations pass
    as they are; loops record R.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606.

    **Arguments:** `gamma` in [0, 1]: the discount that the agent has; `epsilon` > 0, default 1e-8.
    """

    gamma: Hyperparameter
    epsilon: Hyperparameter = 1e-8

    def __check_init__(self):
        require_range(self, "gamma", 0.0, 1.0)
        require_range(self, "epsilon", 0.0, open_low=True)

    def feature_dim_of(self, observation_dim: int) -> int:
        return observation_dim

    def init(self, observation_dim: int) -> RewardScalerState:
        del observation_dim
        return RewardScalerState(jnp.zeros((), jnp.float32), no_samples(1))

    def scale(self, state: RewardScalerState) -> Float[Array, ""]:
        """What rewards are divided by; a prediction times it is in the unit of the rewards."""
        return jnp.sqrt(state.statistics.var[0] + f32(self.epsilon))

    def see(self, state: RewardScalerState, percept: Percept) -> tuple[Percept, RewardScalerState]:
        reward = percept.reward
        if reward is None:
            return percept, state
        if percept.learning:
            over = percept.terminated | percept.truncated
            before = jnp.where(over, 0.0, f32(self.gamma) * state.discounted_sum)
            total = before + reward
            state = RewardScalerState(total, with_sample(state.statistics, total[None]))
        return percept.replace(reward=reward / self.scale(state)), state
