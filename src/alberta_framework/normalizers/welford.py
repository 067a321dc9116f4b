"""Normalization by the mean and variance of everything seen."""

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


class WelfordNormalizerState(AbstractNormalizerState):
    """Two-float mean and sample variance; var is 1 before the second sample."""

    mean: Float[Array, " features"]
    var: Float[Array, " features"]
    sample_count: Int[Array, ""]
    mean_residual: Float[Array, " features"]
    var_residual: Float[Array, " features"]

    @property
    def p(self) -> Float[Array, " features"]:
        """The sum of squared deviations, var (n - 1); 0 before the second sample."""
        n = f32(self.sample_count)[..., None]
        return jnp.where(n >= 2.0, self.var * (n - 1.0), 0.0)


def no_samples(feature_dim: int) -> WelfordNormalizerState:
    """The statistics of nothing."""
    zeros = jnp.zeros(feature_dim, jnp.float32)
    return WelfordNormalizerState(
        mean=zeros,
        var=zeros + 1.0,
        sample_count=jnp.zeros((), jnp.int32),
        mean_residual=zeros,
        var_residual=zeros,
    )


def with_sample(
    state: WelfordNormalizerState,
    sample: Float[Array, " features"],
    memory: Hyperparameter | None = None,
) -> WelfordNormalizerState:
    """The statistics with one more sample; `WelfordNormalizer` has the equations."""
    n = next_count(state.sample_count)
    count = f32(n) if memory is None else jnp.minimum(f32(n), f32(memory))
    dx = (sample - state.mean) - state.mean_residual
    step = dx / count
    mean, mean_residual = compensated_add(state.mean, state.mean_residual, step)
    q = dx * (dx - step)
    # One use of q alone: whether XLA rounds a product before it is added depends on its uses.
    var, var_residual = (
        jnp.where(n <= 2, 0.0, state.var),
        jnp.where(n <= 2, 0.0, state.var_residual),
    )
    gain = ((q - var) - var_residual) / jnp.maximum(count - 1.0, 1.0)
    var, var_residual = compensated_add(var, var_residual, gain)
    var = jnp.where(n == 1, 1.0, var)
    return WelfordNormalizerState(
        mean=mean,
        var=var,
        sample_count=n,
        mean_residual=mean_residual,
        var_residual=var_residual,
    )


class WelfordNormalizer(AbstractNormalizer[WelfordNormalizerState]):
    r"""Normalizes by the mean and the sample variance of all observations so far.

    For the n-th observation x, with dx = x - mean and q = dx (dx - dx / n):

        mean <- mean + dx / n
        var  <- var + (q - var) / (n - 1)     (1 at n = 1, q at n = 2)
        y     = (x - mean) / (sqrt(var) + epsilon)

    which is Welford's recursion for the variance with Bessel's correction. Mean and variance carry
    residuals below one ulp and the count is an integer, so they stay correct after 1e9 samples;
    from 2^31 - 1 samples on it is an average over about as many. A feature that never changes
    gives 0.

    With a `memory` n is at most that: from so many samples on earlier ones are slowly forgotten,
    as by an `EMANormalizer` with decay 1 - 1 / memory, but without start values that count.

    Source: Welford (1962), Note on a Method for Calculating Corrected Sums of Squares and Products.

    **Arguments:** `epsilon` > 0, default 1e-8, added to the standard deviation; `memory` >= 2,
    keyword only: default none, all samples weigh alike for good.
    """

    epsilon: Hyperparameter = 1e-8
    predict_with: str = eqx.field(
        static=True, default="included", metadata={"config": "omit_default", "resume": "free"}
    )
    clip: Hyperparameter | None = eqx.field(default=None, metadata={"config": "omit_default"})
    memory: Hyperparameter | None = eqx.field(
        default=None, kw_only=True, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_normalizer_fields(self)
        if self.memory is not None:
            require_range(self, "memory", 2.0)

    def init(self, feature_dim: int) -> WelfordNormalizerState:
        require_count("WelfordNormalizer.init", "feature_dim", feature_dim)
        return self._initial(int(feature_dim))

    @compiled_by_itself
    def _initial(self, feature_dim: int) -> WelfordNormalizerState:
        return no_samples(feature_dim)

    def advanced(
        self, state: WelfordNormalizerState, observation: Float[Array, " features"]
    ) -> WelfordNormalizerState:
        return with_sample(state, observation, self.memory)
