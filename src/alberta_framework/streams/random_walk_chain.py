"""The random walk on which prediction by temporal differences is taught."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.numbers import f32
from ..components.ranges import require_choice, require_count, require_key, require_range
from ..components.types import Hyperparameter, KeyLike
from ..experience import TDTimeStep
from .synthetic import AbstractSyntheticState, AbstractSyntheticStream, counted


class RandomWalkChainState(AbstractSyntheticState):
    """Where the walk is: `position` counts the states of the chain from 0."""

    key: Key[Array, ""]
    position: Int[Array, ""]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class RandomWalkChainStream(AbstractSyntheticStream[RandomWalkChainState, TDTimeStep]):
    r"""Transitions of a walk along a chain of states 1..n, left or right with probability 1/2.

    An episode starts in the middle and ends left of state 1 with `left_reward`, right of state n
    with `right_reward`; every other reward is 0. The transition that ends an episode has
    `gamma = 0`, and leads to the start of the next one: its `next_observation` is that state's.
    The values to be learned are known, `true_values()`.

    Features of state i:

    - `"tabular"`: d = n, one at i.
    - `"dependent"`: d = (n + 1) / 2, ones at max(1, i - d + 1)..min(i, d), divided by their
      Euclidean norm. The values are in general not linear in them.

    Source: Sutton (1988), Learning to Predict by the Methods of Temporal Differences, section 3.2;
    dependent features from Sutton, Maei, Precup, Bhatnagar, Silver, Szepesvári and Wiewiora (2009),
    Fast Gradient-Descent Methods for Temporal-Difference Learning with Linear Function
    Approximation, the random walk problems.

    **Arguments:**

    - `n_states`: n >= 1 and odd, default 5.
    - `gamma`: discount within an episode, in [0, 1], default 1.
    - `features`: `"tabular"` (default) or `"dependent"`.
    - `left_reward`, `right_reward`: any finite numbers, default 0 and 1; keyword only.
    """

    n_states: int = eqx.field(static=True, default=5)
    gamma: Hyperparameter = 1.0
    features: str = eqx.field(static=True, default="tabular")
    left_reward: Hyperparameter = eqx.field(default=0.0, kw_only=True)
    right_reward: Hyperparameter = eqx.field(default=1.0, kw_only=True)

    _keys_per_step: ClassVar[int] = 2

    def __check_init__(self):
        require_count("RandomWalkChainStream", "n_states", self.n_states)
        if self.n_states % 2 == 0:
            raise ValueError(
                f"RandomWalkChainStream: `n_states` must be odd, got {self.n_states}: the walk "
                "starts in the middle."
            )
        require_range(self, "gamma", 0.0, 1.0)
        require_choice("RandomWalkChainStream", "features", self.features, ("tabular", "dependent"))
        require_range(self, "left_reward")
        require_range(self, "right_reward")

    @property
    def feature_dim(self) -> int:
        return self.n_states if self.features == "tabular" else (self.n_states + 1) // 2

    @compiled_by_itself
    def init(self, key: KeyLike) -> RandomWalkChainState:
        """In the middle of the chain; the key is kept as it is."""
        key = require_key("RandomWalkChainStream.init", key)
        middle = jnp.full((), self.n_states // 2, jnp.int32)
        return RandomWalkChainState(key, middle, jnp.zeros(2, jnp.uint32))

    def observation(self, position: Int[Array, ""]) -> Float[Array, " features"]:
        """The features of the state `position` = i - 1."""
        place, d = jnp.arange(self.feature_dim, dtype=jnp.int32), self.feature_dim
        if self.features == "tabular":
            return f32(place == position)
        low, high = jnp.maximum(0, position - d + 1), jnp.minimum(position, d - 1)
        ones = (place >= low) & (place <= high)
        return f32(ones) / jnp.sqrt(f32(high - low + 1))

    def true_values(self) -> Float[Array, " states"]:
        r"""The expected discounted reward from each state 1..n under this `gamma`.

        The Bellman equations v_i = gamma (v_{i-1} + v_{i+1}) / 2, with the rewards of the exits in
        place of the values beyond the ends, have the two solutions s^i and s^{-i} with
        s = gamma / (1 + sqrt(1 - gamma^2)). In powers of s alone, with
        G_m = 1 + s^2 + ... + s^{2(m-1)}:

            v_i = (right_reward s^{n-i} G_i + left_reward s^{i-1} G_{n+1-i})
                  / (G_{n+1} (1 + sqrt(1 - gamma^2)))

        For gamma = 1 this is the straight line between the rewards.
        """
        n, gamma = self.n_states, f32(self.gamma)
        root = jnp.sqrt((1.0 - gamma) * (1.0 + gamma))
        # By way of log s: near gamma = 1 the powers of a rounded s drift away.
        log_s = jnp.log1p(-((1.0 - gamma) + root) / (1.0 + root))
        exponents = jnp.arange(n + 1, dtype=jnp.float32)
        powers = jnp.where(exponents == 0, 1.0, jnp.exp(exponents * log_s))
        sums = jnp.cumsum(powers**2)
        right = f32(self.right_reward) * powers[:n][::-1] * sums[:n]
        left = f32(self.left_reward) * powers[:n] * sums[:n][::-1]
        return (right + left) / (sums[n] * (1.0 + root))

    def _draw(self, keys):
        # A float32 probability: with a Python number the draw is another one when x64 is on.
        return jr.bernoulli(keys[0], np.float32(0.5))

    def _schedule(self, state, ahead):
        return None

    def _advance(self, state, draws, now):
        goes_right, n = draws, self.n_states
        moved = state.position + jnp.where(goes_right, 1, -1).astype(jnp.int32)
        exits_left, exits_right = moved < 0, moved >= n
        exits = exits_left | exits_right
        position = jnp.where(exits, jnp.int32(n // 2), moved)
        reward = jnp.where(exits_left, f32(self.left_reward), 0.0)
        reward = jnp.where(exits_right, f32(self.right_reward), reward)
        gamma = jnp.where(exits, 0.0, f32(self.gamma))
        here, there = self.observation(state.position), self.observation(position)
        return TDTimeStep(here, reward, there, gamma), state.replace(position=position)

    def _counted(self, state, num_steps):
        return counted(state, num_steps)
