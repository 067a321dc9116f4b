"""The time since an episode began, as a feature."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from ..components.numbers import f32
from ..components.ranges import require_steps
from ..components.types import Hyperparameter
from ..normalizers import next_count
from .abstract import AbstractFeatures
from .percept import Percept


class TimeFeature(AbstractFeatures[Int[Array, ""]]):
    """Appends -1/2 + k / limit to the observation, k steps after the reset.

    It runs from -1/2 to 1/2 in an episode that is cut after `limit` steps, and on where none is.
    An agent that sees it can tell the end of an episode coming. The state is k; it stays at
    2^31 - 1, should an episode be that long.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606; there k is 0 once more at the first
    step after a reset.

    **Arguments:** `limit`: steps of the longest episode, an integer in [1, 2^31).
    """

    limit: Hyperparameter = eqx.field(metadata={"counts_steps": True})

    def __check_init__(self):
        require_steps(self, "limit")

    def feature_dim_of(self, observation_dim: int) -> int:
        return observation_dim + 1

    def init(self, observation_dim: int) -> Int[Array, ""]:
        del observation_dim
        return jnp.zeros((), jnp.int32)

    def see(self, state: Int[Array, ""], percept: Percept) -> tuple[Percept, Int[Array, ""]]:
        k = jnp.where(percept.first, 0, next_count(state))
        time = f32(k) / f32(self.limit) - 0.5
        return percept.replace(observation=jnp.append(percept.observation, time)), k
