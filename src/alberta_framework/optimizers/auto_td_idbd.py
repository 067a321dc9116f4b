"""AutoTIDBD: TIDBD with a normalized meta gradient and a bound on the effective step size."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32, scalar
from ..components.ranges import require_count, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from .abstract import AbstractTDOptimizer, TDOptimizerUpdate
from .effective_step import bounded_logs, require_guards
from .log_step_sizes import spread
from .td_idbd import (
    feature_difference,
    require_td_fields,
    start_values,
    td_measures,
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
        beta_i <- max(beta_i - theta delta u_i h_i / eta_i, lo')
        M       = max(-sum_i exp(beta_i) u_i z_i, 1)
        beta_i <- min(beta_i - log M, hi),   alpha_i = exp(beta_i)
        z_i    <- gamma_z lamda z_i + x_i
        dw_i    = alpha_i delta z_i
        h_i    <- h_i max(0, 1 + alpha_i u_i z_i) + dw_i

    The first argument of eta has the feature difference u and the averaged one the feature x: the
    published text is not symmetric. The bias is the same algorithm on the constant feature 1, with
    an M of its own. gamma_z: see `TDIDBD`.

    The bound comes last: after any update -sum(alpha u z) <= 1 for the trace z of the step before.
    The floor lo' comes before it and is `min_log_step_size`, but less where step sizes of that
    floor would break the bound by themselves (see `Autostep`).

    The published bound looks at the trace of the step before, and so says nothing of the step that
    is taken: at an input a thousand times larger than the last that is a million times too large.
    `max_effective_step` bounds what the update itself does to the value of x and to the TD error,
    in the same M, in which the bias then takes part.

    Source: Kearney et al. (2019), Learning Feature Relevance Through Step Size Adaptation in
    Temporal-Difference Learning, algorithm 6. Not in the paper: eta is at least 1e-8 and starts at
    1; floor and cap; `max_effective_step`.

    **Arguments:** as `TDIDBD`, without `use_semi_gradient` and `max_log_step_change`;
    `normalizer_decay`: tau > 0, default 1e4 steps.
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
    max_effective_step: Hyperparameter | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_td_fields(self)
        require_range(self, "normalizer_decay", 0.0, open_low=True)
        require_guards(self)

    def init(self, feature_dim: int) -> AutoTDIDBDState:
        require_count("AutoTDIDBD.init", "feature_dim", feature_dim)
        return self._initial(int(feature_dim))

    @compiled_by_itself
    def _initial(self, feature_dim: int) -> AutoTDIDBDState:
        beta, zeros = start_values(self.initial_step_size, feature_dim)
        zero, one = jnp.zeros((), jnp.float32), jnp.ones((), jnp.float32)
        return AutoTDIDBDState(zeros + beta, zeros, zeros, zeros + 1.0, beta, zero, zero, one, one)

    @compiled_by_itself
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
        one, bias_u = f32(1.0), g - 1.0
        old_z, old_bias_z = state.eligibility_traces, state.bias_eligibility_trace
        h, bias_h = state.h_traces, state.bias_h_trace
        beta, eta = self._adapted(delta, x, u, state.log_step_sizes, old_z, h, state.normalizers)
        bias = state.bias_log_step_size, old_bias_z, bias_h, state.bias_normalizer
        bias_beta, bias_eta = self._adapted(delta, one, bias_u, *bias)
        z, bias_z = decay * old_z + x, decay * old_bias_z + one
        published = -u * old_z, -bias_u * old_bias_z
        if self.max_effective_step is None:
            (beta,) = self._bounded((beta,), [published[:1]])
            (bias_beta,) = self._bounded((bias_beta,), [published[1:]])
        else:
            limit = f32(self.max_effective_step)
            taken = td_measures((x, one), (z, bias_z), (u, bias_u))
            taken = [[m / limit for m in measure] for measure in taken]
            beta, bias_beta = self._bounded((beta, bias_beta), [published, *taken])
        alpha, bias_alpha = jnp.exp(beta), jnp.exp(bias_beta)
        dw, db = alpha * delta * z, bias_alpha * delta * bias_z
        h = h * jnp.maximum(0.0, 1.0 + alpha * u * z) + dw
        bias_h = bias_h * jnp.maximum(0.0, 1.0 + bias_alpha * bias_u * bias_z) + db
        state = AutoTDIDBDState(beta, z, h, eta, bias_beta, bias_z, bias_h, bias_eta, g)
        metrics = spread(alpha) | {
            "mean_eligibility_trace": jnp.mean(jnp.abs(z)),
            "mean_normalizer": jnp.mean(eta),
        }
        return TDOptimizerUpdate(dw, db, state, metrics)

    @compiled_by_itself
    def reset_traces(self, state: AutoTDIDBDState) -> AutoTDIDBDState:
        return without_eligibility(state)

    def _step_sizes(self, state: AutoTDIDBDState) -> Float[Array, " features"]:
        return jnp.exp(state.log_step_sizes)

    def _adapted(self, delta, x, u, beta, z, h, eta):
        """The log step sizes before their bound, and the normalizers."""
        theta, tau = f32(self.meta_step_size), f32(self.normalizer_decay)
        averaged = eta - (1.0 / tau) * jnp.exp(beta) * u * z * (jnp.abs(delta * x * h) - eta)
        eta = jnp.maximum(jnp.maximum(jnp.abs(delta * u * h), averaged), 1e-8)
        return beta - theta * delta * u * h / eta, eta

    def _bounded(self, betas, measures):
        low, high = f32(self.min_log_step_size), f32(self.max_log_step_size)
        return bounded_logs(betas, measures, low, high, f32(1.0))


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
