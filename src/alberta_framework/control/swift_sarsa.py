"""Swift-Sarsa: SwiftTD for control."""

import equinox as eqx

from ..components.types import Hyperparameter
from ..linear_td import SwiftTD
from ..schedules import AbstractSchedule, Constant
from ..targets import RewardCentering
from .linear_sarsa import AbstractLinearSarsa


class SwiftSarsa(AbstractLinearSarsa[SwiftTD]):
    r"""Sarsa(lambda) whose step sizes, one for each pair of feature and action, are learned; with
    linear action values q(x, a) = w_a.x, zero at first.

    The update of `SwiftTD` when the features onehot(a) (x) x arrive, of an action that is chosen by
    the values before it. With one action it is `SwiftTD`.

    Source: Javed and Sutton (2025), Swift-Sarsa: fast and robust linear control,
    arXiv:2507.19539.

    **Arguments:** `n_actions` >= 1; `lamda`, `initial_step_size`, `meta_step_size`, `eta`, `decay`
    and `min_step_size` as of `SwiftTD`; `gamma`, `epsilon`, `bootstrap_on_truncation`,
    `reward_centering` as of `LinearSarsa`.
    """

    n_actions: int = eqx.field(static=True)
    lamda: Hyperparameter = 0.95
    initial_step_size: Hyperparameter = 1e-2
    meta_step_size: Hyperparameter = 1e-3
    eta: Hyperparameter = 0.1
    decay: Hyperparameter = 0.999
    min_step_size: Hyperparameter = 1e-10
    gamma: Hyperparameter = 1.0
    epsilon: AbstractSchedule = Constant(0.1)
    bootstrap_on_truncation: bool = eqx.field(static=True, default=True)
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    @property
    def learner(self) -> SwiftTD:
        return SwiftTD(
            lamda=self.lamda,
            initial_step_size=self.initial_step_size,
            meta_step_size=self.meta_step_size,
            eta=self.eta,
            decay=self.decay,
            min_step_size=self.min_step_size,
        )
