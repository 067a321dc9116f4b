"""Environments of the package continual-foragax."""

import functools as ft
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ...components.ranges import require_choice, require_count
from ...components.types import Hyperparameter
from ...interface import DiscreteActions
from .abstract import (
    AbstractAdapter,
    Outcome,
    TimeLimitChoice,
    World,
    chosen_limit,
    require_limit,
    require_listed,
    vector_size,
)
from .packages import imported


class ForagaxEnvironment(AbstractAdapter):
    """A world of Foragax: `ForagaxEnvironment("ForagaxBig-v5")`. It goes on for ever.

    An agent on a large grid gathers what grows there and is worth now more, now less; it sees the
    cells around it. Nothing terminates.

    **Arguments:**

    - `env_id`: the name by which foragax registers it.
    - `aperture_size`: the cells that are seen, in each direction, an odd integer >= 1; -1: all.
    - `observation_type`: `"color"`, `"object"` or `"rgb"`.
    - `reward_delay`: the steps after which what was gathered is worth its reward, an integer >= 0.
    - `time_limit`: an integer in [1, 2^31), after which an episode is truncated; None or infinity:
      none, as by default (`"package"`).

    **Raises:** `ImportError` that names the extra where the package is missing; `ValueError` for a
    name that it does not know.
    """

    time_limit: Hyperparameter | None = eqx.field(metadata={"counts_steps": True})
    env_id: str = eqx.field(static=True)
    aperture_size: int = eqx.field(static=True)
    observation_type: str = eqx.field(static=True)
    reward_delay: int = eqx.field(static=True)

    def __init__(
        self,
        env_id: str,
        aperture_size: int = 9,
        observation_type: str = "color",
        reward_delay: int = 0,
        time_limit: TimeLimitChoice = "package",
    ):
        registry = imported("foragax", "foragax.registry")
        self.env_id = env_id
        self.aperture_size = aperture_size
        self.observation_type = observation_type
        self.reward_delay = reward_delay
        require_listed(self, "env_id", [*registry.ENV_CONFIGS, *registry.ENV_ALIASES])
        owner = type(self).__name__
        require_choice(owner, "observation_type", observation_type, ("color", "object", "rgb"))
        require_count(owner, "reward_delay", reward_delay, 0)
        if aperture_size != -1:
            require_count(owner, "aperture_size", aperture_size)
        self.time_limit = chosen_limit(self._world(), time_limit)

    def __check_init__(self):
        require_limit(self)

    def _world(self) -> World:
        return _made(self.env_id, self.aperture_size, self.observation_type, self.reward_delay)[0]

    def _parts(self) -> tuple[Any, Any]:
        world, params = _made(
            self.env_id, self.aperture_size, self.observation_type, self.reward_delay
        )
        return world.inner, params

    def _begun(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        forest, params = self._parts()
        observation, inner = forest.reset_env(key, params)
        return inner, observation

    def _moved(self, inner: Any, action: Any, key: PRNGKeyArray) -> Outcome:
        forest, params = self._parts()
        observation, after, reward, _, _ = forest.step_env(key, inner, action, params)
        return Outcome(after, observation, reward, jnp.zeros((), bool))


@ft.cache
def _made(
    env_id: str, aperture_size: int, observation_type: str, reward_delay: int
) -> tuple[World, Any]:
    # Outside of any trace, as what is made is kept.
    with jax.ensure_compile_time_eval():
        inner = imported("foragax", "foragax.registry").make(
            env_id,
            observation_type=observation_type,
            aperture_size=aperture_size,
            reward_delay=reward_delay,
        )
        # It fills in a discount by a method that gymnax lost in version 1.0.
        inner.is_terminated = lambda state, params: jnp.zeros((), bool)
        params = inner.default_params
    observation, _ = jax.eval_shape(lambda key: inner.reset_env(key, params), jax.random.key(0))
    actions = DiscreteActions(int(inner.action_space(params).n))
    return World(inner, vector_size(observation), actions, None), params
