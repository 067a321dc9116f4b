"""True online Sarsa(lambda)."""

import equinox as eqx

from ..components.types import Hyperparameter
from ..linear_td import TrueOnlineTD
from ..schedules import AbstractSchedule, Constant
from ..targets import RewardCentering
from .linear_sarsa import AbstractLinearSarsa


class TrueOnlineSarsa(AbstractLinearSarsa[TrueOnlineTD]):
    r"""True online Sarsa(lambda), with linear action values q(x, a) = w_a.x, zero at first.

    The update of `TrueOnlineTD` with the features onehot(a) (x) x of the pending pair for x, and
    those of the next observation and action, chosen before the step, for x'.

    Source: van Seijen, Mahmood, Pilarski, Machado and Sutton (2016), True Online
    Temporal-Difference Learning; Sutton and Barto (2018), section 12.7.

    **Arguments:** `n_actions` >= 1; `step_size` >= 0, default 0.1, and `lamda` in [0, 1], default
    0.9, as of `TrueOnlineTD`; `gamma`, `epsilon`, `bootstrap_on_truncation`, `reward_centering` as
    of `LinearSarsa`.
    """

    n_actions: int = eqx.field(static=True)
    step_size: Hyperparameter = 0.1
    lamda: Hyperparameter = 0.9
    gamma: Hyperparameter = 1.0
    epsilon: AbstractSchedule = Constant(0.1)
    bootstrap_on_truncation: bool = eqx.field(static=True, default=True)
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    @property
    def learner(self) -> TrueOnlineTD:
        return TrueOnlineTD(self.step_size, self.lamda)
