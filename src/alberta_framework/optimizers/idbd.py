"""IDBD: a step size per weight, learned while the weights are learned."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32, scalar
from ..components.ranges import (
    require_choice,
    require_count,
    require_range,
    require_same_shape,
    require_shape,
)
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from .abstract import AbstractOptimizer, OptimizerUpdate
from .effective_step import bounded_logs, excess, limited_change, log_floor, require_guards
from .log_step_sizes import require_log_bounds, spread


class IDBDState(AbstractState):
    """Log step sizes and traces of a weight vector; the bias keeps its step size itself."""

    log_step_sizes: Float[Array, " features"]
    traces: Float[Array, " features"]
    bias_step_size: Float[Array, ""]
    bias_trace: Float[Array, ""]

    @property
    def feature_dim(self) -> int:
        return self.traces.shape[-1]


class IDBDParamState(AbstractState):
    """Log step sizes and traces of one tensor."""

    log_step_sizes: Float[Array, "..."]
    traces: Float[Array, "..."]


class IDBD(AbstractOptimizer[IDBDState]):
    r"""Raises the step size of a weight while its updates agree, lowers it while they alternate.

    For features x [d], error e and meta step size theta, in this order:

        beta_i  <- clip(beta_i + theta e x_i h_i, lo, hi),   alpha_i = exp(beta_i)
        dw_i     = alpha_i e x_i
        h_i     <- h_i max(0, 1 - alpha_i x_i^2) + dw_i

    alpha is per squared feature unit, theta per squared target unit: scale them with the data.
    Nothing bounds a step: where theta is large for the target, one large error raises every step
    size, the next update overshoots, its error is larger still, and within tens of steps the
    learner is beyond the range of float32. So the published algorithm is for data whose scale you
    know. Where you do not, guard it, or take `Autostep`, or normalize the targets:

        beta_i changes by at most `max_log_step_change` in a step
        M       = max((sum_i alpha_i x_i^2 + alpha_bias) / `max_effective_step`, 1)
        alpha_i <- alpha_i / M,   alpha_bias <- alpha_bias / M

    The divided step sizes are used and kept, as in `Autostep`: the state tells the step sizes in
    effect, and they do not go on growing behind a bound. The floor `lo` comes before the
    bound, lowered where it alone would break it, as in `Autostep`; the cap `hi` after it.
    The bias is a weight on the constant feature 1 whose step size (not its log) is clipped to
    [1e-6, 1].

    On a tensor with gradient z of the prediction and error e, x is replaced by z; the step is
    alpha z, without the error. With `error=None`, z holds the error already.

    Source: Sutton (1992), Adapting Bias by Gradient Descent: An Incremental Version of
    Delta-Bar-Delta, figure 2. The clip of beta is not in the figure; the text advises to keep it
    above -10, and to limit its change to 2 in a step. `max_effective_step` is not in the paper.

    **Arguments:**

    - `initial_step_size` > 0, default 0.01.
    - `meta_step_size` >= 0, default 0.01; 0 keeps every step size.
    - `h_decay_mode`: decay the trace of a tensor by alpha z^2 (`"prediction_grads"`, default) or by
      alpha (e z)^2 (`"loss_grads"`); without effect on the linear path.
    - `param_meta`: `"error"` (default) uses the error in the tensor path as above;
      `"prediction"` leaves it out of beta and turns its sign in h, as the reference implementation
      does, which raises step sizes for errors of one sign and lowers them for the other.
    - `min_log_step_size` < `max_log_step_size`: the clip of beta, default [-10, 2].
    - `max_effective_step` > 0, default none: the bound of sum(alpha x^2) with the bias (of a
      tensor: of all its elements), at 1 an update never overshoots; 0.5 is a good choice.
    - `max_log_step_change` > 0, default none; the paper advises 2.
    """

    initial_step_size: Hyperparameter = 0.01
    meta_step_size: Hyperparameter = 0.01
    h_decay_mode: str = eqx.field(
        static=True, default="prediction_grads", metadata={"config": "omit_default"}
    )
    param_meta: str = eqx.field(static=True, default="error", metadata={"config": "omit_default"})
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

    _judged: ClassVar = ("traces",)

    def __check_init__(self):
        require_range(self, "initial_step_size", 0.0, open_low=True)
        require_range(self, "meta_step_size", 0.0)
        modes = ("prediction_grads", "loss_grads")
        if self.h_decay_mode not in modes:
            raise ValueError(
                f"Invalid h_decay_mode: {self.h_decay_mode!r}. Must be one of {modes}."
            )
        require_choice("IDBD", "param_meta", self.param_meta, ("error", "prediction"))
        require_log_bounds(self)
        require_guards(self)

    def init(self, feature_dim: int) -> IDBDState:
        require_count("IDBD.init", "feature_dim", feature_dim)
        return self._initial(int(feature_dim))

    @compiled_by_itself
    def _initial(self, feature_dim: int) -> IDBDState:
        weights = self.init_for_shape((feature_dim,))
        bias = f32(self.initial_step_size)
        return IDBDState(weights.log_step_sizes, weights.traces, bias, jnp.zeros((), jnp.float32))

    @compiled_by_itself
    def update(
        self,
        state: IDBDState,
        error: ScalarLike,
        observation: Real[ArrayLike, "{state.feature_dim}"],
    ) -> OptimizerUpdate:
        theta, e, x, h = f32(self.meta_step_size), scalar(error), f32(observation), state.traces
        g = state.bias_trace
        # exp may overflow to infinity; the clip makes it 1.
        growth = jnp.exp(limited_change(theta * e * g, self.max_log_step_change))
        bias_alpha = jnp.clip(state.bias_step_size * growth, 1e-6, 1.0)
        beta = state.log_step_sizes + limited_change(theta * e * x * h, self.max_log_step_change)
        low, high = f32(self.min_log_step_size), f32(self.max_log_step_size)
        if self.max_effective_step is None:
            beta = jnp.clip(beta, low, high)
        else:
            measures, limit = [(x**2, f32(1.0))], f32(self.max_effective_step)
            beta = jnp.maximum(beta, log_floor(low, measures, limit))
            overshoot = excess((jnp.exp(beta), bias_alpha), measures, limit)
            beta = jnp.minimum(beta - jnp.log(overshoot), high)
            bias_alpha = bias_alpha / overshoot
        alpha = jnp.exp(beta)
        dw = alpha * e * x
        h = h * jnp.maximum(0.0, 1.0 - alpha * x**2) + dw
        db = bias_alpha * e
        g = g * jnp.maximum(0.0, 1.0 - bias_alpha) + db
        return OptimizerUpdate(dw, db, IDBDState(beta, h, bias_alpha, g), spread(alpha))

    def init_for_shape(self, shape: tuple[int, ...]) -> IDBDParamState:
        require_shape("IDBD.init_for_shape", shape)
        return self._initial_of(tuple(int(size) for size in shape))

    @compiled_by_itself
    def _initial_of(self, shape: tuple[int, ...]) -> IDBDParamState:
        zeros = jnp.zeros(shape, jnp.float32)
        return IDBDParamState(zeros + jnp.log(f32(self.initial_step_size)), zeros)

    @compiled_by_itself
    def update_from_gradient(
        self,
        state: IDBDParamState,
        gradient: Real[ArrayLike, "..."],
        error: ScalarLike | None = None,
    ) -> tuple[Float[Array, "..."], IDBDParamState]:
        theta, z, h = f32(self.meta_step_size), f32(gradient), state.traces
        require_same_shape("IDBD.update_from_gradient", "gradient", z, h)
        e = f32(1.0) if error is None else scalar(error)
        curvature = (e * z) ** 2 if self.h_decay_mode == "loss_grads" else z**2
        # The sensitivity of the tensor to beta grows by d z; the meta gradient is d z h.
        if self.param_meta == "error" or error is None:
            meta_gradient, growth = e * z * h, e * z
        else:
            meta_gradient, growth = z * h, -e * z
        change = limited_change(theta * meta_gradient, self.max_log_step_change)
        low, high = f32(self.min_log_step_size), f32(self.max_log_step_size)
        limit = None if self.max_effective_step is None else f32(self.max_effective_step)
        (beta,) = bounded_logs((state.log_step_sizes + change,), [(z**2,)], low, high, limit)
        alpha = jnp.exp(beta)
        h = h * jnp.maximum(0.0, 1.0 - alpha * curvature) + alpha * growth
        return alpha * z, IDBDParamState(beta, h)

    @compiled_by_itself
    def step_sizes(self, state: IDBDState | IDBDParamState) -> Float[Array, "..."]:
        return jnp.exp(state.log_step_sizes)

    @compiled_by_itself
    def bias_step_size(self, state: IDBDState) -> Float[Array, ""]:
        return state.bias_step_size


def create_idbd_state(
    feature_dim: int,
    initial_step_size: Hyperparameter = 0.01,
    meta_step_size: Hyperparameter = 0.01,
) -> IDBDState:
    """`IDBD(initial_step_size, meta_step_size).init(feature_dim)`.

    `meta_step_size` is validated and not stored: it acts in updates, from the optimizer.
    """
    return IDBD(initial_step_size, meta_step_size).init(feature_dim)
