"""Actions that stick: the last one is now and then done again."""

from typing import Any

import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from ...components.numbers import f32
from ...components.ranges import require_part, require_range
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import ActionSpace
from ...interface.action_spaces import blank_action
from ..abstract import AbstractEnvironment, EnvStep


class StickyActionsState(AbstractState):
    """The state of the environment, and the action that was done last, if there was one."""

    environment_state: Any
    action: Array
    acted: Bool[Array, ""]


class StickyActions(AbstractEnvironment[StickyActionsState]):
    """The environment with the action before done in place of the chosen one, now and then.

    With `probability` at each step, what was done at the step before is done again, itself perhaps
    a repetition. The first action of an episode is done as chosen.

    Source: Machado et al. (2018), "Revisiting the Arcade Learning Environment".

    **Arguments:** `environment`; `probability` in [0, 1].
    """

    environment: AbstractEnvironment
    probability: Hyperparameter = 0.25

    def __check_init__(self):
        require_part(self, "environment", AbstractEnvironment)
        require_range(self, "probability", 0.0, 1.0)

    @property
    def observation_size(self) -> int:
        return self.environment.observation_size

    @property
    def action_space(self) -> ActionSpace:
        return self.environment.action_space

    def reset(self, key: PRNGKeyArray) -> tuple[StickyActionsState, Float[Array, " observation"]]:
        return self._begun(*self.environment.reset(key))

    def step(
        self, state: StickyActionsState, action: Any, key: PRNGKeyArray
    ) -> tuple[StickyActionsState, EnvStep]:
        stick_key, key = jr.split(key)
        sticks = jr.uniform(stick_key, (), jnp.float32) < f32(self.probability)
        action = jnp.where(state.acted & sticks, state.action, action)
        inner, now = self.environment.step(state.environment_state, action, key)
        return StickyActionsState(inner, action, jnp.ones((), bool)), now

    def _restart(
        self, state: StickyActionsState, key: PRNGKeyArray
    ) -> tuple[StickyActionsState, Array]:
        return self._begun(*self.environment.restart(state.environment_state, key))

    def _begun(self, inner: Any, observation: Array) -> tuple[StickyActionsState, Array]:
        none = blank_action(self.action_space)
        return StickyActionsState(inner, none, jnp.zeros((), bool)), observation
