"""Environments of the package craftax."""

import functools as ft
from typing import Any

import equinox as eqx
import jax
from jaxtyping import PRNGKeyArray

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

_IDS = (
    "Craftax-Symbolic-v1",
    "Craftax-Pixels-v1",
    "Craftax-Classic-Symbolic-v1",
    "Craftax-Classic-Pixels-v1",
)
_MODULE = "craftax.craftax_env"
_NEVER = 2**31 - 1


class CraftaxEnvironment(AbstractAdapter):
    """The open world of Craftax: `CraftaxEnvironment("Craftax-Symbolic-v1")`.

    **Arguments:**

    - `env_id`: `"Craftax-Symbolic-v1"`, `"Craftax-Pixels-v1"`, or either with `"-Classic"` after
      `"Craftax"`, which is Crafter's smaller world.
    - `time_limit`: an integer in [1, 2^31); None or infinity: none. Default `"package"`: Craftax's,
      100,000, and 10,000 in the classic world.

    **Raises:** `ImportError` that names the extra where craftax is missing; `ValueError` for
    another name.
    """

    env_id: str = eqx.field(static=True)
    time_limit: Hyperparameter | None = eqx.field(metadata={"counts_steps": True})

    def __init__(self, env_id: str, time_limit: TimeLimitChoice = "package"):
        imported("craftax", _MODULE)
        self.env_id = env_id
        require_listed(self, "env_id", _IDS)
        self.time_limit = chosen_limit(self._world(), time_limit)

    def __check_init__(self):
        require_limit(self)

    def _world(self) -> World:
        return _made(self.env_id)[0]

    def _begun(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        world, params = _made(self.env_id)
        observation, inner = world.inner.reset_env(key, params)
        return inner, observation

    def _moved(self, inner: Any, action: Any, key: PRNGKeyArray) -> Outcome:
        world, params = _made(self.env_id)
        # Its `done` holds the limit too, which `params` puts off for ever.
        observation, after, reward, terminated, _ = world.inner.step_env(key, inner, action, params)
        return Outcome(after, observation, reward, terminated)


@ft.cache
def _made(env_id: str) -> tuple[World, Any]:
    make = imported("craftax", _MODULE).make_craftax_env_from_name
    # Outside of any trace, as what is made is kept.
    with jax.ensure_compile_time_eval():
        inner = make(env_id, auto_reset=False)
        params = inner.default_params
    limit, params = int(params.max_timesteps), params.replace(max_timesteps=_NEVER)
    observation, _ = jax.eval_shape(lambda key: inner.reset_env(key, params), jax.random.key(0))
    actions = DiscreteActions(int(inner.num_actions))
    return World(inner, vector_size(observation), actions, limit), params
