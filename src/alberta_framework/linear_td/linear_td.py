"""TD(lambda) of linear values with any kind of trace."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import f32
from ..components.ranges import require_part, require_range
from ..components.types import Hyperparameter
from ..learners import Lifecycle
from ..targets import CenteringState, RewardCentering, bootstrapped
from ..traces import AbstractTrace, Accumulating
from .abstract import AbstractLinearTD, AbstractLinearTDState, LinearStep


class LinearTDState(AbstractLinearTDState):
    """Weights, their trace, and by how much it decays next."""

    weights: Float[Array, " features"]
    trace: Float[Array, " features"]
    trace_decay: Float[Array, ""]
    life: Lifecycle
    centering: CenteringState | None = None


class LinearTD(AbstractLinearTD[LinearTDState]):
    r"""TD(lambda) with one fixed step size.

        delta = R + g w.x' - w.x
        z    <- the trace with the gradient x, decayed by (discount of the transition into x) lamda
        w    += step_size delta z

    Source: Sutton and Barto (2018), section 12.2; traces: section 12.5.

    **Arguments:** `step_size` >= 0, default 0.1; `lamda` in [0, 1], default 0.9; `trace`, default
    `Accumulating()`; `Replacing()` for binary features, `Dutch(step_size)`;
    `reward_centering`, default none: see `RewardCentering`.
    """

    step_size: Hyperparameter = 0.1
    lamda: Hyperparameter = 0.9
    trace: AbstractTrace = Accumulating()
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_part(self, "reward_centering", RewardCentering, optional=True)
        require_range(self, "step_size", 0.0)
        require_range(self, "lamda", 0.0, 1.0)
        require_part(self, "trace", AbstractTrace)

    def _begun(self, feature_dim: int, life: Lifecycle) -> LinearTDState:
        zeros = jnp.zeros(feature_dim, jnp.float32)
        return LinearTDState(
            weights=zeros, trace=zeros, trace_decay=jnp.zeros((), jnp.float32), life=life
        )

    def _step(
        self, state: Any, x: Array, reward: Array, next_x: Array, discount: Array, cut: Array
    ) -> LinearStep:
        value = state.weights @ x
        delta = bootstrapped(reward, discount, state.weights @ next_x) - value
        z = self.trace.update(state.trace, x, state.trace_decay)
        changed = {
            "weights": state.weights + f32(self.step_size) * delta * z,
            "trace": jnp.where(cut, 0.0, z),
            "trace_decay": jnp.where(cut, 0.0, discount * f32(self.lamda)),
        }
        return LinearStep(changed, value, delta)

    def _cut(self, state: LinearTDState) -> LinearTDState:
        return state.replace(
            trace=jnp.zeros_like(state.trace), trace_decay=jnp.zeros_like(state.trace_decay)
        )
