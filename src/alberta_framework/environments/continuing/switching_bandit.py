"""A bandit whose arms change their worth now and then."""

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.numbers import f32
from ...components.ranges import require_count, require_range, require_steps
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep


class SwitchingBanditState(AbstractState):
    """The expected reward of each arm, and the steps since it was drawn."""

    values: Float[Array, " arms"]
    steps: Int[Array, ""]


class SwitchingBandit(AbstractEnvironment[SwitchingBanditState]):
    """Arms whose expected rewards are all drawn anew after every `change_interval` steps.

        q(a) ~ value_std N(0, 1) at each change;   reward = q(action) + noise_std N(0, 1)

    Nothing is observed but a 1. Never terminated.

    Source: the testbed of Sutton and Barto (2018), section 2.3, with the abrupt changes of Garivier
    and Moulines (2011).

    **Arguments:** `n_arms` >= 1; `change_interval`: an integer in [1, 2^31); `value_std`,
    `noise_std` >= 0.
    """

    n_arms: int = eqx.field(default=10, static=True)
    change_interval: Hyperparameter = eqx.field(default=1000, metadata={"counts_steps": True})
    value_std: Hyperparameter = 1.0
    noise_std: Hyperparameter = 1.0

    def __check_init__(self):
        require_count("SwitchingBandit", "n_arms", self.n_arms)
        require_steps(self, "change_interval")
        require_range(self, "value_std", 0.0)
        require_range(self, "noise_std", 0.0)

    @property
    def observation_size(self) -> int:
        return 1

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(self.n_arms)

    def reset(self, key: PRNGKeyArray) -> tuple[SwitchingBanditState, Float[Array, "1"]]:
        state = SwitchingBanditState(self._values(key), jnp.zeros((), jnp.int32))
        return state, jnp.ones(1, jnp.float32)

    def step(
        self, state: SwitchingBanditState, action: Int[Array, ""], key: PRNGKeyArray
    ) -> tuple[SwitchingBanditState, EnvStep]:
        noise_key, value_key = jr.split(key)
        noise = f32(self.noise_std) * jr.normal(noise_key, (), jnp.float32)
        steps = state.steps + 1
        changes = steps >= jnp.asarray(self.change_interval)
        after = SwitchingBanditState(
            values=jnp.where(changes, self._values(value_key), state.values),
            steps=jnp.where(changes, 0, steps),
        )
        now = EnvStep(
            observation=jnp.ones(1, jnp.float32),
            reward=self._reward(action, state.values[action] + noise),
            terminated=jnp.zeros((), bool),
            truncated=jnp.zeros((), bool),
        )
        return after, now

    def _values(self, key: PRNGKeyArray) -> Float[Array, " arms"]:
        return f32(self.value_std) * jr.normal(key, (self.n_arms,), jnp.float32)
