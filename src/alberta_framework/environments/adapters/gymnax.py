"""Environments of the package gymnax."""

import functools as ft
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray

from ...components.types import Hyperparameter
from ...interface import BoxActions, DiscreteActions
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
from .packages import imported, too_old

_MINATAR = "-MinAtar"


class GymnaxEnvironment(AbstractAdapter):
    """An environment of gymnax, of version 1.0.1 or later: `GymnaxEnvironment("CartPole-v1")`.

    The games of MinAtar have a limit of 1000 steps in gymnax, Freeway one of 2500. Of the original
    games only Freeway has one, of 2500 steps, and there it terminates; they also repeat the last
    action with probability 0.1. So their `time_limit` has to be said, and Breakout as its authors
    play it is

        StickyActions(GymnaxEnvironment("Breakout-MinAtar", time_limit=None), 0.1)

    **Arguments:**

    - `env_id`: the name by which gymnax registers it.
    - `time_limit`: an integer in [1, 2^31); None or infinity: none. Default `"package"`: gymnax's.
    - `params`: gymnax's parameters, whose numbers may then be swept; None: the default ones. They
      do not change the spaces, and a configuration cannot hold them.

    **Raises:** `ImportError` that names the extra where gymnax is missing, or too old; `ValueError`
    for a name that it does not know, and for a game of MinAtar without a `time_limit`.
    """

    env_id: str = eqx.field(static=True)
    time_limit: Hyperparameter | None = eqx.field(metadata={"counts_steps": True})
    params: Any = eqx.field(metadata={"config": "omit_default"})

    def __init__(self, env_id: str, time_limit: TimeLimitChoice = "package", params: Any = None):
        self.env_id = env_id
        require_listed(self, "env_id", imported("gymnax", "gymnax").registered_envs)
        if time_limit == "package" and env_id.endswith(_MINATAR):
            raise ValueError(
                f"GymnaxEnvironment: `time_limit` of {env_id!r} must be said: None for none, as in "
                "the original games but Freeway (2500), or an integer; gymnax's own are 1000, and "
                "2500 in Freeway."
            )
        world = self._world()
        if params is not None:
            world = world._replace(time_limit=_limit(params))
        self.time_limit = chosen_limit(world, time_limit)
        self.params = params

    def __check_init__(self):
        require_limit(self)

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """That of what gymnax shows, before it is flattened."""
        inner, params = self._world().inner, _made(self.env_id)[1]
        seen, _ = jax.eval_shape(lambda key: inner.reset_env(key, params), jax.random.key(0))
        return tuple(seen.shape)

    def _world(self) -> World:
        return _made(self.env_id)[0]

    def _begun(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        observation, inner = self._world().inner.reset_env(key, self._parameters())
        return inner, observation

    def _moved(self, inner: Any, action: Any, key: PRNGKeyArray) -> Outcome:
        # Not `step`, which resets.
        observation, after, reward, terminated, _ = self._world().inner.step_env(
            key, inner, action, self._parameters()
        )
        return Outcome(after, observation, reward, terminated)

    def _parameters(self) -> Any:
        params = _made(self.env_id)[1]
        if self.params is not None:
            params = jax.tree.map(_of_kind, params, self.params)
        if self.time_limit is not None:  # which some show as a part of it that has passed
            params = params.replace(max_steps_in_episode=jnp.asarray(self.time_limit, jnp.int32))
        return params


def _of_kind(like: Any, value: Any) -> Any:
    """The number as an integer where gymnax has one: loops make every number a float32."""
    whole = isinstance(like, int) and not isinstance(like, bool)
    return jnp.asarray(value).astype(jnp.int32) if whole else value


def _limit(params: Any) -> Any:
    limit = params.max_steps_in_episode
    return int(limit) if isinstance(limit, int | float) else limit


@ft.cache
def _made(env_id: str) -> tuple[World, Any]:
    # Outside of any trace, as what is made is kept.
    with jax.ensure_compile_time_eval():
        inner, params = imported("gymnax", "gymnax").make(env_id)
    if not hasattr(inner, "is_truncated"):
        raise too_old("gymnax", "1.0.1")
    space = inner.action_space(params)
    actions = (
        DiscreteActions(int(space.n))
        if hasattr(space, "n")
        else BoxActions(tuple(space.shape), space.low, space.high)
    )
    observation, _ = jax.eval_shape(lambda key: inner.reset_env(key, params), jax.random.key(0))
    return World(inner, vector_size(observation), actions, _limit(params)), params
