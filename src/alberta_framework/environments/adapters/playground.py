"""Environments of the package playground, MuJoCo Playground."""

import functools as ft
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, PRNGKeyArray

from ...components.ranges import require_choice
from ...components.types import Hyperparameter
from ...interface import BoxActions
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

_SEEN = "state"


class PlaygroundEnvironment(AbstractAdapter):
    """A task of MuJoCo Playground: `PlaygroundEnvironment("CartpoleBalance")`.

    Actions are numbers in [-1, 1], one for each motor. Where a task offers several observations,
    what is seen is `"state"`, and not what its simulator alone knows.

    A simulation that diverges is `done` in Playground, in the tasks of DM Control never anything
    else. Here its step is rejected and the episode truncated, as it is by no means an end of the
    task.

    **Arguments:**

    - `env_id`: the name by which Playground registers it.
    - `impl`: what simulates it: `"jax"`, or `"warp"`, which needs a GPU of NVIDIA and MuJoCo Warp.
    - `time_limit`: an integer in [1, 2^31); None or infinity: none. Default `"package"`: the
      `episode_length` of the task.

    **Raises:** `ImportError` that names the extra where playground is missing; `ValueError` for a
    name that it does not know.
    """

    env_id: str = eqx.field(static=True)
    impl: str = eqx.field(static=True)
    time_limit: Hyperparameter | None = eqx.field(metadata={"counts_steps": True})

    def __init__(self, env_id: str, impl: str = "jax", time_limit: TimeLimitChoice = "package"):
        self.env_id = env_id
        self.impl = impl
        registry = imported("playground", "mujoco_playground").registry
        require_listed(self, "env_id", registry.ALL_ENVS)
        require_choice(type(self).__name__, "impl", impl, ("jax", "warp"))
        self.time_limit = chosen_limit(self._world(), time_limit)

    def __check_init__(self):
        require_limit(self)

    def _world(self) -> World:
        return _made(self.env_id, self.impl)

    def _begun(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        inner = self._world().inner.reset(key)
        return inner, _seen(inner.obs)

    def _moved(self, inner: Any, action: Any, key: PRNGKeyArray) -> Outcome:
        # It writes into the dictionaries of the state that it is given: they are copies.
        inner = jax.tree.map(lambda leaf: leaf, inner)
        if "rng" in inner.info:  # which its chance follows, if it knows any
            inner.info["rng"] = key
        after = self._world().inner.step(inner, action)
        return Outcome(after, _seen(after.obs), after.reward, after.done)

    def _sound(self, inner: Any) -> Bool[Array, ""]:
        moving = (inner.data.qpos, inner.data.qvel)
        return jnp.all(jnp.stack([jnp.all(jnp.isfinite(values)) for values in moving]))


def _seen(observation: Any) -> Any:
    if isinstance(observation, Mapping) and _SEEN in observation:
        return observation[_SEEN]
    return observation


@ft.cache
def _made(env_id: str, impl: str) -> World:
    registry = imported("playground", "mujoco_playground").registry
    config = registry.get_default_config(env_id)
    changes = {"impl": impl} if "impl" in config else None
    # Outside of any trace, as what is made is kept.
    with jax.ensure_compile_time_eval():
        inner = registry.load(env_id, config=config, config_overrides=changes)
    state = jax.eval_shape(inner.reset, jax.random.key(0))
    actions = BoxActions((int(inner.action_size),))
    return World(inner, vector_size(_seen(state.obs)), actions, int(config.episode_length))
