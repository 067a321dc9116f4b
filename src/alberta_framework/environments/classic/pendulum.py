"""A pendulum with a motor too weak to lift it at once, to be held upright."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import f32
from ...components.ranges import require_range, require_steps
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import BoxActions
from ..abstract import AbstractEnvironment, EnvStep


class PendulumState(AbstractState):
    """Angle, 0 upright, and angular velocity, and the steps of the episode."""

    values: Float[Array, "2"]
    steps: Int[Array, ""]


class Pendulum(AbstractEnvironment[PendulumState]):
    """Pendulum-v1 of Gymnasium: the cost of not standing upright, for 200 steps.

    The action [1] is a torque u, clipped to [-max_torque, max_torque]. With a the angle:

        reward = -(a^2 + 0.1 a'^2 + 0.001 u^2)        of the state before the step, a in [-pi, pi]
        a' <- clip(a' + (3 g / (2 l) sin a + 3 u / (m l^2)) dt, -max_speed, max_speed)
        a  <- a + a' dt

    Observed are cos a, sin a, a'. Never terminated; truncated after `max_steps` steps. An episode
    starts with a drawn uniformly from [-pi, pi], a' from [-1, 1]. An action that is NaN is no
    torque, and has the reward NaN.

    Source: Gymnasium's form of a problem of Doya (2000).

    **Arguments:** `gravity` >= 0; `mass`, `length`, `time_step` (s), `max_speed` (rad/s) > 0;
    `max_steps` >= 1; `max_torque` > 0, static, since it bounds the action space.
    """

    gravity: Hyperparameter = 10.0
    mass: Hyperparameter = 1.0
    length: Hyperparameter = 1.0
    time_step: Hyperparameter = 0.05
    max_speed: Hyperparameter = 8.0
    max_steps: Hyperparameter = eqx.field(default=200, metadata={"counts_steps": True})
    max_torque: float = eqx.field(default=2.0, static=True)

    def __check_init__(self):
        require_range(self, "gravity", 0.0)
        for name in ("mass", "length", "time_step", "max_speed", "max_torque"):
            require_range(self, name, 0.0, open_low=True)
        require_steps(self, "max_steps")

    @property
    def observation_size(self) -> int:
        return 3

    @property
    def action_space(self) -> BoxActions:
        return BoxActions(1, -self.max_torque, self.max_torque)

    def reset(self, key: PRNGKeyArray) -> tuple[PendulumState, Float[Array, "3"]]:
        high = jnp.array([math.pi, 1.0], jnp.float32)
        values = jr.uniform(key, (2,), jnp.float32, -high, high)
        return PendulumState(values, jnp.zeros((), jnp.int32)), _observed(values)

    def step(
        self, state: PendulumState, action: Float[Array, "1"], key: PRNGKeyArray
    ) -> tuple[PendulumState, EnvStep]:
        del key
        angle, spin = state.values[0], state.values[1]
        known = ~jnp.isnan(action[0])
        torque = jnp.where(known, jnp.clip(action[0], -self.max_torque, self.max_torque), 0.0)
        cost = angle**2 + 0.1 * spin**2 + 0.001 * torque**2
        gravity, mass, length = f32(self.gravity), f32(self.mass), f32(self.length)
        dt, speed = f32(self.time_step), f32(self.max_speed)
        turning = 1.5 * gravity / length * jnp.sin(angle) + 3.0 / (mass * length**2) * torque
        spin = jnp.clip(spin + turning * dt, -speed, speed)
        angle = angle + spin * dt
        # Within a turn, as a float32 angle that grows without end would lose its fraction.
        angle = angle - 2.0 * math.pi * jnp.round(angle / (2.0 * math.pi))
        values, steps = jnp.stack([angle, spin]), state.steps + 1
        over = EnvStep(
            observation=_observed(values),
            reward=jnp.where(known, -cost, jnp.nan),
            terminated=jnp.zeros((), bool),
            truncated=steps >= jnp.asarray(self.max_steps),
        )
        return PendulumState(values, steps), over


def _observed(values: Float[Array, "2"]) -> Float[Array, "3"]:
    return jnp.stack([jnp.cos(values[0]), jnp.sin(values[0]), values[1]])
