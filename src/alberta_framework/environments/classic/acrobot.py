"""Two links that hang from a bar, to be swung up by a motor between them."""

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


class AcrobotState(AbstractState):
    """Angles of the first link and of the second against it, their velocities, and the steps of
    the episode."""

    values: Float[Array, "4"]
    steps: Int[Array, ""]


class Acrobot(AbstractEnvironment[AcrobotState]):
    """Acrobot-v1 of Gymnasium: a reward of -1 at each step up to the goal, 500 steps at most.

    Actions 0, 1, 2 are a torque of -1, 0 and 1 times `torque` between the links. With a, b the
    angles, m_i masses, c_i distances of the centres of mass, l the first link's length, I inertia:

        d1   = m_1 c_1^2 + m_2 (l^2 + c_2^2 + 2 l c_2 cos b) + 2 I
        d2   = m_2 (c_2^2 + l c_2 cos b) + I
        phi2 = m_2 c_2 g sin(a + b)
        phi1 = -m_2 l c_2 b'(b' + 2 a') sin b + (m_1 c_1 + m_2 l) g sin a + phi2
        b''  = (torque + phi1 d2 / d1 - m_2 l c_2 a'^2 sin b - phi2) / (m_2 c_2^2 + I - d2^2 / d1)
        a''  = -(d2 b'' + phi1) / d1

    and one step of the Runge-Kutta method of order 4 of length `time_step`; angles are kept within
    [-pi, pi], velocities clipped. Observed are cos a, sin a, cos b, sin b, a', b'. Terminated, with
    a reward of 0, where the tip is above the height of one link: -cos a - cos(a + b) > 1; truncated
    after `max_steps` steps.

    Source: Sutton (1996), equations of Sutton and Barto (1998); constants and starts of Gymnasium.

    **Arguments:** all > 0: `gravity`; `first_mass`, `second_mass`; `first_length`; `first_center`,
    `second_center`; `inertia` (of each link); `torque`; `time_step` (s); `first_speed_limit`,
    `second_speed_limit` (rad/s); `max_steps` >= 1.
    """

    gravity: Hyperparameter = 9.8
    first_mass: Hyperparameter = 1.0
    second_mass: Hyperparameter = 1.0
    first_length: Hyperparameter = 1.0
    first_center: Hyperparameter = 0.5
    second_center: Hyperparameter = 0.5
    inertia: Hyperparameter = 1.0
    torque: Hyperparameter = 1.0
    time_step: Hyperparameter = 0.2
    first_speed_limit: Hyperparameter = 4 * math.pi
    second_speed_limit: Hyperparameter = 9 * math.pi
    max_steps: Hyperparameter = eqx.field(default=500, metadata={"counts_steps": True})

    def __check_init__(self):
        links = "gravity first_mass second_mass first_length first_center second_center inertia"
        rest = "torque time_step first_speed_limit second_speed_limit"
        for name in f"{links} {rest}".split():
            require_range(self, name, 0.0, open_low=True)
        require_steps(self, "max_steps")

    @property
    def observation_size(self) -> int:
        return 6

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(3)

    def reset(self, key: PRNGKeyArray) -> tuple[AcrobotState, Float[Array, "6"]]:
        """Angles and velocities drawn uniformly from [-0.1, 0.1]."""
        values = jr.uniform(key, (4,), jnp.float32, -0.1, 0.1)
        return AcrobotState(values, jnp.zeros((), jnp.int32)), _observed(values)

    def step(
        self, state: AcrobotState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[AcrobotState, EnvStep]:
        del key
        torque, dt = f32(self.torque) * (f32(action) - 1.0), f32(self.time_step)
        y = state.values
        k1 = self._slope(y, torque)
        k2 = self._slope(y + dt / 2.0 * k1, torque)
        k3 = self._slope(y + dt / 2.0 * k2, torque)
        k4 = self._slope(y + dt * k3, torque)
        y = y + dt / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
        limits = jnp.stack([f32(self.first_speed_limit), f32(self.second_speed_limit)])
        values = jnp.concatenate([_within_a_turn(y[:2]), jnp.clip(y[2:], -limits, limits)])
        steps = state.steps + 1
        risen = -jnp.cos(values[0]) - jnp.cos(values[0] + values[1]) > 1.0
        over = EnvStep(
            observation=_observed(values),
            reward=self._reward(action, jnp.where(risen, 0.0, -1.0)),
            terminated=risen,
            truncated=~risen & (steps >= jnp.asarray(self.max_steps)),
        )
        return AcrobotState(values, steps), over

    def _slope(self, values: Float[Array, "4"], torque: Float[Array, ""]) -> Float[Array, "4"]:
        a, b, da, db = (values[i] for i in range(4))
        m1, m2, g = f32(self.first_mass), f32(self.second_mass), f32(self.gravity)
        length, inertia = f32(self.first_length), f32(self.inertia)
        c1, c2 = f32(self.first_center), f32(self.second_center)
        cos, sin = jnp.cos(b), jnp.sin(b)
        lever = m2 * length * c2
        d1 = m1 * c1**2 + m2 * (length**2 + c2**2) + 2.0 * lever * cos + 2.0 * inertia
        d2 = m2 * c2**2 + lever * cos + inertia
        phi2 = m2 * c2 * g * jnp.sin(a + b)
        phi1 = -lever * db * (db + 2.0 * da) * sin + (m1 * c1 + m2 * length) * g * jnp.sin(a) + phi2
        ddb = (torque + d2 / d1 * phi1 - lever * da**2 * sin - phi2) / (
            m2 * c2**2 + inertia - d2**2 / d1
        )
        dda = -(d2 * ddb + phi1) / d1
        return jnp.stack([da, db, dda, ddb])


def _within_a_turn(angles: Float[Array, "2"]) -> Float[Array, "2"]:
    return angles - 2.0 * math.pi * jnp.round(angles / (2.0 * math.pi))


def _observed(values: Float[Array, "4"]) -> Float[Array, "6"]:
    a, b = values[0], values[1]
    return jnp.concatenate(
        [jnp.stack([jnp.cos(a), jnp.sin(a), jnp.cos(b), jnp.sin(b)]), values[2:]]
    )
