"""TD(lambda) for the average reward."""

from typing import ClassVar

from jaxtyping import Array

from ...components.numbers import f32
from ...components.ranges import require_range
from ...components.types import Hyperparameter
from ...targets import RewardCentering
from .abstract import AbstractOffPolicyTD, Transition
from .off_policy_td import OffPolicyTraces


class DifferentialTD(AbstractOffPolicyTD):
    r"""Differential TD(lambda): linear values relative to the average reward, which is learned too.

        delta = R - rate + w.x' - w.x
        z    <- rho (lamda z + x)
        w    += step_size delta z
        rate += reward_rate_step_size rho delta

    delta has the rate from before the step; `state.centering.reward_rate` holds it. The values are
    those of the target policy up to a constant, the rate is its average reward.

    Nothing is discounted: of a transition's `discount` it is read only whether it is 0. Then the
    process ended, what follows is worth 0 and the trace is cut; any other is taken for 1. After a
    truncation, as after any `boundary`, the trace is cut and the next observation bootstrapped
    from. A task that starts anew after its end is better told as one that goes on, its first
    observation after its last.

    It is `OffPolicyTD` with every discount 1 and `RewardCentering("value",
    reward_rate_step_size)`.

    Source: Wan, Naik and Sutton (2021), Learning and Planning in Average-Reward Markov Decision
    Processes, arXiv:2006.16318; lamda 0 and rho 1: Sutton and Barto (2018), equation 10.12.

    **Arguments:** `step_size` >= 0, default 0.1; `reward_rate_step_size`, `lamda` in [0, 1],
    default 0.01 and 0.
    """

    discounts: ClassVar[bool] = False

    step_size: Hyperparameter = 0.1
    reward_rate_step_size: Hyperparameter = 0.01
    lamda: Hyperparameter = 0.0

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_range(self, "reward_rate_step_size", 0.0, 1.0)
        require_range(self, "lamda", 0.0, 1.0)

    @property
    def reward_centering(self) -> RewardCentering:
        """How the average reward is learned."""
        return RewardCentering("value", self.reward_rate_step_size)

    def begun(self, feature_dim: int) -> OffPolicyTraces:
        return OffPolicyTraces.begin(feature_dim)

    def _learned(
        self, weights: Array, memory: OffPolicyTraces, now: Transition, td_error: Array
    ) -> tuple[Array, OffPolicyTraces]:
        memory = memory.following(now, self.lamda)
        return weights + f32(self.step_size) * td_error * memory.trace, memory
