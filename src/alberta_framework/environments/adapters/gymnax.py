"""Environments of the package gymnax."""

import functools as ft
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from ...components.numbers import f32
from ...components.ranges import require_steps
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import ActionSpace, BoxActions, DiscreteActions
from ..abstract import AbstractEnvironment, EnvStep


class GymnaxState(AbstractState):
    """The state that gymnax keeps."""

    inner: Any


class GymnaxEnvironment(AbstractEnvironment[GymnaxState]):
    """An environment of gymnax, of version 1.0.1 or later: `GymnaxEnvironment("Breakout-MinAtar")`.

    It is stepped without gymnax's own resets, so that the observation at the end of an episode is
    the true one; what gymnax's time limit ends is truncated, unless it is terminated there.
    Observations, images too, become float32 vectors.

    Each environment of MinAtar has a limit of 1000 steps in gymnax, Freeway one of 2500, of which
    the original has only that of Freeway: say which one is meant by `max_steps`.

    **Arguments:**

    - `env_id`: the name by which gymnax registers it.
    - `max_steps`: an integer in [1, 2^31); None: gymnax's own limit.
    - `params`: gymnax's parameters, whose numbers may then be swept; None: the default ones. They
      do not change the spaces, and a configuration cannot hold them.

    **Raises:** `ImportError` that names the extra where gymnax is missing, or too old; `ValueError`
    for a name that it does not know, and for observations that are no one array.
    """

    env_id: str = eqx.field(static=True)
    max_steps: Hyperparameter | None = eqx.field(default=None, metadata={"counts_steps": True})
    params: Any = eqx.field(default=None, metadata={"config": "omit_default"})

    def __check_init__(self):
        known = gymnax_package().registered_envs
        if self.env_id not in known:
            raise ValueError(
                f"GymnaxEnvironment: `env_id` must be one of {', '.join(known)}, got "
                f"{self.env_id!r}."
            )
        if self.max_steps is not None:
            require_steps(self, "max_steps")
        inner, params = _made(self.env_id)
        if getattr(inner.observation_space(params), "shape", None) is None:
            raise ValueError(
                f"GymnaxEnvironment: the observations of `env_id` {self.env_id!r} are no array."
            )

    @property
    def observation_size(self) -> int:
        inner, params = _made(self.env_id)
        return math.prod(inner.observation_space(params).shape)

    @property
    def action_space(self) -> ActionSpace:
        inner, params = _made(self.env_id)
        space = inner.action_space(params)
        if hasattr(space, "n"):
            return DiscreteActions(int(space.n))
        return BoxActions(tuple(space.shape), space.low, space.high)

    def reset(self, key: PRNGKeyArray) -> tuple[GymnaxState, Float[Array, " observation"]]:
        inner, params = self._inner()
        observation, state = inner.reset_env(key, params)
        return GymnaxState(_arrays(state)), _vector(observation)

    def step(
        self, state: GymnaxState, action: Any, key: PRNGKeyArray
    ) -> tuple[GymnaxState, EnvStep]:
        inner, params = self._inner()
        # Not `step`, which resets.
        observation, after, reward, terminated, _ = inner.step_env(key, state.inner, action, params)
        terminated = jnp.asarray(terminated, bool)
        cut = jnp.asarray(inner.is_truncated(after, params), bool)
        now = EnvStep(
            observation=_vector(observation),
            reward=self._reward(action, f32(reward)),
            terminated=terminated,
            truncated=cut & ~terminated,
        )
        return GymnaxState(_arrays(after)), now

    def _inner(self) -> tuple[Any, Any]:
        """gymnax's environment, and its parameters."""
        inner, params = _made(self.env_id)
        if self.params is not None:
            params = jax.tree.map(_of_kind, params, self.params)
        if self.max_steps is not None:
            params = params.replace(max_steps_in_episode=jnp.asarray(self.max_steps, jnp.int32))
        return inner, params


def _of_kind(like: Any, value: Any) -> Any:
    """The number as an integer where gymnax has one: loops make every number a float32."""
    whole = isinstance(like, int) and not isinstance(like, bool)
    return jnp.asarray(value).astype(jnp.int32) if whole else value


def _arrays(state: Any) -> Any:
    """The state with numbers of Python as arrays, which it holds after a reset."""

    def array(leaf):
        found = jnp.asarray(leaf)
        is_key = jnp.issubdtype(found.dtype, jax.dtypes.prng_key)
        return found if is_key else jax.lax.convert_element_type(found, found.dtype)

    return jax.tree.map(array, state)


def _vector(observation: Any) -> Float[Array, " observation"]:
    return f32(jnp.ravel(observation))


@ft.cache
def _made(env_id: str) -> tuple[Any, Any]:
    # Outside of any trace, as what is made is kept.
    with jax.ensure_compile_time_eval():
        inner, params = gymnax_package().make(env_id)
    if not hasattr(inner, "is_truncated"):
        raise ImportError(
            "GymnaxEnvironment needs gymnax 1.0.1 or later. It comes with the gymnax extra: "
            "pip install 'alberta_framework[gymnax]'",
            name="gymnax",
        )
    return inner, params


def gymnax_package() -> Any:
    """The package; an `ImportError` that names the extra where it cannot be imported."""
    try:
        import gymnax  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ImportError(
            "`gymnax` cannot be imported. It comes with the gymnax extra: "
            "pip install 'alberta_framework[gymnax]'",
            name="gymnax",
        ) from error
    return gymnax
