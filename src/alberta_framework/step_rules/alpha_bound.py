"""A step size that only ever shrinks, to where no error would have been overshot."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..traces import Accumulating
from .abstract import AbstractStepRule, Needs, StepInfo, total
from .implicit_td import error_curvature

_TRACE = Accumulating()


class AlphaBoundState(AbstractState):
    """The trace, and the step size in effect."""

    trace: Any
    step_size: Float[Array, ""]


class AlphaBound(AbstractStepRule):
    r"""TD(lambda) with the least step size that was ever needed:

        z     <- decay z + g
        alpha <- min(alpha, 1 / |(g - gamma g').z|)
        dw     = alpha delta z

    It never grows again: a baseline for stationary prediction, wrong for a life with changes.

    Source: Dabney and Barto (2012), Adaptive Step-Size for Online Temporal Difference Learning.

    **Arguments:** `initial` > 0, default 1.
    """

    initial: Hyperparameter = 1.0

    def __check_init__(self):
        require_range(self, "initial", 0.0, open_low=True)

    def _needs(self) -> Needs:
        return "directional"

    def init(self, params: Any) -> AlphaBoundState:
        return AlphaBoundState(_TRACE.init(params), f32(self.initial))

    def direction(self, state, gradient, decay):
        trace = _TRACE.update(state.trace, gradient, decay)
        return trace, state.replace(trace=trace)

    def step(
        self, state, gradient, direction, delta, bootstrap, decay, reset=False, *, params=None
    ):
        c = error_curvature(gradient, direction, bootstrap)
        alpha = jnp.minimum(state.step_size, 1.0 / jnp.abs(c))
        scale = alpha * f32(delta)
        changes = jax.tree.map(lambda d: scale * d, direction)
        info = StepInfo(alpha, alpha / state.step_size, total(jnp.abs, state.trace), c)
        return changes, AlphaBoundState(_TRACE.cut(state.trace, reset), alpha), info

    def cut(self, state, where=True):
        return state.replace(trace=_TRACE.cut(state.trace, where))
