"""Sarsa(lambda) in a stream: a whole network, one sample at a time."""

from typing import Any, ClassVar

import equinox as eqx
from jaxtyping import Array, Float

from ..components.types import Hyperparameter
from ..networks import AbstractNetwork, StreamMLP
from ..optimizers import AbstractOptimizer, Hybrid, ObGD
from ..plasticity import AbstractPlasticity
from ..schedules import AbstractSchedule, Linear
from ..step_rules import AbstractStepRule
from ..targets import RewardCentering, value_of
from .traced_values import AbstractTracedValueAgent


class StreamSARSA(AbstractTracedValueAgent):
    r"""Sarsa(lambda) with a network: no replay, no batch.

    For the pending pair (x, a), reward R and observation x', all from the parameters before:

        delta = R + g v(x') - q(x, a),      g = gamma, 0 where the episode terminated
        dw    = the step rule's step for delta and grad q(x, a), its one trace decaying by the
                discount of the transition into x times lamda

    with v(x') = q(x', a') of the next action a', which is
    chosen before the step. The trace is cut after an episode's last step. Where an episode ends
    its successor's first action is chosen anew.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606.

    **Arguments:** as those of `StreamQ`.
    """

    _on_policy: ClassVar[bool] = True

    n_actions: int = eqx.field(static=True)
    network: AbstractNetwork
    optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    gamma: Hyperparameter
    lamda: Hyperparameter
    epsilon: AbstractSchedule
    bootstrap_on_truncation: bool = eqx.field(static=True)
    reward_centering: RewardCentering | None = eqx.field(metadata={"config": "omit_default"})
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        n_actions: int,
        network: AbstractNetwork | None = None,
        optimizer: AbstractStepRule | AbstractOptimizer | Hybrid | None = None,
        gamma: Hyperparameter = 0.99,
        lamda: Hyperparameter = 0.8,
        epsilon: AbstractSchedule | None = None,
        bootstrap_on_truncation: bool = True,
        reward_centering: RewardCentering | None = None,
        plasticity: AbstractPlasticity | None = None,
    ):
        self.n_actions = n_actions
        self.network = StreamMLP((32, 32), n_actions) if network is None else network
        self.optimizer = ObGD(kappa=2.0) if optimizer is None else optimizer
        self.epsilon = Linear(1.0, 0.01, 25_000) if epsilon is None else epsilon
        self.gamma, self.lamda = gamma, lamda
        self.bootstrap_on_truncation = bootstrap_on_truncation
        self.reward_centering = reward_centering
        self.plasticity = plasticity

    def _next_value(
        self, action_values: Float[Array, " actions"], next_action: Any
    ) -> Float[Array, ""]:
        return value_of(action_values, next_action)
