"""Regression on bits of which most change rarely."""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.numbers import f32
from ..components.ranges import (
    require_choice,
    require_count,
    require_key,
    require_range,
    require_steps,
)
from ..components.types import Hyperparameter, KeyLike
from ..experience import TimeStep
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, counted, phase


class SlowlyChangingRegressionState(AbstractSyntheticState):
    """The slow bits, the target network, and the steps since the last change.

    `weights`, `biases`: of the units of the target network; `output_weights`, `output_bias`: of
    their sum.
    """

    key: Key[Array, ""]
    slow_bits: Float[Array, " slow"]
    weights: Float[Array, "units inputs"]
    biases: Float[Array, " units"]
    output_weights: Float[Array, " units"]
    output_bias: Float[Array, ""]
    position: Int[Array, ""]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class SlowlyChangingRegressionStream(
    AbstractSyntheticStream[SlowlyChangingRegressionState, TimeStep]
):
    r"""A fixed network of threshold units on bits of which most stay as they are for long.

    Of the m = `num_inputs` bits the first `num_slow` change every `change_interval` steps, the
    others are drawn anew at each step. The target is that of a network of linear threshold units
    whose weights w_ij and biases b_i, output weights v_i and output bias c are all 1 or -1, drawn
    at the start and the same for ever:

        f_i = 1  if  w_i.x + b_i > beta (m + 1) - (m - sum_j w_ij + b_i) / 2,   else 0
        y   = sum_i v_i f_i + c

    Since w_i.x is the number of bits that agree with their weight (1 with 1, 0 with -1) less that
    of the negative weights, a unit is on when more than beta (m + 1) - 3 b_i / 2 bits agree. There
    is no noise, and the function never changes: what does is the part of it that is seen. A
    network too small for all of it has to follow, and with plain backpropagation does so worse and
    worse (loss of plasticity).

    Source: Dohare, Hernandez-Garcia, Lan, Rahman, Mahmood and Sutton (2024), Loss of plasticity in
    deep continual learning, Nature 632, the slowly-changing regression problem.

    **Arguments:**

    - `num_inputs`: m >= 1, default 20.
    - `num_slow`: from 1 to `num_inputs`, default 15.
    - `change_interval`: steps between changes, an integer >= 1, default 10,000. The first change
      comes before example number `change_interval` (counted from 0).
    - `num_target_units` >= 1, default 100.
    - `beta` in [0, 1], default 0.7: the larger, the fewer units are on.
    - `flip`: `"all"`, every slow bit is drawn anew at a change, as the authors' configurations
      have it (default), or `"one"`, a slow bit picked at random flips, as their text has it.
    """

    num_inputs: int = eqx.field(static=True, default=20)
    num_slow: int = eqx.field(static=True, default=15)
    change_interval: Hyperparameter = eqx.field(default=10_000, metadata={"counts_steps": True})
    num_target_units: int = eqx.field(static=True, default=100)
    beta: Hyperparameter = 0.7
    flip: str = eqx.field(static=True, default="all")

    _keys_per_step: ClassVar[int] = 3

    def __check_init__(self):
        owner = "SlowlyChangingRegressionStream"
        require_count(owner, "num_inputs", self.num_inputs)
        require_count(owner, "num_slow", self.num_slow)
        if self.num_slow > self.num_inputs:
            raise ValueError(
                f"{owner}: `num_slow` must be at most `num_inputs`, got {self.num_slow} and "
                f"{self.num_inputs}."
            )
        require_steps(self, "change_interval")
        require_count(owner, "num_target_units", self.num_target_units)
        require_range(self, "beta", 0.0, 1.0)
        require_choice(owner, "flip", self.flip, ("all", "one"))

    @property
    def feature_dim(self) -> int:
        return self.num_inputs

    @compiled_by_itself
    def init(self, key: KeyLike) -> SlowlyChangingRegressionState:
        """The target network and the first slow bits, drawn from `key`."""
        key = require_key("SlowlyChangingRegressionStream.init", key)
        key, bits_key, weights_key, biases_key, outputs_key, output_bias_key = jr.split(key, 6)
        units = self.num_target_units
        return SlowlyChangingRegressionState(
            key=key,
            slow_bits=_bits(bits_key, (self.num_slow,)),
            weights=_signs(weights_key, (units, self.num_inputs)),
            biases=_signs(biases_key, (units,)),
            output_weights=_signs(outputs_key, (units,)),
            output_bias=_signs(output_bias_key, ()),
            position=jnp.zeros((), jnp.int32),
            steps=jnp.zeros(2, jnp.uint32),
        )

    def _draw(self, keys):
        bits_key, picked_key = keys
        bits = _bits(bits_key, (self.num_inputs,))
        return bits, jr.randint(picked_key, (), 0, self.num_slow, jnp.int32)

    def _schedule(self, state, ahead):
        begun = (ahead > 0) | jnp.any(state.steps > 0)
        return begun & (phase(state.position, ahead, self.change_interval) == 0)

    def _advance(self, state, draws, now):
        (bits, picked), changes = draws, now
        fresh = bits[: self.num_slow]
        if self.flip == "one":
            flipped = jnp.arange(self.num_slow, dtype=jnp.int32) == picked
            fresh = jnp.where(flipped, 1.0 - state.slow_bits, state.slow_bits)
        slow = jnp.where(changes, fresh, state.slow_bits)
        x = jnp.concatenate([slow, bits[self.num_slow :]])
        return TimeStep(x, self._target(state, x)), state.replace(slow_bits=slow)

    def _target(
        self, state: SlowlyChangingRegressionState, x: Float[Array, " inputs"]
    ) -> Float[Array, "1"]:
        # The unit's inequality with its sums on one side: multiples of 1/2, which float32 holds
        # exactly, so that the target is the same in whatever order they are added up.
        agreeing = state.weights @ (x - 0.5) + 0.5 * self.num_inputs
        features = agreeing + 1.5 * state.biases > f32(self.beta) * (self.num_inputs + 1)
        return jnp.reshape(state.output_weights @ f32(features) + state.output_bias, 1)

    def _counted(self, state, num_steps):
        return counted(state, num_steps, position=self.change_interval)


def _bits(key: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    # A float32 probability: with a Python number the draw is another one when x64 is on.
    return f32(jr.bernoulli(key, np.float32(0.5), shape))


def _signs(key: Any, shape: tuple[int, ...]) -> Float[Array, "..."]:
    return 2.0 * _bits(key, shape) - 1.0
