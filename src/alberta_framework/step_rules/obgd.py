"""ObGD over a whole network: a step that cannot overshoot its target."""

from typing import Any

import jax
import jax.numpy as jnp

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.types import Hyperparameter
from ..traces import Accumulating
from .abstract import AbstractStepRule, StepInfo, total, unknown
from .traced import TraceState

_TRACE = Accumulating()


class StreamObGD(AbstractStepRule):
    r"""Overshooting-bounded gradient descent, with one bound for all parameters together:

        z    <- decay z + g
        M     = step_size kappa max(|delta|, 1) |z|_1
        alpha = step_size / max(M, 1)
        dw    = alpha delta z

    For a linear value of inputs of at most 1, decay 0 and kappa >= 1 the error of the same example
    keeps its sign and shrinks. With larger inputs it may overshoot: normalize them. Agents take the
    optimizer `ObGD(step_size, kappa)` for this rule too.

    Source: Elsayed, Vasan and Mahmood (2024), Streaming Deep Reinforcement Learning Finally Works,
    arXiv:2410.14606, algorithm 3.

    **Arguments:** `step_size` >= 0, default 1; `kappa` >= 0, default 2 (of policies 3; 0 never
    bounds).
    """

    step_size: Hyperparameter = 1.0
    kappa: Hyperparameter = 2.0

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_range(self, "kappa", 0.0)

    def init(self, params: Any) -> TraceState:
        return TraceState(_TRACE.init(params))

    def direction(self, state, gradient, decay):
        trace = _TRACE.update(state.trace, gradient, decay)
        return trace, TraceState(trace)

    def step(
        self, state, gradient, direction, delta, bootstrap, decay, reset=False, *, params=None
    ):
        size = total(jnp.abs, state.trace)
        alpha = f32(self.step_size)
        bound = alpha * f32(self.kappa) * jnp.maximum(jnp.abs(f32(delta)), 1.0) * size
        shrunk = 1.0 / jnp.maximum(bound, 1.0)
        scale = alpha * shrunk * f32(delta)
        changes = jax.tree.map(lambda d: scale * d, direction)
        info = StepInfo(alpha * shrunk, shrunk, size, unknown())
        return changes, self.cut(state, reset), info

    def cut(self, state, where=True):
        return TraceState(_TRACE.cut(state.trace, where))
