"""GQ(lambda): gradient TD for action values."""

import equinox as eqx
from jaxtyping import Array

from ...components.numbers import f32
from ...components.ranges import require_part, require_range
from ...components.types import Hyperparameter
from ...targets import RewardCentering
from .abstract import AbstractOffPolicyTD, Transition
from .gradient_td import GradientTDMemory


class GQ(AbstractOffPolicyTD):
    r"""GQ(lambda): stochastic descent of the projected Bellman error of action values, stable off
    policy.

    The features are those of pairs, x = psi(s, a) of the action taken, and
    x' = sum_a pi(a|s') psi(s', a), expected under the target policy: see `state_action_features`.
    With auxiliary weights h, all from the weights before:

        delta = R + g w.x' - w.x
        e    <- (discount of the transition into s) lamda rho e + x
        w    += step_size (delta e - g (1 - lamda) (e.h) x')
        h    += auxiliary_step_size (delta e - (h.x) x)

    with the ratio rho of the action whose features x are, which weights the past of the trace only.

    Source: Maei and Sutton (2010), GQ(lambda): A general gradient algorithm for temporal-difference
    prediction learning with eligibility traces.

    **Arguments:** `step_size`, `auxiliary_step_size` >= 0, default 0.01 and 0.1; `lamda` in [0, 1],
    default 0;
    `reward_centering`, default none: see `RewardCentering`.
    """

    step_size: Hyperparameter = 0.01
    auxiliary_step_size: Hyperparameter = 0.1
    lamda: Hyperparameter = 0.0
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_part(self, "reward_centering", RewardCentering, optional=True)
        for name in ("step_size", "auxiliary_step_size"):
            require_range(self, name, 0.0)
        require_range(self, "lamda", 0.0, 1.0)

    def begun(self, feature_dim: int) -> GradientTDMemory:
        return GradientTDMemory.begin(feature_dim)

    def _learned(
        self, weights: Array, memory: GradientTDMemory, now: Transition, td_error: Array
    ) -> tuple[Array, GradientTDMemory]:
        h, traces = memory.auxiliary_weights, memory.traces.of_pairs(now, self.lamda, now.rho)
        e = traces.trace
        correction = now.discount * (1.0 - f32(self.lamda)) * (e @ h) * now.next_x
        h = h + f32(self.auxiliary_step_size) * (td_error * e - (h @ now.x) * now.x)
        weights = weights + f32(self.step_size) * (td_error * e - correction)
        return weights, GradientTDMemory(h, traces)
