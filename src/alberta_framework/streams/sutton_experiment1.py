"""The first experiment of the IDBD paper."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, Key, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.numbers import f32
from ..components.ranges import require_count, require_key, require_steps
from ..components.types import Hyperparameter, KeyLike
from ..experience import TimeStep
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, counted, phase


class SuttonExperiment1State(AbstractSyntheticState):
    """The signs of the relevant inputs, and the steps since the last flip."""

    key: Key[Array, ""]
    signs: Float[Array, " relevant"]
    position: Int[Array, ""]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class SuttonExperiment1Stream(AbstractSyntheticStream[SuttonExperiment1State, TimeStep]):
    """A few relevant inputs of changing sign among irrelevant ones.

    All inputs are independent standard normal numbers. The target is the sum of the first
    `num_relevant` of them, each with a sign; every `change_interval` steps one of the signs, picked
    at random, flips. There is no noise. Step sizes should grow for the relevant inputs and vanish
    for the others. `num_stable` inputs after them are relevant too, with signs +1, -1, +1, ...
    that never flip: what is learned of them is not to be forgotten.

    Source: Sutton (1992), Adapting Bias by Gradient Descent: An Incremental Version of
    Delta-Bar-Delta, section 4.

    **Arguments:**

    - `num_relevant` >= 1, default 5.
    - `num_irrelevant` >= 0, default 15.
    - `change_interval`: steps between flips, an integer >= 1, default 20. The first flip comes
      before example number `change_interval` (counted from 0).
    - `num_stable` >= 0, default 0, which is the paper's; the inputs are the relevant ones, then the
      stable ones, then the irrelevant ones.
    """

    num_relevant: int = eqx.field(static=True, default=5)
    num_irrelevant: int = eqx.field(static=True, default=15)
    change_interval: Hyperparameter = eqx.field(default=20, metadata={"counts_steps": True})
    num_stable: int = eqx.field(static=True, default=0, metadata={"config": "omit_default"})

    _keys_per_step: ClassVar[int] = 3

    def __check_init__(self):
        require_count("SuttonExperiment1Stream", "num_relevant", self.num_relevant)
        require_count("SuttonExperiment1Stream", "num_irrelevant", self.num_irrelevant, low=0)
        require_steps(self, "change_interval")
        require_count("SuttonExperiment1Stream", "num_stable", self.num_stable, low=0)

    @property
    def feature_dim(self) -> int:
        return self.num_relevant + self.num_stable + self.num_irrelevant

    @compiled_by_itself
    def init(self, key: KeyLike) -> SuttonExperiment1State:
        """All signs positive; the key is kept as it is."""
        key = require_key("SuttonExperiment1Stream.init", key)
        signs = jnp.ones(self.num_relevant, jnp.float32)
        position, steps = jnp.zeros((), jnp.int32), jnp.zeros(2, jnp.uint32)
        return SuttonExperiment1State(key, signs, position, steps)

    def _draw(self, keys):
        feature_key, flip_key = keys
        x = jr.normal(feature_key, (self.feature_dim,), jnp.float32)
        return x, jr.randint(flip_key, (), 0, self.num_relevant, jnp.int32)

    def _schedule(self, state, ahead):
        begun = (ahead > 0) | jnp.any(state.steps > 0)
        return begun & (phase(state.position, ahead, self.change_interval) == 0)

    def _advance(self, state, draws, now):
        (x, picked), flips = draws, now
        flipped = flips & (jnp.arange(self.num_relevant, dtype=jnp.int32) == picked)
        signs = jnp.where(flipped, -state.signs, state.signs)
        target = signs @ x[: self.num_relevant]
        if self.num_stable:
            stable = x[self.num_relevant : self.num_relevant + self.num_stable]
            constant = 1.0 - 2.0 * f32(jnp.arange(self.num_stable) % 2)
            target = target + constant @ stable
        target = jnp.reshape(target, 1)
        return TimeStep(x, target), state.replace(signs=signs)

    def _counted(self, state, num_steps):
        return counted(state, num_steps, position=self.change_interval)
