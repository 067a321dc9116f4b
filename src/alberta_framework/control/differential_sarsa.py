"""Differential Sarsa: action values relative to the average reward."""

from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from ..components.types import Hyperparameter
from ..networks import AbstractNetwork, LinearNetwork
from ..optimizers import LMS, AbstractOptimizer, Hybrid
from ..plasticity import AbstractPlasticity
from ..schedules import AbstractSchedule, Constant
from ..step_rules import AbstractStepRule
from ..targets import RewardCentering, value_of
from .traced_values import AbstractTracedValueAgent


class DifferentialSARSA(AbstractTracedValueAgent):
    r"""Sarsa(lambda) for the average reward of a task that goes on: nothing is discounted.

    For the pending pair (x, a), reward R and observation x', all from before the step:

        delta = R - rate + v(x') - q(x, a)
        dw    = the step rule's step for delta and grad q(x, a), its one trace decaying by lamda
        rate += beta delta

    with v(x') = q(x', a') of the next action a', which is chosen before the step. It is
    `StreamSARSA` with gamma 1 and `RewardCentering("value", beta)`, the rate being
    `state.centering.reward_rate` and told as `average_reward`. At a constant beta the rate is
    noisy: to report what an agent earns take the mean of its rewards.

    Where an episode terminates what follows is worth 0: a task that starts anew is better told as
    one that goes on, its first observation after its last. The trace is cut where an episode ends.

    Source: Sutton and Barto (2018), section 10.3, and section 12.7 for the trace.

    **Arguments:** as those of `DifferentialQ`.
    """

    _on_policy: ClassVar[bool] = True

    n_actions: int = eqx.field(static=True)
    network: AbstractNetwork
    optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    reward_rate_step_size: Hyperparameter
    lamda: Hyperparameter
    epsilon: AbstractSchedule
    bootstrap_on_truncation: bool = eqx.field(static=True)
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        n_actions: int,
        network: AbstractNetwork | None = None,
        optimizer: AbstractStepRule | AbstractOptimizer | Hybrid | None = None,
        reward_rate_step_size: Hyperparameter = 0.01,
        lamda: Hyperparameter = 0.0,
        epsilon: AbstractSchedule | None = None,
        bootstrap_on_truncation: bool = True,
        plasticity: AbstractPlasticity | None = None,
    ):
        self.n_actions = n_actions
        self.network = LinearNetwork(n_actions) if network is None else network
        self.optimizer = LMS(0.01) if optimizer is None else optimizer
        self.epsilon = Constant(0.1) if epsilon is None else epsilon
        self.reward_rate_step_size, self.lamda = reward_rate_step_size, lamda
        self.bootstrap_on_truncation = bootstrap_on_truncation
        self.plasticity = plasticity

    @property
    def gamma(self) -> float:
        """1: nothing is discounted."""
        return 1.0

    @property
    def reward_centering(self) -> RewardCentering:
        """How the average reward is learned."""
        return RewardCentering("value", self.reward_rate_step_size)

    def _next_value(
        self, action_values: Float[Array, " actions"], next_action: Any
    ) -> Float[Array, ""]:
        return value_of(action_values, next_action)
