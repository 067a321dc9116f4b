"""Traces divided by the root mean square of the gradients that made them."""

from typing import Any

import jax
import jax.numpy as jnp

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..traces import Accumulating
from .abstract import AbstractStepRule, StepInfo, total, unknown
from .averages import moved

_TRACE = Accumulating()


class AdaptiveState(AbstractState):
    """The trace, and the second moment of gradients."""

    trace: Any
    second_moment: Any


class Adaptive(AbstractStepRule):
    r"""The rule of Adaptive Q(lambda): a second moment that decays as the trace does.

        v  <- a v + (1 - a) g^2,   a = average_decay, from 0 and not corrected for it
        z  <- decay z + g
        dw  = step_size clip(delta, -clip, clip) z / (sqrt(v) + eps)

    `eps` is part of the method: gradients below it are not normalized. With lamda 0 it is a damped
    update by the sign. Step sizes of 1e-4 to 1e-3 are meant.

    Source: Gogianu, Lutu and Pascanu (2026), arXiv:2605.06764, by noahfarr/streamlet.

    **Arguments:** `step_size` >= 0, default 4.6e-4; `eps` > 0, default 0.1; `clip` > 0, default 1;
    `average_decay` in [0, 1), default that of the agent, gamma lamda.
    """

    step_size: Hyperparameter = 4.6e-4
    eps: Hyperparameter = 0.1
    clip: Hyperparameter = 1.0
    average_decay: Hyperparameter | None = None

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_range(self, "eps", 0.0, open_low=True)
        require_range(self, "clip", 0.0, open_low=True)
        if self.average_decay is not None:
            require_range(self, "average_decay", 0.0, 1.0, open_high=True)

    def init(self, params: Any) -> AdaptiveState:
        zeros = _TRACE.init(params)
        return AdaptiveState(zeros, zeros)

    def direction(self, state, gradient, decay):
        average = self._average_decay(decay)
        moment = jax.tree.map(lambda v, g: moved(v, g**2, average), state.second_moment, gradient)
        trace = _TRACE.update(state.trace, gradient, decay)
        divided = jax.tree.map(lambda z, v: z / (jnp.sqrt(v) + f32(self.eps)), trace, moment)
        return divided, AdaptiveState(trace, moment)

    def step(
        self, state, gradient, direction, delta, bootstrap, decay, reset=False, *, params=None
    ):
        most = f32(self.clip)
        scale = f32(self.step_size) * jnp.clip(f32(delta), -most, most)
        changes = jax.tree.map(lambda d: scale * d, direction)
        info = StepInfo(f32(self.step_size), f32(1.0), total(jnp.abs, state.trace), unknown())
        return changes, self.cut(state, reset), info

    def cut(self, state, where=True):
        return state.replace(trace=_TRACE.cut(state.trace, where))
