"""A pole on a cart, to be kept upright by pushing left and right."""

import math

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import f32
from ...components.ranges import require_range, require_steps
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep


class CartPoleState(AbstractState):
    """Position and velocity of the cart, angle and angular velocity of the pole, and the steps of
    the episode."""

    values: Float[Array, "4"]
    steps: Int[Array, ""]


class CartPole(AbstractEnvironment[CartPoleState]):
    """CartPole-v1 of Gymnasium: a reward of 1 at each step until the pole falls, 500 steps at most.

    Actions 0 and 1 push the cart to the left and to the right. With x, theta position and angle,
    m_c, m_p the masses, l half the pole's length, F the force:

        temp     = (F + m_p l theta'^2 sin theta) / (m_c + m_p)
        theta''  = (g sin theta - cos theta temp) / (l (4/3 - m_p cos^2 theta / (m_c + m_p)))
        x''      = temp - m_p l theta'' cos theta / (m_c + m_p)

    and one step of Euler's method of length `time_step`. Terminated where |x| or |theta| is above
    its limit; truncated after `max_steps` steps.

    Source: Barto, Sutton and Anderson (1983), as corrected by Florian (2007); the constants and the
    starts are Gymnasium's.

    **Arguments:** `gravity`, `cart_mass`, `pole_mass`, `half_length` (of the pole, m), `force`,
    `time_step` (s), `position_limit` (m), `angle_limit` (rad) > 0; `max_steps` >= 1.
    """

    gravity: Hyperparameter = 9.8
    cart_mass: Hyperparameter = 1.0
    pole_mass: Hyperparameter = 0.1
    half_length: Hyperparameter = 0.5
    force: Hyperparameter = 10.0
    time_step: Hyperparameter = 0.02
    position_limit: Hyperparameter = 2.4
    angle_limit: Hyperparameter = 12 * 2 * math.pi / 360
    max_steps: Hyperparameter = eqx.field(default=500, metadata={"counts_steps": True})

    def __check_init__(self):
        positive = "gravity cart_mass pole_mass half_length force time_step"
        for name in f"{positive} position_limit angle_limit".split():
            require_range(self, name, 0.0, open_low=True)
        require_steps(self, "max_steps")

    @property
    def observation_size(self) -> int:
        return 4

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(2)

    def reset(self, key: PRNGKeyArray) -> tuple[CartPoleState, Float[Array, "4"]]:
        """Each of the four numbers drawn uniformly from [-0.05, 0.05]."""
        values = jr.uniform(key, (4,), jnp.float32, -0.05, 0.05)
        return CartPoleState(values, jnp.zeros((), jnp.int32)), values

    def step(
        self, state: CartPoleState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[CartPoleState, EnvStep]:
        del key
        _, velocity, theta, spin = (state.values[i] for i in range(4))
        mass, length = f32(self.pole_mass), f32(self.half_length)
        total, force = f32(self.cart_mass) + mass, f32(self.force)
        force = jnp.where(action == 1, force, -force)
        cos, sin = jnp.cos(theta), jnp.sin(theta)
        temp = (force + mass * length * spin**2 * sin) / total
        turning = (f32(self.gravity) * sin - cos * temp) / (
            length * (4.0 / 3.0 - mass * cos**2 / total)
        )
        acceleration = temp - mass * length * turning * cos / total
        dt = f32(self.time_step)
        values = state.values + dt * jnp.stack([velocity, acceleration, spin, turning])
        steps = state.steps + 1
        fell = (jnp.abs(values[0]) > f32(self.position_limit)) | (
            jnp.abs(values[2]) > f32(self.angle_limit)
        )
        over = EnvStep(
            observation=values,
            reward=self._reward(action, 1.0),
            terminated=fell,
            truncated=~fell & (steps >= jnp.asarray(self.max_steps)),
        )
        return CartPoleState(values, steps), over
