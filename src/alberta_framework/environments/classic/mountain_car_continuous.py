"""A car too weak for the hill, whose motor is set to any strength."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import f32
from ...components.ranges import require_at_most, require_range, require_steps
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import BoxActions
from ..abstract import AbstractEnvironment, EnvStep
from .valley import driven, start


class MountainCarContinuousState(AbstractState):
    """Position and velocity of the car, and the steps of the episode."""

    values: Float[Array, "2"]
    steps: Int[Array, ""]


class MountainCarContinuous(AbstractEnvironment[MountainCarContinuousState]):
    """MountainCarContinuous-v0 of Gymnasium: 100 at the goal, less what driving costs.

    The action [1] is a push u; what moves the car is `power` times u clipped to [-1, 1]. The reward
    is -0.1 u^2, of u as it came, and 100 more at the goal. With x, v position and velocity:

        v <- clip(v + power u - gravity cos 3x, -max_speed, max_speed)
        x <- clip(x + v, min_position, max_position);  v <- 0 where x is at its low end and v < 0

    Observed are x and v. Terminated where x >= `goal_position` and v >= `goal_velocity`; truncated
    after `max_steps` steps. An episode starts at rest, x drawn uniformly from [-0.6, -0.4]. An
    action that is NaN is no push, and has the reward NaN.

    Source: Moore (1990); the form, constants and starts of Gymnasium.

    **Arguments:** `power`, `gravity` >= 0 (per step squared); `max_speed` > 0 (per step);
    `min_position` <= `max_position`; `goal_position`, `goal_velocity`: numbers; `max_steps` >= 1.
    """

    power: Hyperparameter = 0.0015
    gravity: Hyperparameter = 0.0025
    max_speed: Hyperparameter = 0.07
    min_position: Hyperparameter = -1.2
    max_position: Hyperparameter = 0.6
    goal_position: Hyperparameter = 0.45
    goal_velocity: Hyperparameter = 0.0
    max_steps: Hyperparameter = eqx.field(default=999, metadata={"counts_steps": True})

    def __check_init__(self):
        for name in ("power", "gravity"):
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
    def action_space(self) -> BoxActions:
        return BoxActions(1, -1.0, 1.0)

    def reset(self, key: PRNGKeyArray) -> tuple[MountainCarContinuousState, Float[Array, "2"]]:
        values = start(key)
        return MountainCarContinuousState(values, jnp.zeros((), jnp.int32)), values

    def step(
        self, state: MountainCarContinuousState, action: Float[Array, "1"], key: PRNGKeyArray
    ) -> tuple[MountainCarContinuousState, EnvStep]:
        del key
        known = ~jnp.isnan(action[0])
        push = f32(self.power) * jnp.where(known, jnp.clip(action[0], -1.0, 1.0), 0.0)
        ends = self.min_position, self.max_position
        values = driven(state.values, push, self.gravity, self.max_speed, *ends)
        steps = state.steps + 1
        arrived = (values[0] >= f32(self.goal_position)) & (values[1] >= f32(self.goal_velocity))
        over = EnvStep(
            observation=values,
            # NaN as the action is.
            reward=jnp.where(arrived, 100.0, 0.0) - 0.1 * action[0] ** 2,
            terminated=arrived,
            truncated=~arrived & (steps >= jnp.asarray(self.max_steps)),
        )
        return MountainCarContinuousState(values, steps), over
