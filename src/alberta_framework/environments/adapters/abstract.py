"""What every adapter does alike: true ends, one vector of float32 numbers, a limit that is told."""

import abc
import math
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ...components.numbers import all_finite, f32, truth
from ...components.ranges import require_steps
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import ActionSpace
from ..abstract import AbstractEnvironment, EnvStep

# What `time_limit` may be at construction; the field holds the number that it stands for.
TimeLimitChoice = Hyperparameter | None | Literal["package"]


class AdapterState(AbstractState):
    """The state that the package keeps, and the steps of the episode."""

    inner: Any
    steps: Int[Array, ""]


class World(NamedTuple):
    """An environment as its package makes it, and what is known of it.

    `time_limit`: the steps after which the package itself cuts an episode; None: it does not.
    """

    inner: Any
    observation_size: int
    action_space: ActionSpace
    time_limit: int | None


class Outcome(NamedTuple):
    """What the package says of a step, in its own types: its limits and resets left out."""

    inner: Any
    observation: Any
    reward: Any
    terminated: Any


class AbstractAdapter(AbstractEnvironment[AdapterState]):
    """An environment of another package.

    It is stepped without the package's own resets, so that the observation at the end of an episode
    is the true one. Observations, images and dictionaries too, become one float32 vector.

    The adapter counts the time limit, so that what ends there is truncated; a step that terminates
    the episode is not truncated as well. By default it is the package's own for this environment,
    read at construction: `time_limit` holds the number.

    Where what is seen or given is no longer finite, as where a simulation of bodies diverges, the
    reward is NaN, by which an agent rejects the step, and the episode is truncated.
    """

    time_limit: eqx.AbstractVar[Hyperparameter | None]

    @abc.abstractmethod
    def _world(self) -> World:
        """The package's environment, made once."""

    @abc.abstractmethod
    def _begun(self, key: PRNGKeyArray) -> tuple[Any, Any]:
        """The package's state in which an episode begins, and what is seen there."""

    @abc.abstractmethod
    def _moved(self, inner: Any, action: Any, key: PRNGKeyArray) -> Outcome:
        """What the package's own step comes to, without any limit and without a reset."""

    def _sound(self, inner: Any) -> Bool[Array, ""]:
        """Whether the package's state is one to go on from, beside what is seen of it."""
        del inner
        return jnp.ones((), bool)

    @property
    def observation_size(self) -> int:
        return self._world().observation_size

    @property
    def action_space(self) -> ActionSpace:
        return self._world().action_space

    def reset(self, key: PRNGKeyArray) -> tuple[AdapterState, Float[Array, " observation"]]:
        inner, observation = self._begun(key)
        return AdapterState(_arrays(inner), jnp.zeros((), jnp.int32)), _vector(observation)

    def step(
        self, state: AdapterState, action: Any, key: PRNGKeyArray
    ) -> tuple[AdapterState, EnvStep]:
        told = self._moved(state.inner, action, key)
        observation, reward = _vector(told.observation), f32(jnp.reshape(told.reward, ()))
        sound = all_finite((observation, reward)) & self._sound(told.inner)
        terminated = truth(jnp.reshape(told.terminated, ())) & sound
        steps, over = state.steps, ~sound
        if self.time_limit is not None:  # without one nothing need be counted
            steps = steps + 1
            over = over | (steps >= jnp.asarray(self.time_limit, jnp.int32))
        now = EnvStep(
            observation=observation,
            reward=self._reward(action, jnp.where(sound, reward, jnp.float32(jnp.nan))),
            terminated=terminated,
            truncated=over & ~terminated,
        )
        return AdapterState(_arrays(told.inner), steps), now


def chosen_limit(world: World, time_limit: Any) -> Any:
    """The number that `time_limit` stands for, None where there is no limit."""
    if isinstance(time_limit, str) and time_limit == "package":
        return world.time_limit
    if isinstance(time_limit, float) and time_limit == math.inf:
        return None
    return time_limit


def require_limit(adapter: AbstractAdapter) -> None:
    """Check that the time limit is one.

    **Raises:** `TypeError` and `ValueError` as `require_steps`.
    """
    if adapter.time_limit is not None:
        require_steps(adapter, "time_limit")


def require_listed(adapter: AbstractAdapter, name: str, known: Any) -> None:
    """Check that the field `name` is one of the names that the package knows.

    **Raises:** `ValueError` that lists them.
    """
    value = getattr(adapter, name)
    if value not in known:
        raise ValueError(
            f"{type(adapter).__name__}: `{name}` must be one of {', '.join(known)}, got {value!r}."
        )


def vector_size(observation: Any) -> int:
    """How many numbers an observation has, given it or its shapes."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(observation))


def _vector(observation: Any) -> Float[Array, " observation"]:
    leaves = [f32(jnp.ravel(jnp.asarray(leaf))) for leaf in jax.tree.leaves(observation)]
    return leaves[0] if len(leaves) == 1 else jnp.concatenate(leaves)


def _arrays(state: Any) -> Any:
    """The state with numbers of Python as arrays, which it may hold after a reset."""

    def array(leaf: Any) -> Array:
        found = jnp.asarray(leaf)
        is_key = jnp.issubdtype(found.dtype, jax.dtypes.prng_key)
        return found if is_key else jax.lax.convert_element_type(found, found.dtype)

    return jax.tree.map(array, state)
