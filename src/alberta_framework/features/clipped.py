"""Observations within bounds."""

import jax.numpy as jnp

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.types import Hyperparameter
from .abstract import AbstractFeatures
from .percept import Percept


class Clipped(AbstractFeatures[None]):
    """Every number of the observation brought into [-limit, limit].

    After a normalizer it bounds what a rare event makes of a number that hardly ever moves, and so
    the step of a learner with a fixed step size.

    **Arguments:** `limit` > 0, default 5.0.
    """

    limit: Hyperparameter = 5.0

    def __check_init__(self):
        require_range(self, "limit", 0.0, open_low=True)

    def feature_dim_of(self, observation_dim: int) -> int:
        return observation_dim

    def init(self, observation_dim: int) -> None:
        """Nothing is carried along."""
        del observation_dim

    def see(self, state: None, percept: Percept) -> tuple[Percept, None]:
        x, limit = percept.observation, f32(self.limit)
        # An infinity stays one, so that the step is rejected.
        clipped = jnp.where(jnp.isfinite(x), jnp.clip(x, -limit, limit), x)
        return percept.replace(observation=clipped), state
