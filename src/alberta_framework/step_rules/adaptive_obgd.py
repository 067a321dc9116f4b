"""ObGD whose directions are divided by their own root mean square."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..traces import Accumulating
from .abstract import AbstractStepRule, StepInfo, total, unknown
from .averages import moved, next_step, share_seen

_TRACE = Accumulating()


class AdaptiveObGDState(AbstractState):
    """The trace, the second moment of error times trace, and the steps made."""

    trace: Any
    second_moment: Any
    steps: Int[Array, ""]


class AdaptiveObGD(AbstractStepRule):
    r"""ObGD on traces that are divided by the root mean square of the steps they led to:

        z    <- decay z + g
        v    <- beta2 v + (1 - beta2) (delta z)^2
        d     = sqrt(v / (1 - beta2^t) + eps)
        M     = step_size kappa max(|delta|, 1) |z / d|_1
        alpha = step_size / max(M, 1)
        dw    = alpha delta z / d

    The bound is that of the divided trace. v and t outlive the end of an episode.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606, and their code.

    **Arguments:** `step_size` >= 0, default 1; `kappa` >= 0, default 2; `beta2` in [0, 1), default
    0.999; `eps` > 0, default 1e-8, inside the root.
    """

    step_size: Hyperparameter = 1.0
    kappa: Hyperparameter = 2.0
    beta2: Hyperparameter = 0.999
    eps: Hyperparameter = 1e-8

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_range(self, "kappa", 0.0)
        require_range(self, "beta2", 0.0, 1.0, open_high=True)
        require_range(self, "eps", 0.0, open_low=True)

    def init(self, params: Any) -> AdaptiveObGDState:
        zeros = _TRACE.init(params)
        return AdaptiveObGDState(zeros, zeros, jnp.zeros((), jnp.int32))

    def direction(self, state, gradient, decay):
        """The trace: what it is divided by depends on the error."""
        trace = _TRACE.update(state.trace, gradient, decay)
        return trace, state.replace(trace=trace)

    def step(
        self, state, gradient, direction, delta, bootstrap, decay, reset=False, *, params=None
    ):
        delta, steps = f32(delta), next_step(state.steps)
        moment = jax.tree.map(
            lambda v, z: moved(v, (delta * z) ** 2, self.beta2), state.second_moment, direction
        )
        seen = share_seen(self.beta2, steps)
        divided = jax.tree.map(
            lambda z, v: z / jnp.sqrt(v / seen + f32(self.eps)), direction, moment
        )
        alpha = f32(self.step_size)
        size = total(jnp.abs, divided)
        bound = alpha * f32(self.kappa) * jnp.maximum(jnp.abs(delta), 1.0) * size
        shrunk = 1.0 / jnp.maximum(bound, 1.0)
        scale = alpha * shrunk * delta
        changes = jax.tree.map(lambda d: scale * d, divided)
        info = StepInfo(alpha * shrunk, shrunk, total(jnp.abs, state.trace), unknown())
        after = AdaptiveObGDState(_TRACE.cut(state.trace, reset), moment, steps)
        return changes, after, info

    def cut(self, state, where=True):
        return state.replace(trace=_TRACE.cut(state.trace, where))
