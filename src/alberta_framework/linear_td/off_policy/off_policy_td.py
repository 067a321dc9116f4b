"""TD(lambda) with importance sampling."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...components.numbers import f32
from ...components.ranges import require_part, require_range
from ...components.types import Hyperparameter
from ...targets import RewardCentering
from .abstract import AbstractOffPolicyMemory, AbstractOffPolicyTD, Transition


class OffPolicyTraces(AbstractOffPolicyMemory):
    """The trace, and the discount of the last transition, by which it decays next."""

    trace: Float[Array, " features"]
    previous_discount: Float[Array, ""]

    @classmethod
    def begin(cls, feature_dim: int) -> "OffPolicyTraces":
        """Before the first step."""
        return cls(jnp.zeros(feature_dim, jnp.float32), jnp.zeros((), jnp.float32))

    def following(self, now: Transition, lamda: Hyperparameter) -> "OffPolicyTraces":
        """z <- rho (g lamda z + x), g of the transition into x."""
        decay = self.previous_discount * f32(lamda)
        return OffPolicyTraces(now.rho * (decay * self.trace + now.x), now.discount)

    def of_pairs(self, now: Transition, lamda: Hyperparameter, ratio: Array) -> "OffPolicyTraces":
        """z <- g lamda ratio z + x, g of the transition into x: the ratio of an action says nothing
        of the value of the very pair."""
        decay = self.previous_discount * f32(lamda) * ratio
        return OffPolicyTraces(decay * self.trace + now.x, now.discount)

    def cut(self) -> "OffPolicyTraces":
        return OffPolicyTraces(jnp.zeros_like(self.trace), jnp.zeros_like(self.previous_discount))


class OffPolicyTD(AbstractOffPolicyTD):
    r"""TD(lambda) whose trace is weighted by the ratios: semi-gradient off-policy TD.

        delta = R + g w.x' - w.x
        z    <- rho ((discount of the transition into x) lamda z + x)
        w    += step_size delta z

    With rho 1 it is `LinearTD` with accumulating traces. Off policy its expected update need not be
    stable: on Baird's counterexample it diverges, where `GradientTD` does not.

    Source: Precup, Sutton and Dasgupta (2001); Sutton and Barto (2018), section 12.9.

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
        memory = memory.following(now, self.lamda)
        return weights + f32(self.step_size) * td_error * memory.trace, memory
