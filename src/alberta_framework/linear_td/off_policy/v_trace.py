"""V-trace: TD with clipped ratios."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...components.numbers import f32
from ...components.ranges import require_part, require_range
from ...components.types import Hyperparameter
from ...targets import RewardCentering
from .abstract import AbstractOffPolicyMemory, AbstractOffPolicyTD, Transition


class VTraceTraces(AbstractOffPolicyMemory):
    """The trace, and by how much it decays next: the discount times the clipped ratio of the last
    transition, times lamda."""

    trace: Float[Array, " features"]
    trace_decay: Float[Array, ""]

    def cut(self) -> "VTraceTraces":
        return VTraceTraces(jnp.zeros_like(self.trace), jnp.zeros_like(self.trace_decay))


class VTrace(AbstractOffPolicyTD):
    r"""TD with clipped ratios: little variance, for a bias.

        delta = R + g w.x' - w.x
        z    <- (discount of the transition into x) c z + x
        w    += step_size min(rho_clip, rho) delta z
        c    <- lamda min(trace_clip, rho)

    It learns the values of a policy between the behaviour and the target: of that with
    probabilities in proportion to min(rho_clip b(a|s), pi(a|s)); of the target policy itself where
    no ratio exceeds `rho_clip`. `trace_clip` changes only how fast.

    Source: Espeholt et al. (2018), IMPALA, section 4.1, here with traces, for one stream.

    **Arguments:** `step_size` >= 0, default 0.1; `lamda` in [0, 1], default 0.9; `rho_clip`,
    `trace_clip` > 0, default 1, infinity allowed;
    `reward_centering`, default none: see `RewardCentering`.
    """

    step_size: Hyperparameter = 0.1
    lamda: Hyperparameter = 0.9
    rho_clip: Hyperparameter = 1.0
    trace_clip: Hyperparameter = 1.0
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_part(self, "reward_centering", RewardCentering, optional=True)
        require_range(self, "step_size", 0.0)
        require_range(self, "lamda", 0.0, 1.0)
        for name in ("rho_clip", "trace_clip"):
            require_range(self, name, 0.0, open_low=True, allow_infinity=True)

    def begun(self, feature_dim: int) -> VTraceTraces:
        return VTraceTraces(jnp.zeros(feature_dim, jnp.float32), jnp.zeros((), jnp.float32))

    def _learned(
        self, weights: Array, memory: VTraceTraces, now: Transition, td_error: Array
    ) -> tuple[Array, VTraceTraces]:
        trace = memory.trace_decay * memory.trace + now.x
        kept = f32(self.lamda) * jnp.minimum(f32(self.trace_clip), now.rho)
        ratio = jnp.minimum(f32(self.rho_clip), now.rho)
        change = f32(self.step_size) * ratio * td_error * trace
        return weights + change, VTraceTraces(trace, now.discount * kept)
