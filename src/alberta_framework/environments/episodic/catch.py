"""A ball that falls, to be caught with a paddle."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.ranges import require_count
from ...components.state import AbstractState
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep


class CatchState(AbstractState):
    """Row and column of the ball, and the column of the paddle."""

    row: Int[Array, ""]
    column: Int[Array, ""]
    paddle: Int[Array, ""]


class Catch(AbstractEnvironment[CatchState]):
    """A ball falls one row a step, from the top row to the bottom one where the paddle moves.

    Actions 0, 1, 2 move the paddle to the left, not at all, and to the right, no further than the
    edge. Terminated when the ball is in the bottom row: with the reward 1 if the paddle is there
    too, else -1; every other reward is 0. Observed is the board, row by row: ones for the ball and
    for the paddle among zeros. An episode takes rows - 1 steps, and starts with the ball in a
    column of the top row drawn uniformly, and the paddle in the middle (the right middle, of an
    even number).

    Source: Mnih et al. (2014); the form of Osband et al. (2020), "Behaviour Suite for Reinforcement
    Learning".

    **Arguments:** `rows` >= 2, `columns` >= 1.
    """

    rows: int = eqx.field(default=10, static=True)
    columns: int = eqx.field(default=5, static=True)

    def __check_init__(self):
        require_count("Catch", "rows", self.rows, low=2)
        require_count("Catch", "columns", self.columns)

    @property
    def observation_size(self) -> int:
        return self.rows * self.columns

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(3)

    def reset(self, key: PRNGKeyArray) -> tuple[CatchState, Float[Array, " cells"]]:
        column = jr.randint(key, (), 0, self.columns, jnp.int32)
        top, middle = (jnp.asarray(place, jnp.int32) for place in (0, self.columns // 2))
        state = CatchState(top, column, middle)
        return state, self._seen(state)

    def step(
        self, state: CatchState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[CatchState, EnvStep]:
        del key
        paddle = jnp.clip(state.paddle + action - 1, 0, self.columns - 1)
        after = CatchState(state.row + 1, state.column, paddle)
        over = after.row >= self.rows - 1
        outcome = jnp.where(paddle == state.column, 1.0, -1.0)
        now = EnvStep(
            observation=self._seen(after),
            reward=self._reward(action, jnp.where(over, outcome, 0.0)),
            terminated=over,
            truncated=jnp.zeros((), bool),
        )
        return after, now

    def _seen(self, state: CatchState) -> Float[Array, " cells"]:
        ball = state.row * self.columns + state.column
        paddle = (self.rows - 1) * self.columns + state.paddle
        places = jnp.arange(self.observation_size)
        return ((places == ball) | (places == paddle)).astype(jnp.float32)
