"""A linear target of features whose scales jump."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.numbers import f32
from ..components.ranges import (
    require_at_most,
    require_count,
    require_key,
    require_range,
    require_steps,
)
from ..components.types import Hyperparameter, KeyLike
from ..experience import TimeStep
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, counted, noisy_target, phase


class DynamicScaleShiftState(AbstractSyntheticState):
    """Weights and scales of the last example, and the steps since each of them was drawn."""

    key: Key[Array, ""]
    true_weights: Float[Array, " features"]
    current_scales: Float[Array, " features"]
    scale_position: Int[Array, ""]
    weight_position: Int[Array, ""]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class DynamicScaleShiftStream(AbstractSyntheticStream[DynamicScaleShiftState, TimeStep]):
    """A linear target of features whose scales jump, each to a value of its own.

    With standard normal n_w, n_x [d], n_y and log-uniform s [d] in [min_scale, max_scale), at step
    t = 0, 1, ...

        c <- s    if t mod scale_change_interval = 0
        w <- n_w  if t mod weight_change_interval = 0
        x = c n_x,    y = w.n_x + noise_std n_y

    The target does not depend on the scales: a learner that normalizes has the easier problem.
    Both change at t = 0 too, so what `init` draws is never used.

    **Arguments:**

    - `feature_dim`: d >= 1.
    - `scale_change_interval`: steps, an integer >= 1, default 2000.
    - `weight_change_interval`: steps, an integer >= 1, default 1000.
    - `min_scale`, `max_scale`: 0 < min <= max, default 0.01 and 100.
    - `noise_std` >= 0, default 0.1.
    """

    feature_dim: int = eqx.field(static=True)
    scale_change_interval: Hyperparameter = eqx.field(default=2000, metadata={"counts_steps": True})
    weight_change_interval: Hyperparameter = eqx.field(
        default=1000, metadata={"counts_steps": True}
    )
    min_scale: Hyperparameter = 0.01
    max_scale: Hyperparameter = 100.0
    noise_std: Hyperparameter = 0.1

    _keys_per_step: ClassVar[int] = 5

    def __check_init__(self):
        require_count("DynamicScaleShiftStream", "feature_dim", self.feature_dim)
        require_steps(self, "scale_change_interval")
        require_steps(self, "weight_change_interval")
        require_range(self, "min_scale", 0.0, open_low=True)
        require_range(self, "max_scale", 0.0, open_low=True)
        require_at_most(self, "min_scale", "max_scale")
        require_range(self, "noise_std", 0.0)

    @compiled_by_itself
    def init(self, key: KeyLike) -> DynamicScaleShiftState:
        key = require_key("DynamicScaleShiftStream.init", key)
        key, weights_key, scales_key = jr.split(key, 3)
        weights = jr.normal(weights_key, (self.feature_dim,), jnp.float32)
        zero, steps = jnp.zeros((), jnp.int32), jnp.zeros(2, jnp.uint32)
        scales = self._draw_scales(scales_key)
        return DynamicScaleShiftState(key, weights, scales, zero, zero, steps)

    def _draw_scales(self, key):
        low, high = jnp.log(f32(self.min_scale)), jnp.log(f32(self.max_scale))
        return jnp.exp(jr.uniform(key, (self.feature_dim,), jnp.float32, low, high))

    def _draw(self, keys):
        weights_key, scales_key, feature_key, noise_key = keys
        weights = jr.normal(weights_key, (self.feature_dim,), jnp.float32)
        raw = jr.normal(feature_key, (self.feature_dim,), jnp.float32)
        return weights, self._draw_scales(scales_key), raw, jr.normal(noise_key, (), jnp.float32)

    def _schedule(self, state, ahead):
        scale_position = phase(state.scale_position, ahead, self.scale_change_interval)
        weight_position = phase(state.weight_position, ahead, self.weight_change_interval)
        return scale_position == 0, weight_position == 0

    def _advance(self, state, draws, now):
        (weights, scales, raw, noise), (rescales, changes) = draws, now
        c = jnp.where(rescales, scales, state.current_scales)
        w = jnp.where(changes, weights, state.true_weights)
        experience = TimeStep(raw * c, noisy_target(w, raw, self.noise_std, noise))
        return experience, state.replace(true_weights=w, current_scales=c)

    def _counted(self, state, num_steps):
        return counted(
            state,
            num_steps,
            scale_position=self.scale_change_interval,
            weight_position=self.weight_change_interval,
        )
