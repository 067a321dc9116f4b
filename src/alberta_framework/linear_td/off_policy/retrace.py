"""Retrace(lambda): action values off policy."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from ...components.numbers import f32
from ...components.ranges import require_part, require_range
from ...components.types import Hyperparameter
from ...targets import RewardCentering
from .abstract import AbstractOffPolicyTD, Transition
from .off_policy_td import OffPolicyTraces


class Retrace(AbstractOffPolicyTD):
    r"""Retrace(lambda): action values of a target policy, from actions of any other.

    The features are those of pairs, x = psi(s, a) of the action taken, and
    x' = sum_a pi(a|s') psi(s', a), expected under the target policy: see `state_action_features`.

        delta = R + g w.x' - w.x
        z    <- (discount of the transition into s) lamda min(1, rho) z + x
        w    += step_size delta z

    with the ratio rho of the action whose features x are. A ratio shortens a trace and never
    weights an error: delta is right whatever action was taken.

    Source: Munos, Stepleton, Harutyunyan and Bellemare (2016), Safe and efficient off-policy
    reinforcement learning.

    **Arguments:** `step_size` >= 0, default 0.1; `lamda` in [0, 1], default 0.9;
    `reward_centering`, default none: see `RewardCentering`.
    """

    step_size: Hyperparameter = 0.1
    lamda: Hyperparameter = 0.9
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_part(self, "reward_centering", RewardCentering, optional=True)
        require_range(self, "step_size", 0.0)
        require_range(self, "lamda", 0.0, 1.0)

    def begun(self, feature_dim: int) -> OffPolicyTraces:
        return OffPolicyTraces.begin(feature_dim)

    def _learned(
        self, weights: Array, memory: OffPolicyTraces, now: Transition, td_error: Array
    ) -> tuple[Array, OffPolicyTraces]:
        memory = memory.of_pairs(now, self.lamda, jnp.minimum(1.0, now.rho))
        return weights + f32(self.step_size) * td_error * memory.trace, memory
