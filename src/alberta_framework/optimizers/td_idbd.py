"""TIDBD: IDBD for temporal-difference learning with eligibility traces."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32, scalar
from ..components.ranges import require_choice, require_count, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from .abstract import AbstractTDOptimizer, TDOptimizerUpdate
from .effective_step import bounded_logs, limited_change, require_guards
from .log_step_sizes import require_log_bounds, spread


class TDIDBDState(AbstractState):
    """Log step sizes, eligibility and h traces of a weight vector and its bias."""

    log_step_sizes: Float[Array, " features"]
    eligibility_traces: Float[Array, " features"]
    h_traces: Float[Array, " features"]
    bias_log_step_size: Float[Array, ""]
    bias_eligibility_trace: Float[Array, ""]
    bias_h_trace: Float[Array, ""]
    previous_gamma: Float[Array, ""]

    @property
    def feature_dim(self) -> int:
        return self.eligibility_traces.shape[-1]


class TDIDBD(AbstractTDOptimizer[TDIDBDState]):
    r"""Learns a step size per weight of a linear value function while it learns the values.

    For features x [d], next features x', TD error delta, discount gamma of this transition,
    u = gamma x' - x and meta step size theta, in this order:

        semi-gradient:      beta_i <- clip(beta_i + theta delta x_i h_i, lo, hi)
        ordinary gradient:  beta_i <- clip(beta_i - theta delta u_i h_i, lo, hi)
        alpha_i = exp(beta_i)
        z_i    <- gamma_z lamda z_i + x_i
        dw_i    = alpha_i delta z_i
        semi-gradient:      h_i <- h_i max(0, 1 - alpha_i x_i z_i) + dw_i
        ordinary gradient:  h_i <- h_i max(0, 1 + alpha_i z_i u_i) + dw_i

    gamma_z is the discount of the transition into the current state (1 before the first), so a
    terminal reward still reaches the states before it (Sutton and Barto, 2nd ed., eqs. 12.23 and
    12.25). The bias is a weight on the constant feature 1.

    Source: Kearney, Veeriah, Travnik, Pilarski and Sutton (2019), Learning Feature Relevance
    Through Step Size Adaptation in Temporal-Difference Learning, algorithms 3 and 4. The clip is
    not in the paper.

    **Arguments:**

    - `initial_step_size` > 0, `meta_step_size` >= 0, default 0.01 each.
    - `trace_decay`: lamda in [0, 1], default 0.
    - `use_semi_gradient`: default True.
    - `trace_discount`: `"incoming"` (default) or, as the reference implementation, `"outgoing"`:
      gamma_z = gamma, which wipes the trace in the very update that carries a terminal reward.
    - `min_log_step_size` < `max_log_step_size`: the clip of beta, default [-10, 2].
    - `max_effective_step` > 0, `max_log_step_change` > 0: as `IDBD`, default none; the effective
      step is the largest of sum(alpha x^2), sum(alpha x z) and -sum(alpha u z), bias included.
    """

    initial_step_size: Hyperparameter = 0.01
    meta_step_size: Hyperparameter = 0.01
    trace_decay: Hyperparameter = 0.0
    use_semi_gradient: bool = eqx.field(static=True, default=True)
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
    max_log_step_change: Hyperparameter | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_td_fields(self)
        require_guards(self)
        require_choice("TDIDBD", "use_semi_gradient", self.use_semi_gradient, (True, False))

    def init(self, feature_dim: int) -> TDIDBDState:
        require_count("TDIDBD.init", "feature_dim", feature_dim)
        return self._initial(int(feature_dim))

    @compiled_by_itself
    def _initial(self, feature_dim: int) -> TDIDBDState:
        beta, zeros = start_values(self.initial_step_size, feature_dim)
        zero = jnp.zeros((), jnp.float32)
        return TDIDBDState(zeros + beta, zeros, zeros, beta, zero, zero, f32(1.0))

    @compiled_by_itself
    def update(
        self,
        state: TDIDBDState,
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
        h, bias_h = state.h_traces, state.bias_h_trace
        z = decay * state.eligibility_traces + x
        bias_z = decay * state.bias_eligibility_trace + one
        low, high = f32(self.min_log_step_size), f32(self.max_log_step_size)
        limit = None if self.max_effective_step is None else f32(self.max_effective_step)
        betas = (
            state.log_step_sizes + self._change(delta, x, u, h),
            state.bias_log_step_size + self._change(delta, one, bias_u, bias_h),
        )
        measures = td_measures((x, one), (z, bias_z), (u, bias_u))
        beta, bias_beta = bounded_logs(betas, measures, low, high, limit)
        alpha, bias_alpha = jnp.exp(beta), jnp.exp(bias_beta)
        dw, db = alpha * delta * z, bias_alpha * delta * bias_z
        h = h * self._kept(alpha, x, z, u) + dw
        bias_h = bias_h * self._kept(bias_alpha, one, bias_z, bias_u) + db
        state = TDIDBDState(beta, z, h, bias_beta, bias_z, bias_h, g)
        metrics = spread(alpha) | {"mean_eligibility_trace": jnp.mean(jnp.abs(z))}
        return TDOptimizerUpdate(dw, db, state, metrics)

    @compiled_by_itself
    def reset_traces(self, state: TDIDBDState) -> TDIDBDState:
        return without_eligibility(state)

    def _step_sizes(self, state: TDIDBDState) -> Float[Array, " features"]:
        return jnp.exp(state.log_step_sizes)

    def _change(self, delta, x, u, h):
        """Of the log step sizes."""
        meta_gradient = delta * x * h if self.use_semi_gradient else -(delta * u * h)
        return limited_change(f32(self.meta_step_size) * meta_gradient, self.max_log_step_change)

    def _kept(self, alpha, x, z, u):
        """The share of the h traces that a step leaves."""
        left = 1.0 - alpha * x * z if self.use_semi_gradient else 1.0 + alpha * z * u
        return jnp.maximum(0.0, left)


def require_td_fields(optimizer) -> None:
    """Validate the fields that the TD optimizers share."""
    require_range(optimizer, "initial_step_size", 0.0, open_low=True)
    require_range(optimizer, "meta_step_size", 0.0)
    require_range(optimizer, "trace_decay", 0.0, 1.0)
    discounts = ("incoming", "outgoing")
    require_choice(type(optimizer).__name__, "trace_discount", optimizer.trace_discount, discounts)
    require_log_bounds(optimizer)


def start_values(initial_step_size, feature_dim: int):
    """The log step size, and zeros [features]."""
    return jnp.log(f32(initial_step_size)), jnp.zeros(feature_dim, jnp.float32)


def feature_difference(g, next_x, x):
    """gamma x' - x, where a terminal transition ignores whatever x' holds."""
    return jnp.where(g == 0.0, 0.0, g * next_x) - x


def td_measures(x, z, u):
    """What the step of a TD update is measured by: each argument a pair, of weights and of bias.

    It changes the value at x by the TD error times sum(alpha x z), and the TD error itself by
    minus sum(alpha u z); sum(alpha x^2) is the change of the value by x alone, whatever the traces
    hold.
    """
    squares = [xi**2 for xi in x]
    of_value = [xi * zi for xi, zi in zip(x, z, strict=True)]
    of_error = [-ui * zi for ui, zi in zip(u, z, strict=True)]
    return [squares, of_value, of_error]


def trace_decay(optimizer, previous_gamma, gamma):
    """The factor of the old eligibility trace."""
    incoming = optimizer.trace_discount == "incoming"
    return (previous_gamma if incoming else gamma) * f32(optimizer.trace_decay)


def without_eligibility(state):
    """The state with its eligibility traces at 0."""
    return state.replace(
        eligibility_traces=jnp.zeros_like(state.eligibility_traces),
        bias_eligibility_trace=jnp.zeros_like(state.bias_eligibility_trace),
    )


def create_tdidbd_state(
    feature_dim: int,
    initial_step_size: Hyperparameter = 0.01,
    meta_step_size: Hyperparameter = 0.01,
    trace_decay: Hyperparameter = 0.0,
) -> TDIDBDState:
    """`TDIDBD(...).init(feature_dim)`; what acts only in updates is validated and not stored."""
    return TDIDBD(initial_step_size, meta_step_size, trace_decay).init(feature_dim)
