"""Exponentially weighted normalization, for features whose scale drifts."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import compensated_add, f32
from ..components.ranges import require_count, require_range
from ..components.types import Hyperparameter
from .abstract import (
    AbstractNormalizer,
    AbstractNormalizerState,
    next_count,
    require_normalizer_fields,
)


class EMANormalizerState(AbstractNormalizerState):
    """Two-float exponentially weighted mean and variance."""

    mean: Float[Array, " features"]
    var: Float[Array, " features"]
    sample_count: Int[Array, ""]
    mean_residual: Float[Array, " features"]
    var_residual: Float[Array, " features"]


class EMANormalizer(AbstractNormalizer[EMANormalizerState]):
    r"""Normalizes by an exponentially weighted mean and variance.

    For the n-th observation x, from mean 0 and variance 1:

        r     = max(1 - decay, 1 / (n + 1)),   dx = x - mean
        mean <- mean + r dx
        var  <- max((1 - r) (var + r dx^2), epsilon)
        y     = (x - mean) / (sqrt(var) + epsilon)

    The start values count as one sample; `decay=1` is the plain running average with it. The
    recursion is evaluated with residuals below one ulp, since float32 sums stop taking in small
    increments: with mean/std = 1e4 and decay 0.9999 plain float32 is off by 90% after 1e6 samples.

    **Arguments:** `epsilon` > 0, default 1e-8: floor of the variance, and added to the standard
    deviation; `decay` in [0, 1], default 0.99.
    """

    epsilon: Hyperparameter = 1e-8
    decay: Hyperparameter = 0.99
    predict_with: str = eqx.field(
        static=True, default="included", metadata={"config": "omit_default", "resume": "free"}
    )
    clip: Hyperparameter | None = eqx.field(default=None, metadata={"config": "omit_default"})

    def __check_init__(self):
        require_normalizer_fields(self)
        require_range(self, "decay", 0.0, 1.0)

    def init(self, feature_dim: int) -> EMANormalizerState:
        require_count("EMANormalizer.init", "feature_dim", feature_dim)
        return self._initial(int(feature_dim))

    @compiled_by_itself
    def _initial(self, feature_dim: int) -> EMANormalizerState:
        zeros = jnp.zeros(feature_dim, jnp.float32)
        return EMANormalizerState(
            mean=zeros,
            var=zeros + 1.0,
            sample_count=jnp.zeros((), jnp.int32),
            mean_residual=zeros,
            var_residual=zeros,
        )

    def advanced(
        self, state: EMANormalizerState, observation: Float[Array, " features"]
    ) -> EMANormalizerState:
        n, epsilon = next_count(state.sample_count), f32(self.epsilon)
        r = jnp.maximum(1.0 - f32(self.decay), 1.0 / (f32(n) + 1.0))
        dx = (observation - state.mean) - state.mean_residual
        mean, mean_residual = compensated_add(state.mean, state.mean_residual, r * dx)
        gain = r * (((1.0 - r) * dx**2 - state.var) - state.var_residual)
        var, var_residual = compensated_add(state.var, state.var_residual, gain)
        floored = var < epsilon
        var, var_residual = (
            jnp.where(floored, epsilon, var),
            jnp.where(floored, 0.0, var_residual),
        )
        return EMANormalizerState(
            mean=mean,
            var=var,
            sample_count=n,
            mean_residual=mean_residual,
            var_residual=var_residual,
        )
