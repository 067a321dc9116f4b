"""Tile coding of every number of an observation by itself."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..components.numbers import f32, is_traced
from ..components.ranges import require_count, require_range
from ..components.types import Hyperparameter
from .abstract import AbstractFeatures
from .percept import Percept


class TilesOfEach(AbstractFeatures[None]):
    r"""Lays `tilings` displaced grids over each number of an observation: sparse binary features.

    The number x_j falls in tiling i = 0 .. tilings - 1 into the place

        c_ij = floor(tiles (x_j - low) / (high - low) + i / tilings)

    of tiles + 1, whose feature is 1: `tilings` ones for each number, d tilings in all. A step size
    of alpha / (d tilings) moves a prediction by alpha of its error. Numbers outside [low, high] are
    clipped; a NaN or infinity makes all features NaN, so that a learner rejects the step.
    `TileCoder` lays its grids over all dimensions at once, which takes exponentially many tiles.

    **Arguments:** `low` < `high`: bounds of every number, default -3 and 3, for normalized ones;
    `tilings` >= 1, default 4; `tiles` >= 1 across [low, high], default 8.
    """

    low: Hyperparameter = -3.0
    high: Hyperparameter = 3.0
    tilings: int = eqx.field(static=True, default=4)
    tiles: int = eqx.field(static=True, default=8)

    def __check_init__(self):
        require_range(self, "low")
        require_range(self, "high")
        if not (is_traced(self.low) or is_traced(self.high)) and not np.all(
            np.less(self.low, self.high)
        ):
            raise ValueError(
                f"TilesOfEach: `low` must be below `high`, got {self.low} and {self.high}."
            )
        require_count("TilesOfEach", "tilings", self.tilings)
        require_count("TilesOfEach", "tiles", self.tiles)

    def feature_dim_of(self, observation_dim: int) -> int:
        return observation_dim * self.tilings * (self.tiles + 1)

    def init(self, observation_dim: int) -> None:
        """Nothing is carried along."""
        require_count("TilesOfEach.init", "observation_dim", observation_dim)

    def see(self, state: None, percept: Percept) -> tuple[Percept, None]:
        x, low, high = percept.observation, f32(self.low), f32(self.high)
        share = jnp.clip((x - low) / (high - low), 0.0, 1.0)
        displaced = np.arange(self.tilings, dtype=np.float32) / np.float32(self.tilings)
        along = self.tiles * share[:, None] + displaced[None]
        places = np.arange(self.tiles + 1, dtype=np.float32)
        # The sum may round up to the next tile, past the last one.
        coordinates = jnp.minimum(jnp.floor(along), np.float32(self.tiles))
        ones = f32(coordinates[..., None] == places[None, None]).reshape(-1)
        features = jnp.where(jnp.all(jnp.isfinite(x)), ones, jnp.nan)
        return percept.replace(observation=features), state
