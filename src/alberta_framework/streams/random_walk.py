"""A linear target whose weights wander."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32
from ..components.ranges import require_count, require_key, require_range
from ..components.types import Hyperparameter, KeyLike
from ..experience import TimeStep
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, noisy_target


class RandomWalkState(AbstractSyntheticState):
    """The weights of the last target."""

    key: Key[Array, ""]
    true_weights: Float[Array, " features"]


class RandomWalkStream(AbstractSyntheticStream[RandomWalkState, TimeStep]):
    """A linear target whose weights take a Gaussian step before every example.

    With standard normal n_w [d], n_x [d], n_y, at every step

        w <- w + drift_rate n_w,    x = feature_std n_x,    y = w.x + noise_std n_y

    and w is standard normal before the first. The best step size is constant and grows with
    `drift_rate`.

    **Arguments:**

    - `feature_dim`: d >= 1.
    - `drift_rate` >= 0, default 0.001, per step; 0 keeps the weights.
    - `noise_std` >= 0, default 0.1.
    - `feature_std` >= 0, default 1.
    """

    feature_dim: int = eqx.field(static=True)
    drift_rate: Hyperparameter = 0.001
    noise_std: Hyperparameter = 0.1
    feature_std: Hyperparameter = 1.0

    _keys_per_step: ClassVar[int] = 4

    def __check_init__(self):
        require_count("RandomWalkStream", "feature_dim", self.feature_dim)
        require_range(self, "drift_rate", 0.0)
        require_range(self, "noise_std", 0.0)
        require_range(self, "feature_std", 0.0)

    @compiled_by_itself
    def init(self, key: KeyLike) -> RandomWalkState:
        key = require_key("RandomWalkStream.init", key)
        key, weights_key = jr.split(key)
        return RandomWalkState(key, jr.normal(weights_key, (self.feature_dim,), jnp.float32))

    def _draw(self, keys):
        drift_key, feature_key, noise_key = keys
        drift = jr.normal(drift_key, (self.feature_dim,), jnp.float32)
        x = f32(self.feature_std) * jr.normal(feature_key, (self.feature_dim,), jnp.float32)
        return drift, x, jr.normal(noise_key, (), jnp.float32)

    def _schedule(self, state, ahead):
        return None

    def _advance(self, state, draws, now):
        drift, x, noise = draws
        w = state.true_weights + f32(self.drift_rate) * drift
        return TimeStep(x, noisy_target(w, x, self.noise_std, noise)), state.replace(true_weights=w)

    def _counted(self, state, num_steps):
        return {}
