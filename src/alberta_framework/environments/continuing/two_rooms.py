"""A gridworld of two rooms with a door between them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import f32
from ...components.ranges import require_count, require_range
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep

# Rows grow downwards, columns to the right.
_MOVES = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])


class TwoRoomsState(AbstractState):
    """The number of the cell."""

    cell: Int[Array, ""]


class TwoRooms(AbstractEnvironment[TwoRoomsState]):
    """Two square rooms side by side, and a goal in the far corner of the right one, for ever.

    Actions 0, 1, 2, 3 lead up, right, down, left; with `slip_probability` the direction is drawn
    uniformly from the four instead. A move against a wall leads nowhere. A door, one cell in the
    middle row (the upper middle, of an even number), joins the rooms. In the goal, the upper right
    corner, every action has the reward `goal_reward` and leads to a cell of the left room drawn
    uniformly, where a life starts too; every other reward is `step_reward`. Never terminated.

    Observed is the cell, one-hot: those of the left room row by row, the door, those of the right
    room row by row, 2 room_size^2 + 1 together.

    **Arguments:** `room_size` >= 1, the side of a room in cells; `slip_probability` in [0, 1];
    `goal_reward`, `step_reward`: numbers.
    """

    room_size: int = eqx.field(default=5, static=True)
    slip_probability: Hyperparameter = 0.1
    goal_reward: Hyperparameter = 1.0
    step_reward: Hyperparameter = 0.0

    def __check_init__(self):
        require_count("TwoRooms", "room_size", self.room_size)
        require_range(self, "slip_probability", 0.0, 1.0)
        for name in ("goal_reward", "step_reward"):
            require_range(self, name)

    @property
    def observation_size(self) -> int:
        return 2 * self.room_size**2 + 1

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(4)

    def reset(self, key: PRNGKeyArray) -> tuple[TwoRoomsState, Float[Array, " cells"]]:
        return self._seen(self._start(key))

    def step(
        self, state: TwoRoomsState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[TwoRoomsState, EnvStep]:
        slip_key, way_key, start_key = jr.split(key, 3)
        slips = jr.uniform(slip_key, (), jnp.float32) < f32(self.slip_probability)
        way = jnp.where(slips, jr.randint(way_key, (), 0, 4, jnp.int32), action)
        # The upper right corner is the last cell of the first row of the right room.
        arrived = state.cell == self.room_size**2 + self.room_size
        cell = jnp.where(arrived, self._start(start_key), self._neighbours()[state.cell, way])
        after, observation = self._seen(cell)
        reward = jnp.where(arrived, f32(self.goal_reward), f32(self.step_reward))
        now = EnvStep(
            observation=observation,
            reward=self._reward(action, reward),
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
        )
        return after, now

    def _start(self, key: PRNGKeyArray) -> Int[Array, ""]:
        return jr.randint(key, (), 0, self.room_size**2, jnp.int32)

    def _seen(self, cell: Int[Array, ""]) -> tuple[TwoRoomsState, Float[Array, " cells"]]:
        return TwoRoomsState(cell), jax.nn.one_hot(cell, self.observation_size, dtype=jnp.float32)

    def _neighbours(self) -> Int[Array, "cells 4"]:
        """Where each move leads from each cell."""
        n = self.room_size
        left = [(row, column) for row in range(n) for column in range(n)]
        right = [(row, column + n + 1) for row, column in left]
        cells = [*left, ((n - 1) // 2, n), *right]
        number = {cell: i for i, cell in enumerate(cells)}
        table = [
            [number.get((row + up, column + side), number[row, column]) for up, side in _MOVES]
            for row, column in cells
        ]
        return jnp.asarray(table, jnp.int32)
