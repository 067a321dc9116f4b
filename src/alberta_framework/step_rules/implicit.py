"""Intentional steps that look ahead at how the error itself changes."""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..components.numbers import f32
from ..components.ranges import require_choice, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..traces import Accumulating
from .abstract import AbstractStepRule, Needs, StepInfo, total
from .averages import moved, next_step, share_seen
from .clipped_error import ErrorStatistics, clipped_error
from .implicit_td import MODES, curvature

_TRACE = Accumulating()
_EPSILON = 1e-8


class ImplicitState(AbstractState):
    """The trace, the second moment of gradients, which begins at 1, the average of their divided
    norms, what is known of the errors, and the steps made."""

    trace: Any
    second_moment: Any
    norm: Float[Array, ""]
    errors: ErrorStatistics
    steps: Int[Array, ""]


class Implicit(AbstractStepRule):
    r"""`Intentional` with the curvature c of `ImplicitTD` in its step size; experimental:

        d     = sqrt(v) + 1e-8,   z <- decay z + g,   D = z / d
        v    <- beta2 v + (1 - beta2) g^2
        sigma <- a sigma + (1 - a) sum(g^2 / d),   a = average_decay
        b     = sqrt(sigma / (1 - a^t) sum(z^2 / d))
        alpha = eta / max(b + eta c, kappa b, 1e-8)
        dw    = alpha delta' D

    with the curvature c of `mode` along D, and delta' as in `Intentional`.

    Source: noahfarr/streamlet.

    **Arguments:** `eta` > 0, default 0.5; `kappa` >= 0, default 1; `mode`, default "full"; the
    others as in `Intentional`.
    """

    eta: Hyperparameter = 0.5
    kappa: Hyperparameter = 1.0
    beta2: Hyperparameter = 0.999
    clip_mult: Hyperparameter = 20.0
    beta_clip: Hyperparameter = 0.9998
    beta_norm: Hyperparameter = 0.9998
    normalize_delta: bool = eqx.field(static=True, default=False)
    mode: Literal["norm", "pred", "full"] = eqx.field(static=True, default="full")
    average_decay: Hyperparameter | None = None

    def __check_init__(self):
        require_range(self, "eta", 0.0, open_low=True)
        require_range(self, "kappa", 0.0)
        require_range(self, "clip_mult", 0.0, open_low=True)
        for name in ("beta2", "beta_clip", "beta_norm"):
            require_range(self, name, 0.0, 1.0, open_high=True)
        require_choice("Implicit", "normalize_delta", self.normalize_delta, (True, False))
        require_choice("Implicit", "mode", self.mode, MODES)
        if self.average_decay is not None:
            require_range(self, "average_decay", 0.0, 1.0, open_high=True)

    def _needs(self) -> Needs:
        return "directional" if self.mode == "full" else "nothing"

    def init(self, params: Any) -> ImplicitState:
        zeros, nothing = _TRACE.init(params), jnp.zeros((), jnp.float32)
        ones = jax.tree.map(jnp.ones_like, zeros)
        return ImplicitState(
            zeros, ones, nothing, ErrorStatistics.begin(), jnp.zeros((), jnp.int32)
        )

    def direction(self, state, gradient, decay):
        trace = _TRACE.update(state.trace, gradient, decay)
        state = state.replace(trace=trace, steps=next_step(state.steps))
        return jax.tree.map(lambda z, d: z / d, trace, _divisors(state)), state

    def step(
        self, state, gradient, direction, delta, bootstrap, decay, reset=False, *, params=None
    ):
        average, divisors = self._average_decay(decay), _divisors(state)
        c = curvature(self.mode, state.trace, gradient, direction, bootstrap)
        moment = jax.tree.map(
            lambda v, g: moved(v, g**2, self.beta2), state.second_moment, gradient
        )
        norm = total(lambda g, d: g**2 / d, gradient, divisors)
        norm = moved(state.norm, norm, average)
        size = total(lambda z, d: z * d, state.trace, direction)
        base = jnp.sqrt(norm / share_seen(average, state.steps) * size)
        eta, least = f32(self.eta), f32(self.kappa) * base
        alpha = eta / jnp.maximum(jnp.maximum(base + eta * c, least), _EPSILON)
        error, errors = clipped_error(state.errors, delta, state.steps, self)
        scale = alpha * error
        changes = jax.tree.map(lambda d: scale * d, direction)
        info = StepInfo(alpha, f32(1.0), total(jnp.abs, state.trace), c)
        after = state.replace(
            trace=_TRACE.cut(state.trace, reset), second_moment=moment, norm=norm, errors=errors
        )
        return changes, after, info

    def cut(self, state, where=True):
        return state.replace(trace=_TRACE.cut(state.trace, where))


def _divisors(state):
    """By the second moment before this step's gradient enters, in direction and step alike."""
    return jax.tree.map(lambda v: jnp.sqrt(v) + _EPSILON, state.second_moment)
