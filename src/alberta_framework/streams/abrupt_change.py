"""A linear target whose weights are drawn anew from time to time."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.numbers import f32
from ..components.ranges import require_count, require_key, require_range, require_steps
from ..components.types import Hyperparameter, KeyLike
from ..experience import TimeStep
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, counted, noisy_target, phase


class AbruptChangeState(AbstractSyntheticState):
    """The weights of the last target, and the steps since they were drawn."""

    key: Key[Array, ""]
    true_weights: Float[Array, " features"]
    position: Int[Array, ""]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class AbruptChangeStream(AbstractSyntheticStream[AbruptChangeState, TimeStep]):
    """A linear target whose weights jump every `change_interval` steps.

    With standard normal n_w [d], n_x [d], n_y, at step t = 0, 1, ...

        w <- n_w  if t mod change_interval = 0,    x = feature_std n_x,    y = w.x + noise_std n_y

    The weights change at t = 0 too, so those drawn by `init` are never used.

    **Arguments:**

    - `feature_dim`: d >= 1.
    - `change_interval`: steps, an integer >= 1, default 1000.
    - `noise_std` >= 0, default 0.1.
    - `feature_std` >= 0, default 1.
    """

    feature_dim: int = eqx.field(static=True)
    change_interval: Hyperparameter = eqx.field(default=1000, metadata={"counts_steps": True})
    noise_std: Hyperparameter = 0.1
    feature_std: Hyperparameter = 1.0

    _keys_per_step: ClassVar[int] = 4

    def __check_init__(self):
        require_count("AbruptChangeStream", "feature_dim", self.feature_dim)
        require_steps(self, "change_interval")
        require_range(self, "noise_std", 0.0)
        require_range(self, "feature_std", 0.0)

    @compiled_by_itself
    def init(self, key: KeyLike) -> AbruptChangeState:
        key = require_key("AbruptChangeStream.init", key)
        key, weights_key = jr.split(key)
        weights = jr.normal(weights_key, (self.feature_dim,), jnp.float32)
        position, steps = jnp.zeros((), jnp.int32), jnp.zeros(2, jnp.uint32)
        return AbruptChangeState(key, weights, position, steps)

    def _draw(self, keys):
        weights_key, feature_key, noise_key = keys
        weights = jr.normal(weights_key, (self.feature_dim,), jnp.float32)
        x = f32(self.feature_std) * jr.normal(feature_key, (self.feature_dim,), jnp.float32)
        return weights, x, jr.normal(noise_key, (), jnp.float32)

    def _schedule(self, state, ahead):
        return phase(state.position, ahead, self.change_interval) == 0

    def _advance(self, state, draws, now):
        (weights, x, noise), changes = draws, now
        w = jnp.where(changes, weights, state.true_weights)
        return TimeStep(x, noisy_target(w, x, self.noise_std, noise)), state.replace(true_weights=w)

    def _counted(self, state, num_steps):
        return counted(state, num_steps, position=self.change_interval)
