"""Emphatic TD(lambda): stable off policy by emphasis."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...components.numbers import f32
from ...components.ranges import require_part, require_range
from ...components.types import Hyperparameter
from ...targets import RewardCentering
from .abstract import AbstractOffPolicyMemory, AbstractOffPolicyTD, Transition
from .off_policy_td import OffPolicyTraces


class EmphaticTraces(AbstractOffPolicyMemory):
    """The eligibility trace, the follow-on trace F, and by how much F decays next: the ratio times
    the discount of the last transition."""

    eligibility: OffPolicyTraces
    follow_on_trace: Float[Array, ""]
    follow_on_trace_decay: Float[Array, ""]

    def cut(self) -> "EmphaticTraces":
        zero = jnp.zeros_like(self.follow_on_trace)
        return EmphaticTraces(self.eligibility.cut(), zero, zero)


class EmphaticTD(AbstractOffPolicyTD):
    r"""TD(lambda) whose updates are weighted so that they are stable off policy.

    The follow-on trace F counts how much interest leads to the state under the target policy. With
    g the discount of the transition into x, and the ratio of the action of that transition:

        delta = R + g(next) w.x' - w.x
        F    <- rho(previous) g F + interest
        M     = lamda interest + (1 - lamda) F
        z    <- rho (g lamda z + M x)
        w    += step_size delta z

    Its variance may be infinite: on Baird's counterexample it is, though the expected update is
    stable. The first step of an episode has F = interest.

    Source: Sutton, Mahmood and White (2016), An emphatic approach to the problem of off-policy
    temporal-difference learning.

    **Arguments:** `step_size` >= 0, default 0.01; `lamda` in [0, 1], default 0; `interest` >= 0, in
    every state alike, default 1;
    `reward_centering`, default none: see `RewardCentering`.
    """

    step_size: Hyperparameter = 0.01
    lamda: Hyperparameter = 0.0
    interest: Hyperparameter = 1.0
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_part(self, "reward_centering", RewardCentering, optional=True)
        require_range(self, "step_size", 0.0)
        require_range(self, "lamda", 0.0, 1.0)
        require_range(self, "interest", 0.0)

    def begun(self, feature_dim: int) -> EmphaticTraces:
        zero = jnp.zeros((), jnp.float32)
        return EmphaticTraces(OffPolicyTraces.begin(feature_dim), zero, zero)

    def _learned(
        self, weights: Array, memory: EmphaticTraces, now: Transition, td_error: Array
    ) -> tuple[Array, EmphaticTraces]:
        lamda, interest = f32(self.lamda), f32(self.interest)
        follow_on = memory.follow_on_trace_decay * memory.follow_on_trace + interest
        emphasis = lamda * interest + (1.0 - lamda) * follow_on
        eligibility = memory.eligibility.following(now._replace(x=emphasis * now.x), self.lamda)
        memory = EmphaticTraces(eligibility, follow_on, now.rho * now.discount)
        return weights + f32(self.step_size) * td_error * eligibility.trace, memory
