"""Tile coding: overlapping grids as sparse binary features."""

import math
from collections.abc import Sequence
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Real

from ..compilation.boundary import compiled
from ..components.numbers import f32, is_traced
from ..components.ranges import require_count
from .abstract import AbstractFeatures
from .percept import Percept


def _bounds(value: Any) -> Any:
    """Bounds as a float32 array; what is none is left for the check to refuse."""
    if is_traced(value):
        return value
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        return value
    if array.dtype.kind not in "iuf":
        return value
    with np.errstate(over="ignore"):  # out of float32's range is infinite, and refused
        return jnp.asarray(array.astype(np.float32))


class TileCoder(AbstractFeatures[None]):
    r"""Lays `tilings` grids over a box; the tile that holds the observation is 1 in each.

    Tiling i = 0, 1, ... is displaced by i (1, 3, 5, ...) / tilings of a tile: asymmetric offsets,
    with no diagonal artefacts in the generalisation. The coordinate along dimension j is

        c_ij = floor(tiles_j (x_j - low_j) / (high_j - low_j) + i (2j + 1) / tilings),

    so every tiling has tiles_j + 2j + 1 places along j. Observations outside [low, high] are
    clipped. The features hold exactly `tilings` ones and zeros elsewhere; a step size of
    alpha / tilings moves a prediction by alpha of its error. A NaN or infinity in the observation
    makes all features NaN, so that a learner rejects the step.

    With `hash_size`, the places of each tiling share hash_size // tilings features by a hash of
    their coordinates, none if they fit; features of different tilings never collide, and the last
    hash_size % tilings features are never used.

    Source: Sutton and Barto, Reinforcement Learning, 2nd edition (2018), section 9.5.4; there, the
    number of tilings is best a power of two of at least four times the dimensions.

    **Arguments:**

    - `low`, `high` [d]: bounds of the observations, finite, low < high.
    - `tilings` >= 1.
    - `tiles` >= 1: tiles across [low, high], an integer or one for each dimension.
    - `hash_size` >= `tilings`: features in all, default None: as many as there are tiles.

    ```python
    coder = TileCoder([-1.2, -0.07], [0.6, 0.07], tilings=8, tiles=8)
    coder.feature_dim  # 8 tilings x 9 x 11 places: 792
    coder(np.array([-0.5, 0.0])).sum()  # 8.0
    ```
    """

    low: Float[Array, " dimensions"]
    high: Float[Array, " dimensions"]
    tilings: int = eqx.field(static=True)
    tiles: tuple[int, ...] = eqx.field(static=True)
    hash_size: int | None = eqx.field(static=True, default=None)

    def __init__(
        self,
        low: Real[Array, " dimensions"] | Sequence[float],
        high: Real[Array, " dimensions"] | Sequence[float],
        tilings: int,
        tiles: int | Sequence[int],
        hash_size: int | None = None,
    ):
        self.low, self.high = _bounds(low), _bounds(high)
        self.tilings, self.hash_size = tilings, hash_size
        if isinstance(tiles, tuple | list):
            self.tiles = tuple(tiles)
        else:
            self.tiles = (cast(int, tiles),) * (np.shape(low)[-1] if np.ndim(low) else 1)

    def __check_init__(self):
        for name in ("low", "high"):
            value = getattr(self, name)
            if not isinstance(value, jax.Array) or value.ndim == 0 or value.shape[-1] == 0:
                raise TypeError(
                    f"TileCoder: `{name}` must be a real array of shape (d,), got {value!r}."
                )
        if self.low.shape != self.high.shape:
            raise ValueError(
                "TileCoder: `low` and `high` must have the same shape, got "
                f"{self.low.shape} and {self.high.shape}."
            )
        if not (is_traced(self.low) or is_traced(self.high)):
            low, high = np.asarray(self.low, np.float64), np.asarray(self.high, np.float64)
            if not (np.isfinite(low) & np.isfinite(high) & (low < high)).all():
                raise ValueError(
                    "TileCoder: `low` must be below `high` in every dimension, and both finite, "
                    f"got {low} and {high}."
                )
        require_count("TileCoder", "tilings", self.tilings)
        for count in self.tiles:
            require_count("TileCoder", "tiles", count)
        if len(self.tiles) != self.low.shape[-1]:
            raise ValueError(
                f"TileCoder: `tiles` must hold {self.low.shape[-1]} integers, one for each "
                f"dimension, got {self.tiles}."
            )
        if self.hash_size is not None:
            high = 2**31
            require_count("TileCoder", "hash_size", self.hash_size, low=self.tilings, high=high)
        elif self.feature_dim >= 2**31:
            raise ValueError(
                f"TileCoder: {self.feature_dim} tiles are too many to have a feature each; give a "
                "`hash_size`."
            )

    @property
    def feature_dim(self) -> int:
        """How many features there are."""
        if self.hash_size is not None:
            return self.hash_size
        return self.tilings * math.prod(self._places)

    @compiled
    def indices(
        self, observation: Real[Array, "{self.low.shape[-1]}"]
    ) -> Int[Array, "{self.tilings}"]:
        """The feature that is 1 in each tiling; finite observations only."""
        return self._indices(f32(observation))

    @compiled
    def __call__(
        self, observation: Real[Array, "{self.low.shape[-1]}"]
    ) -> Float[Array, "{self.feature_dim}"]:
        """The features of one observation: `tilings` ones among zeros."""
        x = f32(observation)
        # A comparison where a scatter would do: XLA makes it part of the program around it.
        each = np.arange(self.tilings * self._size, dtype=np.int32).reshape(self.tilings, -1)
        ones = (self._indices(x)[:, None] == each).astype(jnp.float32).reshape(-1)
        features = jnp.pad(ones, (0, self.feature_dim - ones.size))
        return jnp.where(jnp.all(jnp.isfinite(x)), features, jnp.nan)

    def feature_dim_of(self, observation_dim: int) -> int:
        if observation_dim != self.low.shape[-1]:
            raise ValueError(
                f"TileCoder: it is made for {self.low.shape[-1]} dimensions, got observations of "
                f"{observation_dim}."
            )
        return self.feature_dim

    def init(self, observation_dim: int) -> None:
        """Nothing is carried along."""
        self.feature_dim_of(observation_dim)

    def see(self, state: None, percept: Percept) -> tuple[Percept, None]:
        return percept.replace(observation=self(percept.observation)), state

    @property
    def _size(self) -> int:
        """How many features a tiling has."""
        return self.feature_dim // self.tilings

    @property
    def _places(self) -> tuple[int, ...]:
        return tuple(count + 2 * j + 1 for j, count in enumerate(self.tiles))

    def _indices(self, x):
        places = np.asarray(self._places, np.int32)
        share = jnp.clip((x - self.low) / (self.high - self.low), 0.0, 1.0)
        share = jnp.where(jnp.isnan(share), 0.0, share)
        tilings = np.arange(self.tilings)
        displaced = np.outer(tilings, 2 * np.arange(places.size) + 1) / self.tilings
        along = share * np.asarray(self.tiles, np.float32)
        coordinates = jnp.floor(along[None] + np.asarray(displaced, np.float32))
        # The sum may round up to the next tile, past the last one.
        coordinates = jnp.minimum(coordinates.astype(jnp.int32), places[None] - 1)
        size = self._size
        if math.prod(self._places) <= size:
            strides = [math.prod(self._places[j + 1 :]) for j in range(places.size)]
            within = jnp.sum(coordinates * np.asarray([strides], np.int32), axis=-1)
        else:
            within = (_hashed(coordinates, tilings) % np.uint32(size)).astype(jnp.int32)
        return within + np.asarray(tilings * size, np.int32)


def _hashed(coordinates, tilings):
    """32 well mixed bits of each row, by the finalizer of MurmurHash3 on one coordinate a time."""
    mixed = jnp.asarray(tilings, jnp.uint32)
    for j in range(coordinates.shape[-1]):
        mixed = mixed * np.uint32(0x9E3779B1) + coordinates[:, j].astype(jnp.uint32)
        mixed = (mixed ^ (mixed >> 16)) * np.uint32(0x85EBCA6B)
        mixed = (mixed ^ (mixed >> 13)) * np.uint32(0xC2B2AE35)
        mixed = mixed ^ (mixed >> 16)
    return mixed
