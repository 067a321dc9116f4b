"""True online TD(lambda)."""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import f32
from ..components.ranges import require_part, require_range
from ..components.types import Hyperparameter
from ..learners import Lifecycle
from ..targets import CenteringState, RewardCentering, bootstrapped
from ..traces import Dutch
from .abstract import AbstractLinearTD, AbstractLinearTDState, LinearStep


class TrueOnlineStep(NamedTuple):
    """The weights and the trace after a step, the value before it, its TD error, and the value that
    the next step finds as the old one."""

    weights: Array
    trace: Array
    value: Array
    td_error: Array
    following: Array


def true_online_step(
    weights: Array,
    trace: Array,
    old_value: Array,
    x: Array,
    reward: Array,
    next_x: Array,
    discount: Array,
    decay: Array,
    step_size: Any,
) -> TrueOnlineStep:
    """One step on weights and features of one shape, whatever that is."""
    alpha = f32(step_size)
    value, following = jnp.sum(weights * x), jnp.sum(weights * next_x)
    delta = bootstrapped(reward, discount, following) - value
    z = Dutch(alpha).update(trace, x, decay)
    change = alpha * ((delta + value - old_value) * z - (value - old_value) * x)
    return TrueOnlineStep(weights + change, z, value, delta, following)


class TrueOnlineTDState(AbstractLinearTDState):
    """Weights, their dutch trace, the value that the last step found at x', and by how much the
    trace decays next."""

    weights: Float[Array, " features"]
    trace: Float[Array, " features"]
    old_value: Float[Array, ""]
    trace_decay: Float[Array, ""]
    life: Lifecycle
    centering: CenteringState | None = None


class TrueOnlineTD(AbstractLinearTD[TrueOnlineTDState]):
    r"""True online TD(lambda): after every step the weights of the online lambda-return algorithm.

        v = w.x,  v' = w.x',  delta = R + g v' - v,   d = (discount of the transition into x) lamda
        z    <- d z + (1 - step_size d z.x) x
        w    += step_size ((delta + v - v_old) z - (v - v_old) x)
        v_old <- v'

    where z and v_old are 0 at the start of an episode. x' must be the next transition's x.

    Source: van Seijen, Mahmood, Pilarski, Machado and Sutton (2016), True Online
    Temporal-Difference Learning; Sutton and Barto (2018), section 12.5.

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

    def _begun(self, feature_dim: int, life: Lifecycle) -> TrueOnlineTDState:
        zeros, zero = jnp.zeros(feature_dim, jnp.float32), jnp.zeros((), jnp.float32)
        return TrueOnlineTDState(
            weights=zeros, trace=zeros, old_value=zero, trace_decay=zero, life=life
        )

    def _step(
        self, state: Any, x: Array, reward: Array, next_x: Array, discount: Array, cut: Array
    ) -> LinearStep:
        step = true_online_step(
            state.weights,
            state.trace,
            state.old_value,
            x,
            reward,
            next_x,
            discount,
            state.trace_decay,
            self.step_size,
        )
        changed = {
            "weights": step.weights,
            "trace": jnp.where(cut, 0.0, step.trace),
            "old_value": jnp.where(cut, 0.0, step.following),
            "trace_decay": jnp.where(cut, 0.0, discount * f32(self.lamda)),
        }
        return LinearStep(changed, step.value, step.td_error)

    def _cut(self, state: TrueOnlineTDState) -> TrueOnlineTDState:
        zero = jnp.zeros_like(state.old_value)
        return state.replace(trace=jnp.zeros_like(state.trace), old_value=zero, trace_decay=zero)
