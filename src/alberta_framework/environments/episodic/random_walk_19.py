"""A random walk over nineteen states, whose values are known."""

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import f32
from ...components.ranges import require_range
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep


class RandomWalk19State(AbstractState):
    """Where the walk is; -1 and 19 after it has ended."""

    place: Int[Array, ""]


class RandomWalk19(AbstractEnvironment[RandomWalk19State]):
    """Steps to the left and to the right, from the middle of nineteen states until one end is left.

    Each step leads to the right with `right_probability`, else to the left. Terminated on leaving:
    at the left end with the reward `left_reward`, at the right end with `right_reward`; every other
    reward is 0. There is one action, which does nothing: the problem is one of prediction. With the
    defaults the undiscounted value of state i = 0 to 18 is (i - 9) / 10. Observed is the state,
    one-hot, and nothing but zeros after the end.

    Source: Sutton and Barto (2018), example 7.1.

    **Arguments:** `left_reward`, `right_reward`: numbers; `right_probability` in [0, 1].
    """

    left_reward: Hyperparameter = -1.0
    right_reward: Hyperparameter = 1.0
    right_probability: Hyperparameter = 0.5

    def __check_init__(self):
        for name in ("left_reward", "right_reward"):
            require_range(self, name)
        require_range(self, "right_probability", 0.0, 1.0)

    @property
    def observation_size(self) -> int:
        return 19

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(1)

    def reset(self, key: PRNGKeyArray) -> tuple[RandomWalk19State, Float[Array, "19"]]:
        del key
        return _seen(jnp.asarray(9, jnp.int32))

    def step(
        self, state: RandomWalk19State, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[RandomWalk19State, EnvStep]:
        right = jr.uniform(key, (), jnp.float32) < f32(self.right_probability)
        after, observation = _seen(state.place + jnp.where(right, 1, -1))
        low, high = after.place < 0, after.place > 18
        reward = jnp.where(low, f32(self.left_reward), 0.0)
        reward = jnp.where(high, f32(self.right_reward), reward)
        now = EnvStep(
            observation=observation,
            reward=self._reward(action, reward),
            terminated=low | high,
            truncated=jnp.zeros((), bool),
        )
        return after, now


def _seen(place: Int[Array, ""]) -> tuple[RandomWalk19State, Float[Array, "19"]]:
    return RandomWalk19State(place), jax.nn.one_hot(place, 19, dtype=jnp.float32)
