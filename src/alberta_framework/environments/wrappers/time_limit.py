"""Episodes that are cut after so many steps."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ...components.ranges import require_part, require_steps
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import ActionSpace
from ..abstract import AbstractEnvironment, EnvStep


class TimeLimitState(AbstractState):
    """The state of the environment, and the steps of the episode."""

    environment_state: Any
    steps: Int[Array, ""]


class TimeLimit(AbstractEnvironment[TimeLimitState]):
    """The environment with its episodes truncated after `max_steps` steps.

    A step that terminates the episode is not truncated as well. The limit of the environment's own,
    if it has one, holds too.

    **Arguments:** `environment`; `max_steps`: an integer in [1, 2^31).
    """

    environment: AbstractEnvironment
    max_steps: Hyperparameter = eqx.field(metadata={"counts_steps": True})

    def __check_init__(self):
        require_part(self, "environment", AbstractEnvironment)
        require_steps(self, "max_steps")

    @property
    def observation_size(self) -> int:
        return self.environment.observation_size

    @property
    def action_space(self) -> ActionSpace:
        return self.environment.action_space

    def reset(self, key: PRNGKeyArray) -> tuple[TimeLimitState, Float[Array, " observation"]]:
        return _begun(*self.environment.reset(key))

    def step(
        self, state: TimeLimitState, action: Any, key: PRNGKeyArray
    ) -> tuple[TimeLimitState, EnvStep]:
        inner, now = self.environment.step(state.environment_state, action, key)
        steps = state.steps + 1
        cut = ~now.terminated & (steps >= jnp.asarray(self.max_steps))
        return TimeLimitState(inner, steps), now.replace(truncated=now.truncated | cut)

    def _restart(self, state: TimeLimitState, key: PRNGKeyArray) -> tuple[TimeLimitState, Array]:
        return _begun(*self.environment.restart(state.environment_state, key))


def _begun(inner: Any, observation: Array) -> tuple[TimeLimitState, Array]:
    return TimeLimitState(inner, jnp.zeros((), jnp.int32)), observation
