"""A car too weak for the hill, to be driven up by swinging."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import f32
from ...components.ranges import require_at_most, require_range, require_steps
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep
from .valley import driven, start


class MountainCarState(AbstractState):
    """Position and velocity of the car, and the steps of the episode."""

    values: Float[Array, "2"]
    steps: Int[Array, ""]


class MountainCar(AbstractEnvironment[MountainCarState]):
    """MountainCar-v0 of Gymnasium: a reward of -1 at each step up to the goal, 200 steps at most.

    Actions 0, 1, 2 push to the left, not at all, and to the right. With x, v position and velocity:

        v <- clip(v + force (action - 1) - gravity cos 3x, -max_speed, max_speed)
        x <- clip(x + v, min_position, max_position);  v <- 0 where x is at its low end and v < 0

    Observed are x and v. Terminated where x >= `goal_position` and v >= `goal_velocity`; truncated
    after `max_steps` steps. An episode starts at rest, x drawn uniformly from [-0.6, -0.4].

    Source: Moore (1990); the form of Sutton (1996), constants and starts of Gymnasium.

    **Arguments:** `force`, `gravity` >= 0 (per step squared); `max_speed` > 0 (per step);
    `min_position` <= `max_position`; `goal_position`, `goal_velocity`: numbers; `max_steps` >= 1.
    """

    force: Hyperparameter = 0.001
    gravity: Hyperparameter = 0.0025
    max_speed: Hyperparameter = 0.07
    min_position: Hyperparameter = -1.2
    max_position: Hyperparameter = 0.6
    goal_position: Hyperparameter = 0.5
    goal_velocity: Hyperparameter = 0.0
    max_steps: Hyperparameter = eqx.field(default=200, metadata={"counts_steps": True})

    def __check_init__(self):
        for name in ("force", "gravity"):
            require_range(self, name, 0.0)
        require_range(self, "max_speed", 0.0, open_low=True)
        for name in ("min_position", "max_position", "goal_position", "goal_velocity"):
            require_range(self, name)
        require_at_most(self, "min_position", "max_position")
        require_steps(self, "max_steps")

    @property
    def observation_size(self) -> int:
        return 2

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(3)

    def reset(self, key: PRNGKeyArray) -> tuple[MountainCarState, Float[Array, "2"]]:
        values = start(key)
        return MountainCarState(values, jnp.zeros((), jnp.int32)), values

    def step(
        self, state: MountainCarState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[MountainCarState, EnvStep]:
        del key
        push = f32(self.force) * (f32(action) - 1.0)
        ends = self.min_position, self.max_position
        values = driven(state.values, push, self.gravity, self.max_speed, *ends)
        steps = state.steps + 1
        arrived = (values[0] >= f32(self.goal_position)) & (values[1] >= f32(self.goal_velocity))
        over = EnvStep(
            observation=values,
            reward=self._reward(action, -1.0),
            terminated=arrived,
            truncated=~arrived & (steps >= jnp.asarray(self.max_steps)),
        )
        return MountainCarState(values, steps), over
