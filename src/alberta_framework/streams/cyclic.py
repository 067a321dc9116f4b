"""A linear target that cycles through fixed weight vectors."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, ArrayLike, Float, Int, Key, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.numbers import f32, is_traced
from ..components.ranges import require_count, require_key, require_range, require_steps
from ..components.types import Hyperparameter, KeyLike
from ..experience import TimeStep
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, counted, noisy_target, phase


class CyclicState(AbstractSyntheticState):
    """The weight vectors, and the steps since the first of them became active."""

    key: Key[Array, ""]
    configurations: Float[Array, "configurations features"]
    position: Int[Array, ""]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class CyclicStream(AbstractSyntheticStream[CyclicState, TimeStep]):
    """A linear target that cycles through fixed weight vectors: what was learned comes back.

    With standard normal C [k, d] of the start and n_x [d], n_y of step t = 0, 1, ...

        w = C[floor(t / cycle_length) mod k],    x = feature_std n_x,    y = w.x + noise_std n_y

    **Arguments:**

    - `feature_dim`: d >= 1.
    - `cycle_length`: steps that one vector stays, an integer >= 1, default 500; a whole cycle
      takes `cycle_length` x `num_configurations` steps, fewer than 2^31.
    - `num_configurations`: k >= 1, default 4.
    - `noise_std` >= 0, default 0.1.
    - `feature_std` >= 0, default 1.
    """

    feature_dim: int = eqx.field(static=True)
    cycle_length: Hyperparameter = eqx.field(default=500, metadata={"counts_steps": True})
    num_configurations: int = eqx.field(static=True, default=4)
    noise_std: Hyperparameter = 0.1
    feature_std: Hyperparameter = 1.0

    _keys_per_step: ClassVar[int] = 3

    def __check_init__(self):
        require_count("CyclicStream", "feature_dim", self.feature_dim)
        require_steps(self, "cycle_length")
        require_count("CyclicStream", "num_configurations", self.num_configurations)
        require_range(self, "noise_std", 0.0)
        require_range(self, "feature_std", 0.0)
        if not is_traced(self.cycle_length):
            longest = np.max(np.asarray(self.cycle_length, np.int64)) * self.num_configurations
            if longest >= 2**31:
                raise ValueError(
                    "CyclicStream: `cycle_length` * `num_configurations` must be below 2^31, "
                    f"got {longest}."
                )

    @compiled_by_itself
    def init(self, key: KeyLike) -> CyclicState:
        key = require_key("CyclicStream.init", key)
        key, weights_key = jr.split(key)
        shape = (self.num_configurations, self.feature_dim)
        configurations = jr.normal(weights_key, shape, jnp.float32)
        position, steps = jnp.zeros((), jnp.int32), jnp.zeros(2, jnp.uint32)
        return CyclicState(key, configurations, position, steps)

    def _draw(self, keys):
        feature_key, noise_key = keys
        x = f32(self.feature_std) * jr.normal(feature_key, (self.feature_dim,), jnp.float32)
        return x, jr.normal(noise_key, (), jnp.float32)

    def _schedule(self, state, ahead):
        position = phase(state.position, ahead, self._period())
        return position // jnp.asarray(self.cycle_length, jnp.int32)

    def _advance(self, state, draws, now):
        (x, noise), active = draws, now
        w = state.configurations[active]
        return TimeStep(x, noisy_target(w, x, self.noise_std, noise)), state

    def _counted(self, state, num_steps):
        return counted(state, num_steps, position=self._period())

    def _period(self) -> ArrayLike:
        return jnp.asarray(self.cycle_length, jnp.int32) * jnp.int32(self.num_configurations)
