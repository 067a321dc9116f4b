"""Gradient TD(lambda): stable off policy with linear values."""

from typing import Literal

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...components.numbers import f32
from ...components.ranges import require_choice, require_part, require_range
from ...components.types import Hyperparameter
from ...targets import RewardCentering
from .abstract import AbstractOffPolicyMemory, AbstractOffPolicyTD, Transition
from .off_policy_td import OffPolicyTraces


class GradientTDMemory(AbstractOffPolicyMemory):
    """The auxiliary weights, by which h.x estimates the expected TD error; and the traces."""

    auxiliary_weights: Float[Array, " features"]
    traces: OffPolicyTraces

    @classmethod
    def begin(cls, feature_dim: int) -> "GradientTDMemory":
        """Before the first step."""
        zeros = jnp.zeros(feature_dim, jnp.float32)
        return cls(zeros, OffPolicyTraces.begin(feature_dim))

    def cut(self) -> "GradientTDMemory":
        return self.replace(traces=self.traces.cut())


class GradientTD(AbstractOffPolicyTD):
    r"""Stochastic descent of the projected Bellman error, stable off policy: TDC(lambda), also
    called GTD(lambda), GTD2(lambda) and TDRC(lambda).

    With auxiliary weights h, all from the weights before:

        delta = R + g w.x' - w.x
        z    <- rho ((discount of the transition into x) lamda z + x)
        c     = g (1 - lamda) (z.h) x'
        w    += step_size (delta z - c)        "tdc"
        w    += step_size ((h.x) x - c)        "gtd2"
        h    += auxiliary_step_size (delta z - (h.x) x - regularization h)

    `regularization=1` with both step sizes alike is TDRC. With `weight_expectation` the ratio
    weights (h.x) x too; with lamda 0 these are the one-step forms of Sutton and Barto (2018),
    section 11.7. Both forms have the same solution, this one less variance: a step of ratio 0
    changes nothing but the regularized h. Where ratios are large and lamda is above 0, clip them:
    products of ratios have no bound.

    Source: Maei (2011), Gradient temporal-difference learning algorithms; Ghiassian, Patterson,
    Garg, Gupta, White and White (2020), Gradient temporal-difference learning with regularized
    corrections.

    **Arguments:** `step_size`, `auxiliary_step_size` >= 0, default 0.01 and 0.1; `lamda` in [0, 1],
    default 0; `regularization` >= 0, default 0; `variant`: `"tdc"` (default) or `"gtd2"`;
    `weight_expectation`, default False;
    `reward_centering`, default none: see `RewardCentering`.
    """

    step_size: Hyperparameter = 0.01
    auxiliary_step_size: Hyperparameter = 0.1
    lamda: Hyperparameter = 0.0
    regularization: Hyperparameter = 0.0
    variant: Literal["tdc", "gtd2"] = eqx.field(static=True, default="tdc")
    weight_expectation: bool = eqx.field(
        static=True, default=False, metadata={"config": "omit_default"}
    )
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_part(self, "reward_centering", RewardCentering, optional=True)
        for name in ("step_size", "auxiliary_step_size", "regularization"):
            require_range(self, name, 0.0)
        require_range(self, "lamda", 0.0, 1.0)
        require_choice("GradientTD", "variant", self.variant, ("tdc", "gtd2"))
        require_choice("GradientTD", "weight_expectation", self.weight_expectation, (True, False))

    def begun(self, feature_dim: int) -> GradientTDMemory:
        return GradientTDMemory.begin(feature_dim)

    def _learned(
        self, weights: Array, memory: GradientTDMemory, now: Transition, td_error: Array
    ) -> tuple[Array, GradientTDMemory]:
        h, traces = memory.auxiliary_weights, memory.traces.following(now, self.lamda)
        z, expected = traces.trace, (h @ now.x) * now.x
        if self.weight_expectation:
            expected = now.rho * expected
        correction = now.discount * (1.0 - f32(self.lamda)) * (z @ h) * now.next_x
        ahead = td_error * z if self.variant == "tdc" else expected
        towards = td_error * z - expected - f32(self.regularization) * h
        after = GradientTDMemory(h + f32(self.auxiliary_step_size) * towards, traces)
        return weights + f32(self.step_size) * (ahead - correction), after
