"""Autostep: step sizes per weight whose meta step size needs no tuning."""

import math
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32, scalar
from ..components.ranges import (
    require_count,
    require_range,
    require_same_shape,
    require_shape,
    warn_outside,
)
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from .abstract import AbstractOptimizer, OptimizerUpdate
from .effective_step import excess, floor_factor
from .log_step_sizes import require_ordered, spread

# 1e-38 would be subnormal in float32 and may be flushed to zero.
_SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)


class AutostepState(AbstractState):
    """Step sizes, traces and normalizers of a weight vector and its bias."""

    step_sizes: Float[Array, " features"]
    traces: Float[Array, " features"]
    normalizers: Float[Array, " features"]
    bias_step_size: Float[Array, ""]
    bias_trace: Float[Array, ""]
    bias_normalizer: Float[Array, ""]

    @property
    def feature_dim(self) -> int:
        return self.traces.shape[-1]


class AutostepParamState(AbstractState):
    """Step sizes, traces and normalizers of one tensor."""

    step_sizes: Float[Array, "..."]
    traces: Float[Array, "..."]
    normalizers: Float[Array, "..."]


class Autostep(AbstractOptimizer[AutostepState]):
    r"""IDBD made insensitive to the scale of its data: a normalized meta gradient, no overshoot.

    For features x [d], error e and meta step size mu, in this order:

        m_i      = e x_i h_i
        v_i     <- max(|m_i|, v_i + alpha_i x_i^2 (|m_i| - v_i) / tau)
        alpha_i <- max(alpha_i exp(mu m_i / v_i), lo')  where v_i > 0, else max(alpha_i, lo')
        M        = max(sum_i alpha_i x_i^2, 1)
        alpha_i <- min(alpha_i / M, hi)
        dw_i     = alpha_i e x_i
        h_i     <- h_i (1 - alpha_i x_i^2) + dw_i

    The bias is a weight on the constant feature 1 and takes part in M. On a tensor with gradient z,
    x is replaced by z, M sums over the whole tensor, the step is alpha z without the error, and e
    is 1 when none is given.

    An update multiplies the error of its own example by 1 - sum(alpha x^2): above 1 it overshoots,
    above 2 it makes the error larger. So the bound comes last, and after any update
    sum(alpha x^2) <= 1 for inputs of any size. The floor lo' comes before it and is `min_step_size`
    (lo), but lo / sum(x^2) where lo sum(x^2) > 1, since a floor that reaches the bound by itself
    would make all step sizes equal.

    Source: Mahmood, Sutton, Degris and Pilarski (2012), Tuning-free Step-size Adaptation, table 1.
    Floor and cap are not in the paper: `min_step_size=0, max_step_size=inf` is its algorithm, and
    only without the cap do step sizes adapt freely for features much smaller than 1.

    **Arguments:** `initial_step_size` > 0, default 0.01; `meta_step_size` >= 0, default 0.01;
    `tau` > 0, default 1e4, the time scale of the normalizers in steps;
    0 <= `min_step_size` < `max_step_size` <= inf, default [1e-8, 1].
    """

    initial_step_size: Hyperparameter = 0.01
    meta_step_size: Hyperparameter = 0.01
    tau: Hyperparameter = 10000.0
    min_step_size: Hyperparameter = eqx.field(default=1e-8, metadata={"config": "omit_default"})
    max_step_size: Hyperparameter = eqx.field(default=1.0, metadata={"config": "omit_default"})

    _judged: ClassVar = ("traces", "normalizers")

    def __check_init__(self):
        require_range(self, "initial_step_size", 0.0, open_low=True)
        require_range(self, "meta_step_size", 0.0)
        require_range(self, "tau", 0.0, open_low=True)
        require_range(self, "min_step_size", 0.0)
        require_range(self, "max_step_size", 0.0, math.inf, allow_infinity=True)
        require_ordered(self, "min_step_size", "max_step_size")
        warn_outside(self, "initial_step_size", self.min_step_size, self.max_step_size)

    def init(self, feature_dim: int) -> AutostepState:
        require_count("Autostep.init", "feature_dim", feature_dim)
        return self._initial(int(feature_dim))

    @compiled_by_itself
    def _initial(self, feature_dim: int) -> AutostepState:
        w, b = self.init_for_shape((feature_dim,)), self.init_for_shape(())
        return AutostepState(
            w.step_sizes, w.traces, w.normalizers, b.step_sizes, b.traces, b.normalizers
        )

    @compiled_by_itself
    def update(
        self,
        state: AutostepState,
        error: ScalarLike,
        observation: Real[ArrayLike, "{state.feature_dim}"],
    ) -> OptimizerUpdate:
        e, x = scalar(error), f32(observation)
        h, g = state.traces, state.bias_trace
        alpha, v = self._adapted(state.step_sizes, state.normalizers, e * x * h, x**2)
        bias_alpha, bias_v = self._adapted(
            state.bias_step_size, state.bias_normalizer, e * g, f32(1.0)
        )
        alpha, bias_alpha = self._bounded((alpha, bias_alpha), (x**2, f32(1.0)))
        dw, db = alpha * e * x, bias_alpha * e
        h = h * (1.0 - alpha * x**2) + dw
        g = g * (1.0 - bias_alpha) + db
        metrics = spread(alpha) | {"mean_normalizer": jnp.mean(v)}
        return OptimizerUpdate(dw, db, AutostepState(alpha, h, v, bias_alpha, g, bias_v), metrics)

    def init_for_shape(self, shape: tuple[int, ...]) -> AutostepParamState:
        require_shape("Autostep.init_for_shape", shape)
        return self._initial_of(tuple(int(size) for size in shape))

    @compiled_by_itself
    def _initial_of(self, shape: tuple[int, ...]) -> AutostepParamState:
        zeros = jnp.zeros(shape, jnp.float32)
        return AutostepParamState(zeros + f32(self.initial_step_size), zeros, zeros)

    @compiled_by_itself
    def update_from_gradient(
        self,
        state: AutostepParamState,
        gradient: Real[ArrayLike, "..."],
        error: ScalarLike | None = None,
    ) -> tuple[Float[Array, "..."], AutostepParamState]:
        z, h = f32(gradient), state.traces
        require_same_shape("Autostep.update_from_gradient", "gradient", z, h)
        e = f32(1.0) if error is None else scalar(error)
        alpha, v = self._adapted(state.step_sizes, state.normalizers, e * z * h, z**2)
        (alpha,) = self._bounded((alpha,), (z**2,))
        h = h * (1.0 - alpha * z**2) + alpha * e * z
        return alpha * z, AutostepParamState(alpha, h, v)

    @compiled_by_itself
    def step_sizes(self, state: AutostepState | AutostepParamState) -> Float[Array, "..."]:
        return state.step_sizes

    @compiled_by_itself
    def bias_step_size(self, state: AutostepState) -> Float[Array, ""]:
        return state.bias_step_size

    def _adapted(self, alpha, v, m, x_squared):
        """The step sizes before the overshoot is bounded, and the normalizers."""
        size = jnp.abs(m)
        v = jnp.maximum(size, v + (1.0 / f32(self.tau)) * alpha * x_squared * (size - v))
        # Where v is 0, so is m: the step size stays, and so does its gradient.
        safe = jnp.where(v > 0.0, jnp.maximum(v, _SMALLEST_NORMAL), 1.0)
        return alpha * jnp.exp(f32(self.meta_step_size) * m / safe), v

    def _bounded(self, alphas, squares):
        """The step sizes within their range, as far as their effective step is at most 1."""
        low = f32(self.min_step_size)
        low = low * floor_factor(low, [squares], 1.0)
        alphas = [jnp.maximum(alpha, low) for alpha in alphas]
        overshoot = excess(alphas, [squares], 1.0)
        return [jnp.minimum(alpha / overshoot, f32(self.max_step_size)) for alpha in alphas]


def create_autostep_state(
    feature_dim: int,
    initial_step_size: Hyperparameter = 0.01,
    meta_step_size: Hyperparameter = 0.01,
    tau: Hyperparameter = 10000.0,
) -> AutostepState:
    """`Autostep(initial_step_size, meta_step_size, tau).init(feature_dim)`.

    `meta_step_size` and `tau` are validated and not stored: they act in updates.
    """
    return Autostep(initial_step_size, meta_step_size, tau).init(feature_dim)
