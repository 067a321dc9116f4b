"""Implicit TD: the step that solves a fixed point at the new parameters."""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from ..components.numbers import f32
from ..components.ranges import require_choice, require_range
from ..components.types import Hyperparameter
from ..traces import Accumulating
from .abstract import AbstractStepRule, Bootstrap, Needs, StepInfo, total
from .traced import TraceState

_TRACE = Accumulating()
MODES = ("norm", "pred", "full")


def curvature(
    mode: str, trace: Any, gradient: Any, direction: Any, bootstrap: Bootstrap | None
) -> Any:
    """How much a step of size 1 along the direction D changes, by mode: z.D of the trace, g.D of
    the prediction, or of the whole error what `error_curvature` says, at least 0."""
    if mode == "norm":
        return total(lambda z, d: z * d, trace, direction)
    if mode == "pred":
        return total(lambda g, d: g * d, gradient, direction)
    return jnp.maximum(error_curvature(gradient, direction, bootstrap), 0.0)


def error_curvature(gradient: Any, direction: Any, bootstrap: Bootstrap | None) -> Any:
    """(g - gamma g').D: the share of the error that a step of size 1 along D takes away, of a
    linear value. Where it is negative every step makes the error larger."""
    found = total(lambda g, d: g * d, gradient, direction)
    if bootstrap is None or bootstrap.directional is None:
        return found
    return found - bootstrap.directional


class ImplicitTD(AbstractStepRule):
    r"""TD(lambda) whose step evaluates what it corrects at the new parameters:

        z    <- decay z + g
        alpha = step_size / (1 + step_size c),   dw = alpha delta z

    with c = z.z for `mode="norm"` (the authors'), g.z for `"pred"`, max((g - gamma g').z, 0) for
    `"full"`: for linear values each is the exact solution of a fixed point. "norm" is safe at any
    step size and slow; the other two keep the accuracy of TD(lambda) at its best step. Where a
    curvature is negative, every step makes the error larger, and "full" takes the plain one.

    Source: Kim et al. (2025), arXiv:2505.01361; "pred" and "full": noahfarr/streamlet.

    **Arguments:** `step_size` >= 0; `mode`, default "norm".
    """

    step_size: Hyperparameter
    mode: Literal["norm", "pred", "full"] = eqx.field(static=True, default="norm")

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_choice("ImplicitTD", "mode", self.mode, MODES)

    def _needs(self) -> Needs:
        return "directional" if self.mode == "full" else "nothing"

    def init(self, params: Any) -> TraceState:
        return TraceState(_TRACE.init(params))

    def direction(self, state, gradient, decay):
        trace = _TRACE.update(state.trace, gradient, decay)
        return trace, TraceState(trace)

    def step(
        self, state, gradient, direction, delta, bootstrap, decay, reset=False, *, params=None
    ):
        c = curvature(self.mode, state.trace, gradient, direction, bootstrap)
        shrunk = 1.0 / (1.0 + f32(self.step_size) * c)
        alpha = f32(self.step_size) * shrunk
        scale = alpha * f32(delta)
        changes = jax.tree.map(lambda d: scale * d, direction)
        info = StepInfo(alpha, shrunk, total(jnp.abs, state.trace), c)
        return changes, self.cut(state, reset), info

    def cut(self, state, where=True):
        return TraceState(_TRACE.cut(state.trace, where))
