"""A river whose current drives a swimmer back from the reward at its far end."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import f32, is_traced
from ...components.ranges import require_count, require_range
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep


class RiverSwimState(AbstractState):
    """Where the swimmer is."""

    place: Int[Array, ""]


class RiverSwim(AbstractEnvironment[RiverSwimState]):
    """A chain of places 0 to n - 1, in which going right mostly fails.

    Action 0, with the current, leads one place to the left. Action 1, against it, leads

        to the right with probability `advance`, to the left with `drift`, else nowhere
        from place 0:      to the right with `end_advance`, else nowhere
        from place n - 1:  to the left with 1 - `end_advance`, else nowhere

    The reward of action 0 at place 0 is `left_reward`, of action 1 at place n - 1 `right_reward`,
    every other is 0. Observed is the place, one-hot. Never terminated; a life starts at place 0.

    Source: Strehl and Littman (2008); start and numbers of Osband, Russo and Van Roy (2013).

    **Arguments:** `n_places` >= 2; `advance`, `drift`, `end_advance` in [0, 1], the first two
    together at most 1; `left_reward`, `right_reward`: numbers.
    """

    n_places: int = eqx.field(default=6, static=True)
    advance: Hyperparameter = 0.35
    drift: Hyperparameter = 0.05
    end_advance: Hyperparameter = 0.6
    left_reward: Hyperparameter = 0.005
    right_reward: Hyperparameter = 1.0

    def __check_init__(self):
        require_count("RiverSwim", "n_places", self.n_places, low=2)
        for name in ("advance", "drift", "end_advance"):
            require_range(self, name, 0.0, 1.0)
        for name in ("left_reward", "right_reward"):
            require_range(self, name)
        if not (is_traced(self.advance) or is_traced(self.drift)):
            total = np.asarray(self.advance, np.float64) + np.asarray(self.drift, np.float64)
            # As float32, 0.7 and 0.3 make a little more than 1.
            if np.any(total > 1.0 + 1e-6):
                raise ValueError(
                    "RiverSwim: `advance` + `drift` must be at most 1, got "
                    f"{self.advance} and {self.drift}."
                )

    @property
    def observation_size(self) -> int:
        return self.n_places

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(2)

    def reset(self, key: PRNGKeyArray) -> tuple[RiverSwimState, Float[Array, " places"]]:
        del key
        return self._seen(jnp.zeros((), jnp.int32))

    def step(
        self, state: RiverSwimState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[RiverSwimState, EnvStep]:
        place, last = state.place, self.n_places - 1
        draw, end = jr.uniform(key, (), jnp.float32), f32(self.end_advance)
        right = jnp.where(place == 0, end, jnp.where(place == last, 0.0, f32(self.advance)))
        left = jnp.where(place == 0, 0.0, jnp.where(place == last, 1.0 - end, f32(self.drift)))
        against = jnp.where(draw < right, 1, jnp.where(draw < right + left, -1, 0))
        move = jnp.where(action == 1, against, -1)
        reward = jnp.where((action == 1) & (place == last), f32(self.right_reward), 0.0)
        reward = jnp.where((action == 0) & (place == 0), f32(self.left_reward), reward)
        after, observation = self._seen(jnp.clip(place + move, 0, last))
        now = EnvStep(
            observation=observation,
            reward=self._reward(action, reward),
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
        )
        return after, now

    def _seen(self, place: Int[Array, ""]) -> tuple[RiverSwimState, Float[Array, " places"]]:
        return RiverSwimState(place), jax.nn.one_hot(place, self.n_places, dtype=jnp.float32)
