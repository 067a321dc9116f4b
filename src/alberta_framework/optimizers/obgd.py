"""ObGD: gradient descent with traces whose step cannot overshoot its target."""

from typing import NoReturn

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32, scalar
from ..components.ranges import require_count, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from .abstract import AbstractOptimizer, OptimizerUpdate


class ObGDState(AbstractState):
    """Eligibility traces of a weight vector and its bias."""

    traces: Float[Array, " features"]
    bias_trace: Float[Array, ""]

    @property
    def feature_dim(self) -> int:
        return self.traces.shape[-1]


class ObGD(AbstractOptimizer[ObGDState]):
    r"""Overshooting-bounded gradient descent: shrinks a step that would overshoot its target.

    For features x [d] and error e:

        z      <- gamma lamda z + x
        M       = alpha kappa max(|e|, 1) (|z|_1 + |z_bias|)
        alpha'  = alpha / max(M, 1)
        dw      = alpha' e z,   db = alpha' e z_bias

    With gamma lamda = 0 it is LMS with a bounded step. For networks use `LMS` with `ObGDBounding`.

    Source: Elsayed, Vasan and Mahmood (2024), Streaming Deep Reinforcement Learning Finally Works,
    arXiv:2410.14606. Traces are not cut here at the end of an episode.

    **Arguments:** `step_size` >= 0, default 1; `kappa` >= 0, default 2 (0 never bounds);
    `gamma`, `lamda` in [0, 1], default 0.
    """

    step_size: Hyperparameter = 1.0
    kappa: Hyperparameter = 2.0
    gamma: Hyperparameter = 0.0
    lamda: Hyperparameter = 0.0

    def __check_init__(self):
        require_range(self, "step_size", 0.0)
        require_range(self, "kappa", 0.0)
        require_range(self, "gamma", 0.0, 1.0)
        require_range(self, "lamda", 0.0, 1.0)

    def init(self, feature_dim: int) -> ObGDState:
        require_count("ObGD.init", "feature_dim", feature_dim)
        return self._initial(int(feature_dim))

    @compiled_by_itself
    def _initial(self, feature_dim: int) -> ObGDState:
        return ObGDState(jnp.zeros(feature_dim, jnp.float32), jnp.zeros((), jnp.float32))

    @compiled_by_itself
    def update(
        self,
        state: ObGDState,
        error: ScalarLike,
        observation: Real[ArrayLike, "{state.feature_dim}"],
    ) -> OptimizerUpdate:
        alpha, e, x = f32(self.step_size), scalar(error), f32(observation)
        decay = f32(self.gamma) * f32(self.lamda)
        z, z_bias = decay * state.traces + x, decay * state.bias_trace + 1.0
        size = jnp.sum(jnp.abs(z)) + jnp.abs(z_bias)
        bound = alpha * f32(self.kappa) * jnp.maximum(jnp.abs(e), 1.0) * size
        effective = alpha / jnp.maximum(bound, 1.0)
        metrics = {
            "step_size": alpha,
            "effective_step_size": effective,
            "bounding_factor": bound,
            "mean_step_size": effective,
        }
        return OptimizerUpdate(
            effective * e * z, effective * e * z_bias, ObGDState(z, z_bias), metrics
        )

    def init_for_shape(self, shape: tuple[int, ...]) -> NoReturn:
        """**Raises:** `NotImplementedError`: its bound spans all tensors of a network."""
        raise NotImplementedError(
            "ObGD has no per-parameter path; use LMS with ObGDBounding for networks."
        )

    def update_from_gradient(self, state, gradient, error=None) -> NoReturn:
        """**Raises:** `NotImplementedError`: its bound spans all tensors of a network."""
        raise NotImplementedError(
            "ObGD has no per-parameter path; use LMS with ObGDBounding for networks."
        )

    @compiled_by_itself
    def step_sizes(self, state: ObGDState) -> Float[Array, ""]:
        """The step size before it is bounded, which depends on the error."""
        return f32(self.step_size)

    @compiled_by_itself
    def bias_step_size(self, state: ObGDState) -> Float[Array, ""]:
        return f32(self.step_size)


def create_obgd_state(
    feature_dim: int,
    step_size: Hyperparameter = 1.0,
    kappa: Hyperparameter = 2.0,
    gamma: Hyperparameter = 0.0,
    lamda: Hyperparameter = 0.0,
) -> ObGDState:
    """`ObGD(...).init(feature_dim)`; the hyperparameters are validated and not stored."""
    return ObGD(step_size, kappa, gamma, lamda).init(feature_dim)
