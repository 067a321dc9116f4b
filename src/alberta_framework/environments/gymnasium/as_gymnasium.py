"""Environments in JAX as environments of Gymnasium."""

import functools as ft
from typing import Any

import jax
import jax.random as jr
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from ...compilation.boundary import strong
from ...components.numbers import action_number
from ...components.ranges import require_key
from ...components.state import AbstractState
from ...interface import ActionSpace, DiscreteActions
from ...interface.package import gymnasium_package
from ...lives.life import WorldKeysState, WorldKeyStream
from ..abstract import AbstractEnvironment, EnvStep


def as_gymnasium(environment: AbstractEnvironment) -> Any:
    """The environment as a `gymnasium.Env`, for a loop on the host.

    Observations are float32 arrays in a `Box` without bounds, actions those of a `Discrete` or a
    `Box`; `terminated` and `truncated` are the environment's own, and no wrapper of Gymnasium's
    adds to them. Each step is one compiled program, shared by all environments of one structure.

    - `reset(seed=seed)` begins a life of the world from `jax.random.key(seed)`; of a seed above
      2^32 - 1 the words are folded in.
    - `reset(options={"key": key})` begins it from a key: the very world that
      `interact(agent, environment, num_steps, key)` meets, if `reset()` is called where an episode
      ends and nowhere else. Its agent begins as
      `agent.init(size, jax.random.split(jax.random.split(key)[1])[0])`.
    - `reset()` begins the next episode of that life; the first time, a life like no other.

    `environment` is what was given; `world` its state, with that of the random numbers.

    **Raises:** `TypeError` for what is no environment in JAX; `ImportError` without Gymnasium. The
    environment's `step` raises `TypeError` or `ValueError` for an action that does not exist; one
    beyond the bounds of a box is left to the environment.
    """
    if not isinstance(environment, AbstractEnvironment):
        raise TypeError(
            f"as_gymnasium: `environment` must be an AbstractEnvironment, got {environment!r}."
        )
    return _env_class()(environment)


class HostWorldState(AbstractState):
    """The state of a world, where its random numbers stand, and the key of the next reset."""

    environment_state: Any
    keys: WorldKeysState
    reset_key: PRNGKeyArray


@jax.jit
def _begun(environment: AbstractEnvironment, key: PRNGKeyArray) -> tuple[HostWorldState, Array]:
    # As `interact` divides its key.
    world_key, life_key = jr.split(key)
    _, begin_key = jr.split(life_key)
    state, observation = environment.reset(begin_key)
    keys = WorldKeyStream().init(world_key)
    return HostWorldState(state, keys, jr.fold_in(begin_key, 0)), observation


@jax.jit
def _restarted(environment: AbstractEnvironment, world: HostWorldState) -> tuple[Any, Array]:
    state, observation = environment.restart(world.environment_state, world.reset_key)
    # Who resets again before a step sees another start.
    reset_key = jr.fold_in(world.reset_key, 0)
    return world.replace(environment_state=state, reset_key=reset_key), observation


@jax.jit
def _stepped(
    environment: AbstractEnvironment, world: HostWorldState, action: Array
) -> tuple[HostWorldState, EnvStep]:
    drawn, keys = WorldKeyStream().step(world.keys)
    state, now = environment.step(world.environment_state, action, drawn.step)
    return HostWorldState(state, keys, drawn.reset), now


def _key_of(seed: int) -> PRNGKeyArray:
    words = [(seed >> shift) & 0xFFFFFFFF for shift in range(0, max(seed.bit_length(), 1), 32)]
    return ft.reduce(jr.fold_in, words[1:], jr.key(words[0]))


def _action_of(space: ActionSpace, action: Any) -> np.ndarray:
    if isinstance(space, DiscreteActions):
        if isinstance(action, np.ndarray) and action.shape == (1,):
            action = action[0]
        return np.asarray(action_number("as_gymnasium: the action", action, space.n), np.int32)
    try:
        found = np.asarray(action, np.float32)
    except (TypeError, ValueError):
        found = np.asarray(np.nan, np.float32)
    if found.shape != space.shape or not np.all(np.isfinite(found)):
        raise ValueError(
            f"as_gymnasium: the action must be finite numbers of shape {space.shape}, got "
            f"{action!r}."
        )
    return found


@ft.cache
def _env_class() -> type:
    """The class, whose base is known when Gymnasium is imported."""
    gymnasium = gymnasium_package()
    spaces = gymnasium.spaces

    def space_of(space: ActionSpace) -> Any:
        if isinstance(space, DiscreteActions):
            return spaces.Discrete(space.n)
        return spaces.Box(space.low, space.high, space.shape, np.float32)

    class JaxEnvironment(gymnasium.Env):
        """An environment in JAX, behind Gymnasium's interface."""

        metadata = {"render_modes": []}  # noqa: RUF012  # Gymnasium's form

        def __init__(self, environment: AbstractEnvironment):
            self.environment, self.world = environment, None
            self._numbers = strong(environment)
            size = environment.observation_size
            self.observation_space = spaces.Box(-np.inf, np.inf, (size,), np.float32)
            self.action_space = space_of(environment.action_space)

        def reset(self, *, seed: int | None = None, options: dict | None = None):
            super().reset(seed=seed)
            options = dict(options or {})
            key = options.pop("key", None)
            if options or (key is not None and seed is not None):
                raise ValueError(
                    "as_gymnasium: `reset` takes a `seed` or the option `key`, got seed "
                    f"{seed} and options {sorted(options) + ['key'] * (key is not None)}."
                )
            if key is not None:
                key = require_key("as_gymnasium: reset", key)
            elif seed is not None:
                key = _key_of(int(seed))
            elif self.world is None:
                key = _key_of(int(self.np_random.integers(2**32)))
            if key is None:
                self.world, observation = _restarted(self._numbers, self.world)
            else:
                self.world, observation = _begun(self._numbers, key)
            return np.array(observation), {}

        def step(self, action: Any):
            if self.world is None:
                raise gymnasium.error.ResetNeeded("as_gymnasium: `step` before `reset`.")
            action = _action_of(self.environment.action_space, action)
            self.world, now = _stepped(self._numbers, self.world, action)
            now = jax.device_get(now)
            flags = bool(now.terminated), bool(now.truncated)
            return np.array(now.observation), float(now.reward), *flags, {}

    return JaxEnvironment
