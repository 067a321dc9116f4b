"""A linear target whose weights swing."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.numbers import f32
from ..components.ranges import require_count, require_key, require_range, require_steps
from ..components.types import Hyperparameter, KeyLike
from ..experience import TimeStep
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, counted, noisy_target, phase

_TURN = np.float32(2 * np.pi)


class PeriodicChangeState(AbstractSyntheticState):
    """The mean weights, the phase of each at step 0, and the steps since the period began."""

    key: Key[Array, ""]
    base_weights: Float[Array, " features"]
    phases: Float[Array, " features"]
    position: Int[Array, ""]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class PeriodicChangeStream(AbstractSyntheticStream[PeriodicChangeState, TimeStep]):
    """A linear target whose weights swing with one period and each its own phase.

    With standard normal b [d] and uniform phi [d] in [0, 2 pi) of the start, and standard normal
    n_x [d], n_y of step t = 0, 1, ...

        w = b + amplitude sin(2 pi (t mod period) / period + phi)
        x = feature_std n_x,    y = w.x + noise_std n_y

    The reference implementation (alberta-framework 0.16.0) takes t itself, whose sine in float32
    is off by 1e-4 after a million steps.

    **Arguments:**

    - `feature_dim`: d >= 1.
    - `period`: steps, an integer >= 1, default 1000.
    - `amplitude`: any finite number, default 1.
    - `noise_std` >= 0, default 0.1.
    - `feature_std` >= 0, default 1.
    """

    feature_dim: int = eqx.field(static=True)
    period: Hyperparameter = eqx.field(default=1000, metadata={"counts_steps": True})
    amplitude: Hyperparameter = 1.0
    noise_std: Hyperparameter = 0.1
    feature_std: Hyperparameter = 1.0

    _keys_per_step: ClassVar[int] = 3

    def __check_init__(self):
        require_count("PeriodicChangeStream", "feature_dim", self.feature_dim)
        require_steps(self, "period")
        require_range(self, "amplitude")
        require_range(self, "noise_std", 0.0)
        require_range(self, "feature_std", 0.0)

    @compiled_by_itself
    def init(self, key: KeyLike) -> PeriodicChangeState:
        key = require_key("PeriodicChangeStream.init", key)
        key, weights_key, phases_key = jr.split(key, 3)
        weights = jr.normal(weights_key, (self.feature_dim,), jnp.float32)
        phases = jr.uniform(phases_key, (self.feature_dim,), jnp.float32, 0.0, _TURN)
        position, steps = jnp.zeros((), jnp.int32), jnp.zeros(2, jnp.uint32)
        return PeriodicChangeState(key, weights, phases, position, steps)

    def _draw(self, keys):
        feature_key, noise_key = keys
        x = f32(self.feature_std) * jr.normal(feature_key, (self.feature_dim,), jnp.float32)
        return x, jr.normal(noise_key, (), jnp.float32)

    def _schedule(self, state, ahead):
        position = phase(state.position, ahead, self.period)
        return _TURN * f32(position) / f32(self.period)

    def _advance(self, state, draws, now):
        (x, noise), angle = draws, now
        w = state.base_weights + f32(self.amplitude) * jnp.sin(angle + state.phases)
        return TimeStep(x, noisy_target(w, x, self.noise_std, noise)), state

    def _counted(self, state, num_steps):
        return counted(state, num_steps, position=self.period)
