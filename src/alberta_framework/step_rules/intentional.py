"""Intentional updates: the step size that changes the value by a share of the error."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..components.numbers import f32
from ..components.ranges import require_choice, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..traces import Accumulating
from .abstract import AbstractStepRule, StepInfo, total, unknown
from .averages import moved, next_step, share_seen
from .clipped_error import ErrorStatistics, clipped_error

_TRACE = Accumulating()
_EPSILON = 1e-8


class IntentionalState(AbstractState):
    """The trace, the second moment of gradients, the average of their divided norms, what is known
    of the errors, and the steps made."""

    trace: Any
    second_moment: Any
    norm: Float[Array, ""]
    errors: ErrorStatistics
    steps: Int[Array, ""]


class Intentional(AbstractStepRule):
    r"""Steps of which the value of the present example moves by `eta` of its error:

        v    <- beta2 v + (1 - beta2) g^2,   d = sqrt(v / (1 - beta2^t)) + 1e-8
        z    <- decay z + g
        sigma <- a sigma + (1 - a) sum(g^2 / d),   a = average_decay
        alpha = eta / max(sqrt(sigma / (1 - a^t) sum(z^2 / d)), 1e-8)
        dw    = alpha delta' z / d

    with delta' the error clipped to `clip_mult` times its root mean square, and divided by its mean
    size if `normalize_delta`.

    Source: Sharifnassab, Elsayed, De Asis, Mahmood and Sutton (2026), arXiv:2604.19033, and their
    code.

    **Arguments:** `eta` > 0, default 0.5 (of policies 0.05); `beta2`, `beta_clip`, `beta_norm` in
    [0, 1); `clip_mult` > 0, default 20; `normalize_delta`, default False, of policies True;
    `average_decay` in [0, 1), default that of the agent, gamma lamda: the rate of the average,
    whatever the discount of a single transition is.
    """

    eta: Hyperparameter = 0.5
    beta2: Hyperparameter = 0.999
    clip_mult: Hyperparameter = 20.0
    beta_clip: Hyperparameter = 0.9998
    beta_norm: Hyperparameter = 0.9998
    normalize_delta: bool = eqx.field(static=True, default=False)
    average_decay: Hyperparameter | None = None

    def __check_init__(self):
        require_range(self, "eta", 0.0, open_low=True)
        require_range(self, "clip_mult", 0.0, open_low=True)
        for name in ("beta2", "beta_clip", "beta_norm"):
            require_range(self, name, 0.0, 1.0, open_high=True)
        require_choice("Intentional", "normalize_delta", self.normalize_delta, (True, False))
        if self.average_decay is not None:
            require_range(self, "average_decay", 0.0, 1.0, open_high=True)

    def init(self, params: Any) -> IntentionalState:
        zeros = _TRACE.init(params)
        nothing = jnp.zeros((), jnp.float32)
        return IntentionalState(
            zeros, zeros, nothing, ErrorStatistics.begin(), jnp.zeros((), jnp.int32)
        )

    def direction(self, state, gradient, decay):
        steps = next_step(state.steps)
        moment = jax.tree.map(
            lambda v, g: moved(v, g**2, self.beta2), state.second_moment, gradient
        )
        trace = _TRACE.update(state.trace, gradient, decay)
        state = state.replace(trace=trace, second_moment=moment, steps=steps)
        divided = jax.tree.map(lambda z, d: z / d, trace, self._divisors(state))
        return divided, state

    def step(
        self, state, gradient, direction, delta, bootstrap, decay, reset=False, *, params=None
    ):
        average = self._average_decay(decay)
        norm = total(lambda g, d: g**2 / d, gradient, self._divisors(state))
        norm = moved(state.norm, norm, average)
        size = total(lambda z, d: z * d, state.trace, direction)
        root = jnp.sqrt(norm / share_seen(average, state.steps) * size)
        alpha = f32(self.eta) / jnp.maximum(root, _EPSILON)
        error, errors = clipped_error(state.errors, delta, state.steps, self)
        scale = alpha * error
        changes = jax.tree.map(lambda d: scale * d, direction)
        info = StepInfo(alpha, f32(1.0), total(jnp.abs, state.trace), unknown())
        after = state.replace(trace=_TRACE.cut(state.trace, reset), norm=norm, errors=errors)
        return changes, after, info

    def cut(self, state, where=True):
        return state.replace(trace=_TRACE.cut(state.trace, where))

    def _divisors(self, state):
        seen = share_seen(self.beta2, state.steps)
        return jax.tree.map(lambda v: jnp.sqrt(v / seen) + _EPSILON, state.second_moment)
