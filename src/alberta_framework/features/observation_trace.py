"""A fading memory of the observations of an episode."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..components.numbers import compensated_add, f32
from ..components.ranges import require_count, require_range
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from .abstract import AbstractFeatures
from .percept import Percept


class ObservationTraceState(AbstractState):
    """The mean `trace + residual`, and the weight beta^k that its start still has."""

    trace: Float[Array, " observation"]
    residual: Float[Array, " observation"]
    weight_of_start: Float[Array, ""]


class ObservationTrace(AbstractFeatures[ObservationTraceState]):
    r"""The exponentially weighted mean of the observations since the reset.

    For the k-th observation x of an episode, k = 1, 2, ..., from m = 0:

        m <- beta m + (1 - beta) x,   y = m / (1 - beta^k),

    so the first y is x, and a constant observation gives itself. Evaluated as
    y <- y + (1 - beta) / (1 - beta^k) (x - y) with a residual below one ulp.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606, for predictions by StreamTD.

    **Arguments:** `beta` in [0, 1), default 0.999: a memory of about 1 / (1 - beta) steps.
    """

    beta: Hyperparameter = 0.999

    def __check_init__(self):
        require_range(self, "beta", 0.0, 1.0, open_high=True)

    def feature_dim_of(self, observation_dim: int) -> int:
        return observation_dim

    def init(self, observation_dim: int) -> ObservationTraceState:
        require_count("ObservationTrace.init", "observation_dim", observation_dim)
        zeros = jnp.zeros(observation_dim, jnp.float32)
        return ObservationTraceState(zeros, zeros, jnp.ones((), jnp.float32))

    def see(
        self, state: ObservationTraceState, percept: Percept
    ) -> tuple[Percept, ObservationTraceState]:
        x, first, beta = percept.observation, percept.first, f32(self.beta)
        y, residual = jnp.where(first, 0.0, state.trace), jnp.where(first, 0.0, state.residual)
        left = beta * jnp.where(first, 1.0, state.weight_of_start)
        gain = (1.0 - beta) / (1.0 - left)
        y, residual = compensated_add(y, residual, gain * ((x - y) - residual))
        return percept.replace(observation=y), ObservationTraceState(y, residual, left)
