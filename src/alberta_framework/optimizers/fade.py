"""FADE: a step size and a rate of forgetting per weight, both learned."""

from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32, scalar
from ..components.ranges import (
    require_at_most,
    require_count,
    require_range,
    require_same_shape,
    require_shape,
)
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from .abstract import AbstractOptimizer, OptimizerUpdate
from .log_step_sizes import spread


class FADEState(AbstractState):
    """Log step sizes, log decay rates, and the derivatives of the weights with respect to them."""

    log_step_sizes: Float[Array, " features"]
    log_decays: Float[Array, " features"]
    traces: Float[Array, " features"]
    decay_traces: Float[Array, " features"]
    bias_log_step_size: Float[Array, ""]
    bias_log_decay: Float[Array, ""]
    bias_trace: Float[Array, ""]
    bias_decay_trace: Float[Array, ""]

    @property
    def feature_dim(self) -> int:
        return self.traces.shape[-1]


class FADEParamState(AbstractState):
    """The same of one tensor."""

    log_step_sizes: Float[Array, "..."]
    log_decays: Float[Array, "..."]
    traces: Float[Array, "..."]
    decay_traces: Float[Array, "..."]


class FADE(AbstractOptimizer[FADEState]):
    r"""IDBD whose weights also decay, each at a rate of its own that is learned as step sizes are.

    For weights w [d], features x [d], error e, meta step sizes theta_a and theta_d, in this order:

        beta_i <- beta_i + theta_a e x_i h_i,                       alpha_i = exp(beta_i)
        c_i    <- clip(c_i + theta_d e x_i s_i, log lo, log hi),    d_i     = exp(c_i)
        k_i     = max(1 - d_i - alpha_i x_i^2, 0)
        h_i    <- k_i h_i + alpha_i e x_i
        s_i    <- k_i s_i - d_i w_i
        w_i    <- (1 - d_i) w_i + alpha_i e x_i

    h and s are the derivatives of w with respect to beta and c, but for what weights do to each
    other. A weight whose target changes forgets at the rate at which it changes, an irrelevant one
    at once, and one that stays right not at all. `meta_step_size=0` is FADE with a fixed step,
    `decay_meta_step_size=0` IDBD with a fixed decay. Weights decay at every step, also where their
    feature is 0; a step that is rejected, or a target that is NaN, changes nothing.

    The gradient of c is proportional to d: an initial decay far below 0.01 hardly moves. But 0.1 is
    a memory of ten steps until c has moved, so start from 1e-3 where the weights were learned
    before. As with `IDBD`, nothing bounds a step, and nothing clips beta: it is for data whose
    scale you know. The bias is one more weight, on the constant feature 1.

    It must see the weights. `update` and `update_from_gradient` take them last, and learners show
    them; an update tells apart what is added and what is forgotten. On a tensor with gradient z of
    the prediction x is replaced by z, and e is 1 when none is given. As published, a network
    forgets in its output layer alone: `Hybrid(trunk=LMS(0.01), head=FADE())`, x being the features
    that the layers below it make. Eligibility traces are not taken.

    Source: Ramesh, Lewandowski and Schmidhuber (2026), arXiv:2604.27063, whose linear code has no
    upper clip of c and whose network code clips it to [-15, 0]; theirs are lambda and gamma for d
    and c.

    **Arguments:** `initial_step_size` > 0, default 0.05; `meta_step_size` >= 0, default 0.01;
    `decay_meta_step_size` >= 0, default 0.03; 0 < `min_decay` <= `initial_decay` <= `max_decay` <=
    1, default 3e-7, 0.1 and 1.
    """

    initial_step_size: Hyperparameter = 0.05
    meta_step_size: Hyperparameter = 0.01
    initial_decay: Hyperparameter = 0.1
    decay_meta_step_size: Hyperparameter = 0.03
    min_decay: Hyperparameter = 3e-7
    max_decay: Hyperparameter = 1.0

    takes_traces: ClassVar[bool] = False
    output_layer_alone: ClassVar[bool] = True
    # The log decays are clipped, and NaN only where what is forgotten is.
    _judged: ClassVar = ("log_step_sizes", "traces", "decay_traces")

    def __check_init__(self):
        require_range(self, "initial_step_size", 0.0, open_low=True)
        require_range(self, "meta_step_size", 0.0)
        require_range(self, "decay_meta_step_size", 0.0)
        for name in ("min_decay", "initial_decay", "max_decay"):
            require_range(self, name, 0.0, 1.0, open_low=True)
        require_at_most(self, "min_decay", "initial_decay")
        require_at_most(self, "initial_decay", "max_decay")

    def init(self, feature_dim: int) -> FADEState:
        require_count("FADE.init", "feature_dim", feature_dim)
        return self._initial(int(feature_dim))

    @compiled_by_itself
    def _initial(self, feature_dim: int) -> FADEState:
        w, b = self.init_for_shape((feature_dim,)), self.init_for_shape(())
        return _joined(w, b)

    @compiled_by_itself
    def update(
        self,
        state: FADEState,
        error: ScalarLike,
        observation: Real[ArrayLike, "{state.feature_dim}"],
        weights: Real[ArrayLike, "{state.feature_dim}"] | None = None,
        bias: ScalarLike | None = None,
    ) -> OptimizerUpdate:
        """The changes for `error` at `observation`, of these weights and this bias.

        **Raises:** `TypeError` without `weights` or `bias`.
        """
        if weights is None or bias is None:
            raise TypeError(_unseen("update", "weights, bias"))
        e, one = scalar(error), f32(1.0)
        of_weights, of_bias = _parted(state)
        dw, w = self._moved(of_weights, e, f32(observation), f32(weights))
        db, b = self._moved(of_bias, e, one, scalar(bias))
        alpha, d = jnp.exp(w.log_step_sizes), jnp.exp(w.log_decays)
        told = {"mean_decay": jnp.mean(d), "min_decay": jnp.min(d), "max_decay": jnp.max(d)}
        return OptimizerUpdate(
            weight_delta=e * dw,
            bias_delta=e * db,
            new_state=_joined(w, b),
            metrics=spread(alpha) | told,
            weight_forgotten=d * f32(weights),
            bias_forgotten=jnp.exp(b.log_decays) * scalar(bias),
        )

    def init_for_shape(self, shape: tuple[int, ...]) -> FADEParamState:
        require_shape("FADE.init_for_shape", shape)
        return self._initial_of(tuple(int(size) for size in shape))

    @compiled_by_itself
    def _initial_of(self, shape: tuple[int, ...]) -> FADEParamState:
        zeros = jnp.zeros(shape, jnp.float32)
        beta, c = jnp.log(f32(self.initial_step_size)), jnp.log(f32(self.initial_decay))
        return FADEParamState(zeros + beta, zeros + c, zeros, zeros)

    @compiled_by_itself
    def update_from_gradient(
        self,
        state: FADEParamState,
        gradient: Real[ArrayLike, "..."],
        error: ScalarLike | None = None,
        weights: Real[ArrayLike, "..."] | None = None,
    ) -> tuple[Float[Array, "..."], FADEParamState]:
        """The step, without the error and what is `forgotten`, and the new state.

        **Raises:** `TypeError` without `weights`.
        """
        if weights is None:
            raise TypeError(_unseen("update_from_gradient", "weights"))
        z, w = f32(gradient), f32(weights)
        require_same_shape("FADE.update_from_gradient", "gradient", z, state.traces)
        require_same_shape("FADE.update_from_gradient", "weights", w, state.traces)
        return self._moved(state, f32(1.0) if error is None else scalar(error), z, w)

    @compiled_by_itself
    def step_sizes(self, state: FADEState | FADEParamState) -> Float[Array, "..."]:
        return jnp.exp(state.log_step_sizes)

    @compiled_by_itself
    def bias_step_size(self, state: FADEState) -> Float[Array, ""]:
        return jnp.exp(state.bias_log_step_size)

    @compiled_by_itself
    def decay_rates(self, state: FADEState | FADEParamState) -> Float[Array, "..."]:
        """The share of every weight that a step forgets."""
        return jnp.exp(state.log_decays)

    def _change(self, state, error, observation, weights, bias) -> OptimizerUpdate:
        return self.update(state, error, observation, weights, bias)

    def _step_on(self, state, gradient, error, weights) -> tuple[Any, Any]:
        return self.update_from_gradient(state, gradient, error, weights)

    def _forgotten(self, state: Any, weights: Any) -> Float[Array, "..."]:
        return jnp.exp(state.log_decays) * f32(weights)

    def _judged_of(self, state: FADEState) -> Any:
        weights = state.log_step_sizes, state.traces, state.decay_traces
        return weights, (state.bias_log_step_size, state.bias_trace, state.bias_decay_trace)

    def _moved(self, state: FADEParamState, e: Array, x: Array, w: Array) -> tuple:
        """The step, without the error, and the new state."""
        gradient = e * x
        beta = state.log_step_sizes + f32(self.meta_step_size) * gradient * state.traces
        c = state.log_decays + f32(self.decay_meta_step_size) * gradient * state.decay_traces
        c = jnp.clip(c, jnp.log(f32(self.min_decay)), jnp.log(f32(self.max_decay)))
        alpha, d = jnp.exp(beta), jnp.exp(c)
        kept = jnp.maximum(1.0 - d - alpha * x**2, 0.0)
        h = kept * state.traces + alpha * gradient
        s = kept * state.decay_traces - d * w
        return alpha * x, FADEParamState(beta, c, h, s)


def _unseen(method: str, names: str) -> str:
    return (
        f"FADE.{method}: `{names}` must be given, for what is forgotten depends on them; "
        "learners show them by `change` and `step_on`."
    )


def _parted(state: FADEState) -> tuple[FADEParamState, FADEParamState]:
    """Of the weights, and of the bias."""
    return (
        FADEParamState(state.log_step_sizes, state.log_decays, state.traces, state.decay_traces),
        FADEParamState(
            state.bias_log_step_size,
            state.bias_log_decay,
            state.bias_trace,
            state.bias_decay_trace,
        ),
    )


def _joined(weights: FADEParamState, bias: FADEParamState) -> FADEState:
    return FADEState(
        weights.log_step_sizes,
        weights.log_decays,
        weights.traces,
        weights.decay_traces,
        bias.log_step_sizes,
        bias.log_decays,
        bias.traces,
        bias.decay_traces,
    )
