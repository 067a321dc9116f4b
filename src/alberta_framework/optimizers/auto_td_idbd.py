"""AutoTIDBD: TIDBD with a normalized meta gradient and a bound on the effective step size."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from .._compiled import checked
from .._numbers import f32, scalar
from .._ranges import require_count, require_range
from .._state import AbstractState
from .._types import Hyperparameter, ScalarLike
from .abstract import AbstractTDOptimizer, TDOptimizerUpdate
from .log_step_sizes import spread
from .td_idbd import (
    feature_difference,
    require_td_fields,
    start_values,
    trace_decay,
    without_eligibility,
)


class AutoTDIDBDState(AbstractState):
    """Log step sizes, eligibility and h traces, and normalizers, of weights and bias."""

    log_step_sizes: Float[Array, " features"]
    eligibility_traces: Float[Array, " features"]
    h_traces: Float[Array, " features"]
    normalizers: Float[Array, " features"]
    bias_log_step_size: Float[Array, ""]
    bias_eligibility_trace: Float[Array, ""]
    bias_h_trace: Float[Array, ""]
    bias_normalizer: Float[Array, ""]
    previous_gamma: Float[Array, ""]

    @property
    def feature_dim(self) -> int:
        return self.eligibility_traces.shape[-1]


class AutoTDIDBD(AbstractTDOptimizer[AutoTDIDBDState]):
    r"""TIDBD whose meta step size needs no tuning.

    For features x [d], next features x', TD error delta, u = gamma x' - x, meta step size theta
    and normalizer time scale tau, in this order (z is the old trace until its own line):

        eta_i  <- max(|delta u_i h_i|,
                      eta_i - exp(beta_i) u_i z_i (|delta x_i h_i| - eta_i) / tau)
        beta_i <- beta_i - theta delta u_i h_i / eta_i
        M       = max(-sum_i exp(beta_i) u_i z_i, 1)
        beta_i <- clip(beta_i - log M, lo, hi),   alpha_i = exp(beta_i)
        z_i    <- gamma_z lamda z_i + x_i
        dw_i    = alpha_i delta z_i
        h_i    <- h_i max(0, 1 + alpha_i u_i z_i) + dw_i

    The first argument of eta has the feature difference u and the averaged one the feature x: the
    published text is not symmetric. The bias is the same algorithm on the constant feature 1, with
    an M of its own. gamma_z: see `TDIDBD`.

    Source: Kearney et al. (2019), Learning Feature Relevance Through Step Size Adaptation in
    Temporal-Difference Learning, algorithm 6. Not in the paper: eta is at least 1e-8 and starts at
    1; the clip.

    **Arguments:** as `TDIDBD`, without `use_semi_gradient`; `normalizer_decay`: tau > 0, default
    1e4 steps.
    """

    initial_step_size: Hyperparameter = 0.01
    meta_step_size: Hyperparameter = 0.01
    trace_decay: Hyperparameter = 0.0
    normalizer_decay: Hyperparameter = 10000.0
    trace_discount: str = eqx.field(
        static=True, default="incoming", metadata={"config": "omit_default"}
    )
    min_log_step_size: Hyperparameter = eqx.field(
        default=-10.0, metadata={"config": "omit_default"}
    )
    max_log_step_size: Hyperparameter = eqx.field(default=2.0, metadata={"config": "omit_default"})

    def __check_init__(self):
        require_td_fields(self)
        require_range(self, "normalizer_decay", 0.0, open_low=True)

    def init(self, feature_dim: int) -> AutoTDIDBDState:
        require_count("AutoTDIDBD.init", "feature_dim", feature_dim)
        beta, zeros = start_values(self.initial_step_size, feature_dim)
        zero, one = jnp.zeros((), jnp.float32), jnp.ones((), jnp.float32)
        return AutoTDIDBDState(zeros + beta, zeros, zeros, zeros + 1.0, beta, zero, zero, one, one)

    @checked
    def update(
        self,
        state: AutoTDIDBDState,
        td_error: ScalarLike,
        observation: Real[ArrayLike, "{state.feature_dim}"],
        next_observation: Real[ArrayLike, "{state.feature_dim}"],
        gamma: ScalarLike,
    ) -> TDOptimizerUpdate:
        delta, g = scalar(td_error), scalar(gamma)
        x = f32(observation)
        u = feature_difference(g, f32(next_observation), x)
        decay = trace_decay(self, state.previous_gamma, g)
        weights = (
            state.log_step_sizes,
            state.eligibility_traces,
            state.h_traces,
            state.normalizers,
        )
        bias = (
            state.bias_log_step_size,
            state.bias_eligibility_trace,
            state.bias_h_trace,
            state.bias_normalizer,
        )
        dw, (beta, z, h, eta) = self._recursion(delta, x, u, decay, *weights)
        db, bias = self._recursion(delta, f32(1.0), g - 1.0, decay, *bias)
        metrics = spread(jnp.exp(beta)) | {
            "mean_eligibility_trace": jnp.mean(jnp.abs(z)),
            "mean_normalizer": jnp.mean(eta),
        }
        return TDOptimizerUpdate(dw, db, AutoTDIDBDState(beta, z, h, eta, *bias, g), metrics)

    def reset_traces(self, state: AutoTDIDBDState) -> AutoTDIDBDState:
        return without_eligibility(state)

    def _recursion(self, delta, x, u, decay, beta, z, h, eta):
        theta, tau = f32(self.meta_step_size), f32(self.normalizer_decay)
        averaged = eta - (1.0 / tau) * jnp.exp(beta) * u * z * (jnp.abs(delta * x * h) - eta)
        eta = jnp.maximum(jnp.maximum(jnp.abs(delta * u * h), averaged), 1e-8)
        beta = beta - theta * delta * u * h / eta
        overshoot = jnp.maximum(-jnp.sum(jnp.exp(beta) * u * z), 1.0)
        low, high = f32(self.min_log_step_size), f32(self.max_log_step_size)
        beta = jnp.clip(beta - jnp.log(overshoot), low, high)
        alpha = jnp.exp(beta)
        z = decay * z + x
        dw = alpha * delta * z
        h = h * jnp.maximum(0.0, 1.0 + alpha * u * z) + dw
        return dw, (beta, z, h, eta)


def create_autotdidbd_state(
    feature_dim: int,
    initial_step_size: Hyperparameter = 0.01,
    meta_step_size: Hyperparameter = 0.01,
    trace_decay: Hyperparameter = 0.0,
    normalizer_decay: Hyperparameter = 10000.0,
) -> AutoTDIDBDState:
    """`AutoTDIDBD(...).init(feature_dim)`; what acts only in updates is validated, not stored."""
    optimizer = AutoTDIDBD(initial_step_size, meta_step_size, trace_decay, normalizer_decay)
    return optimizer.init(feature_dim)
