"""Q(lambda) in a stream: a whole network, one sample at a time."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from ..components.ranges import require_range
from ..components.types import Hyperparameter
from ..networks import AbstractNetwork, StreamMLP
from ..optimizers import AbstractOptimizer, Hybrid, ObGD
from ..plasticity import AbstractPlasticity
from ..schedules import AbstractSchedule, Linear
from ..step_rules import AbstractStepRule
from ..targets import RewardCentering, greedy_value, soft_value
from .traced_values import AbstractTracedValueAgent


class StreamQ(AbstractTracedValueAgent):
    r"""Watkins's Q(lambda) with a network: no replay, no target network, no batch.

    For the pending pair (x, a), reward R and observation x', all from the parameters before:

        delta = R + g v(x') - q(x, a),      g = gamma, 0 where the episode terminated
        dw    = the step rule's step for delta and grad q(x, a), its one trace decaying by the
                discount of the transition into x times lamda

    with v(x') = max_a q(x', a), or with a temperature t the
    soft value t log sum_a exp(q(x', a) / t). The trace is cut after an episode's last step, and
    after the step of an action that was exploratory: worse than another when it was chosen. The
    next action is chosen with the new parameters.

    Normalize what the agent sees: `WithFeatures(agent, Pipeline((RewardScaler(gamma),
    ObservationNormalizer())))`.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606; the cut as in their code.

    **Arguments:**

    - `n_actions` >= 1; `network`, default `StreamMLP((32, 32), n_actions)`.
    - `optimizer`: a step rule or an optimizer, default `ObGD(kappa=2)`.
    - `gamma`, `lamda` in [0, 1], default 0.99, 0.8.
    - `epsilon`: a schedule, default `Linear(1, 0.01, 25_000)`.
    - `bootstrap_on_truncation`, default True: whether an episode that was cut is held to go on.
    - `soft_temperature` > 0, default none: a soft agent's values are no plain returns.
    - `reward_centering`, default none: the rewards less their average, see `RewardCentering`; the
      agent then tells its `average_reward`.
    - `plasticity`: what keeps the network able to learn, default none.
    """

    n_actions: int = eqx.field(static=True)
    network: AbstractNetwork
    optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    gamma: Hyperparameter
    lamda: Hyperparameter
    epsilon: AbstractSchedule
    bootstrap_on_truncation: bool = eqx.field(static=True)
    soft_temperature: Hyperparameter | None
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
        soft_temperature: Hyperparameter | None = None,
        reward_centering: RewardCentering | None = None,
        plasticity: AbstractPlasticity | None = None,
    ):
        self.n_actions = n_actions
        self.network = StreamMLP((32, 32), n_actions) if network is None else network
        self.optimizer = ObGD(kappa=2.0) if optimizer is None else optimizer
        self.epsilon = Linear(1.0, 0.01, 25_000) if epsilon is None else epsilon
        self.gamma, self.lamda = gamma, lamda
        self.bootstrap_on_truncation = bootstrap_on_truncation
        self.soft_temperature, self.reward_centering = soft_temperature, reward_centering
        self.plasticity = plasticity

    def __check_init__(self):
        if self.soft_temperature is not None:
            require_range(self, "soft_temperature", 0.0, open_low=True)

    def _next_value(
        self, action_values: Float[Array, " actions"], next_action: Any
    ) -> Float[Array, ""]:
        del next_action
        if self.soft_temperature is None:
            return greedy_value(action_values)
        return soft_value(action_values, self.soft_temperature)
