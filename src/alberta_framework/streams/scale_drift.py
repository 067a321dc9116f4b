"""A linear target of features whose scales wander."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Key, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.numbers import f32
from ..components.ranges import require_at_most, require_count, require_key, require_range
from ..components.types import Hyperparameter, KeyLike
from ..experience import TimeStep
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, counted, noisy_target


class ScaleDriftState(AbstractSyntheticState):
    """Weights and log scales of the last example."""

    key: Key[Array, ""]
    true_weights: Float[Array, " features"]
    log_scales: Float[Array, " features"]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class ScaleDriftStream(AbstractSyntheticStream[ScaleDriftState, TimeStep]):
    """A linear target of features whose scales take a random step on the log axis.

    With standard normal n_w, n_l, n_x [d], n_y, at every step

        w <- w + weight_drift_rate n_w
        l <- clip(l + scale_drift_rate n_l, min_log_scale, max_log_scale)
        x = exp(l) n_x,    y = w.n_x + noise_std n_y

    Before the first step w is standard normal and l is 0, also where 0 lies outside of the bounds.
    The target does not depend on the scales: a learner that normalizes has the easier problem.

    **Arguments:**

    - `feature_dim`: d >= 1.
    - `weight_drift_rate` >= 0, default 0.001, per step.
    - `scale_drift_rate` >= 0, default 0.01, natural log units per step.
    - `min_log_scale` <= `max_log_scale`, default -4 and 4.
    - `noise_std` >= 0, default 0.1.
    """

    feature_dim: int = eqx.field(static=True)
    weight_drift_rate: Hyperparameter = 0.001
    scale_drift_rate: Hyperparameter = 0.01
    min_log_scale: Hyperparameter = -4.0
    max_log_scale: Hyperparameter = 4.0
    noise_std: Hyperparameter = 0.1

    _keys_per_step: ClassVar[int] = 5

    def __check_init__(self):
        require_count("ScaleDriftStream", "feature_dim", self.feature_dim)
        require_range(self, "weight_drift_rate", 0.0)
        require_range(self, "scale_drift_rate", 0.0)
        require_range(self, "min_log_scale")
        require_range(self, "max_log_scale")
        require_at_most(self, "min_log_scale", "max_log_scale")
        require_range(self, "noise_std", 0.0)

    @compiled_by_itself
    def init(self, key: KeyLike) -> ScaleDriftState:
        key = require_key("ScaleDriftStream.init", key)
        key, weights_key = jr.split(key)
        weights = jr.normal(weights_key, (self.feature_dim,), jnp.float32)
        log_scales, steps = jnp.zeros(self.feature_dim, jnp.float32), jnp.zeros(2, jnp.uint32)
        return ScaleDriftState(key, weights, log_scales, steps)

    def _draw(self, keys):
        weights_key, scales_key, feature_key, noise_key = keys
        weight_drift = jr.normal(weights_key, (self.feature_dim,), jnp.float32)
        scale_drift = jr.normal(scales_key, (self.feature_dim,), jnp.float32)
        raw = jr.normal(feature_key, (self.feature_dim,), jnp.float32)
        return weight_drift, scale_drift, raw, jr.normal(noise_key, (), jnp.float32)

    def _schedule(self, state, ahead):
        return None

    def _advance(self, state, draws, now):
        weight_drift, scale_drift, raw, noise = draws
        w = state.true_weights + f32(self.weight_drift_rate) * weight_drift
        l = state.log_scales + f32(self.scale_drift_rate) * scale_drift
        l = jnp.clip(l, f32(self.min_log_scale), f32(self.max_log_scale))
        experience = TimeStep(raw * jnp.exp(l), noisy_target(w, raw, self.noise_std, noise))
        return experience, state.replace(true_weights=w, log_scales=l)

    def _counted(self, state, num_steps):
        return counted(state, num_steps)
