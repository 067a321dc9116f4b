"""Agents in environments on the host: one compiled call for each step.

Between the calls an agent's state is one array of words: to take a state in and out by its leaves
costs more than the step of a small agent.
"""

import functools as ft
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...compilation.boundary import strong
from ...compilation.execution_plan import Program, execution_plan
from ...compilation.one_kernel import ZERO, one_kernel
from ...compilation.packing import Packing, packed, unpacked
from ...control import AbstractAgent
from ...interface.action_spaces import ActionSpace, BoxActions, DiscreteActions
from ...interface.actions import SpaceActions
from ...interface.host import HostEnvironment
from ...interface.package import gymnasium_package
from ...learners import Lifecycle, born, metrics_of_step
from .log import Lived
from .walk import VectorWalk


class _HostLife:
    """What a single life and that of copies have in common."""

    def __init__(self, agent: AbstractAgent, feature_dim: int, state: Any, copies: int | None):
        self.copies = copies
        self._agent = strong(agent)
        self._packings = Packing(self._agent), Packing(state)
        self._fixed = packed(self._packings[0], self._agent)
        self._words = packed(self._packings[1], state)
        self._alone = execution_plan().one_kernel(self._agent, state)
        one = state if copies is None else jax.tree.map(lambda a: a[0], state)
        x, zero, no = jnp.zeros(feature_dim), jnp.zeros(()), jnp.zeros((), bool)
        found = jax.eval_shape(_metrics_of_a_step, self._agent, one, x, zero, no)
        self.names = tuple((name, shape.shape) for name, shape in found.items())

    @property
    def state(self) -> Any:
        """Of the agent, or of one for every copy."""
        return unpacked(self._packings[1], self._words)

    def _call(self, step: Any, seen: np.ndarray) -> Any:
        static = (step, self._packings, self._alone)
        words = self._words
        self._words, found = _stepped(self._alone, *static, ZERO, self._fixed, words, seen)
        return found


class SingleLife(_HostLife):
    """An agent in a single environment, which is reset at once."""

    def __init__(self, owner: str, agent: AbstractAgent, env: Any, seed: int, state: Any):
        self._host = HostEnvironment(owner, env)
        self._actions = host_actions(self._host, agent.action_space)
        size = self._host.observed.size
        if state is None:
            state = _new_agent(strong(agent), jax.random.key(seed), Lifecycle.begin(), size=size)
        super().__init__(agent, size, state, None)
        self._action = self._call(_start, self._host.reset(seed=seed))

    def step(self) -> Lived:
        found = self._host.step(self._actions.own(np.asarray(self._action)))
        observation, reward, terminated, truncated, _ = found
        action, metrics = self._call(_learn, _row(observation, reward, terminated, truncated))
        metrics = np.asarray(metrics)
        if terminated or truncated:
            action = self._call(_start, self._host.reset())
        self._action = action
        found = (reward, terminated, truncated, True, metrics[0] != 0.0)
        return Lived(metrics[1:], *map(np.asarray, found))


class LifeOfCopies(_HostLife):
    """Agents in the copies of a vector environment, in any of its autoreset modes."""

    def __init__(self, owner: str, agent: AbstractAgent, env: Any, seed: int, state: Any):
        self._walk = VectorWalk(owner, env, self._pending, seed, "onehot", "first", False)
        host = self._walk.host
        self._actions = host_actions(host, agent.action_space)
        copies, size = env.num_envs, host.observed.size
        if state is None:
            keys = jax.random.split(jax.random.key(seed), copies)
            state = _new_agents(strong(agent), keys, Lifecycle.begin(), size=size)
        super().__init__(agent, size, state, copies)
        self._action = self._call(_start_all, self._walk.observation)

    def _pending(self, observations: np.ndarray) -> Any:
        del observations
        return self._actions.batch(np.asarray(self._action))

    def step(self) -> Lived:
        walk = self._walk
        passage = walk.step()
        over = passage.terminated | passage.truncated
        # A copy begins at the observation of its reset, which came with this step or a late one.
        begins = ~passage.valid if walk.resets_late else over
        numbers = (passage.reward, passage.terminated, passage.truncated, passage.valid, begins)
        columns = np.column_stack(numbers).astype(np.float32)
        seen = np.concatenate([passage.next_observation, walk.observation, columns], axis=1)
        self._action, metrics = self._call(_learn_all, seen)
        valid, metrics = passage.valid, np.asarray(metrics)
        return Lived(
            np.where(valid[:, None], metrics[:, 1:], np.float32(np.nan)),
            passage.reward,
            passage.terminated & valid,
            passage.truncated & valid,
            valid,
            metrics[:, 0] != 0.0,
        )


class _BoxOfHost:
    """Actions of a Box: numbers in the shape that the environment expects."""

    def __init__(self, space: Any):
        self._shape, self._dtype = tuple(space.shape), np.dtype(space.dtype)

    def own(self, action: np.ndarray) -> np.ndarray:
        return np.asarray(action, self._dtype).reshape(self._shape)

    def batch(self, actions: np.ndarray) -> np.ndarray:
        return np.asarray(actions, self._dtype).reshape(len(actions), *self._shape)


def host_actions(host: HostEnvironment, own: ActionSpace) -> Any:
    """What an agent's actions are in an environment on the host.

    **Raises:** `ValueError` where they do not suit it.
    """
    space = host.space("action")
    if isinstance(own, DiscreteActions):
        actions = SpaceActions(host.where, space)
        if own.n > actions.n:
            raise ValueError(
                f"{host.where}: the agent has {own.n} actions, the environment {actions.n}."
            )
        return actions
    box = isinstance(space, gymnasium_package().spaces.Box)
    if not box or space.shape != own.shape or not _within(own, space):
        raise ValueError(
            f"{host.where}: the agent acts in {own}, which does not suit {space} of the "
            "environment."
        )
    return _BoxOfHost(space)


def _within(own: BoxActions, space: Any) -> bool:
    return bool(np.all(own.low >= space.low) and np.all(own.high <= space.high))


def _row(observation: np.ndarray, *numbers: Any) -> np.ndarray:
    with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
        return np.concatenate([observation, np.array(numbers, np.float32)])


@ft.partial(Program, static_argnums=(0, 1, 2), donate_argnums=5)
def _stepped(step, packings, alone, zero, fixed, words, seen):
    """A step on the words of a state: the words of its new state, and what the agent found."""

    def called(fixed, words, seen):
        agent, state = packings[0].unpack(fixed), packings[1].unpack(words)
        state, found = step(agent, state, seen)
        return packings[1].pack(state), found

    return one_kernel(zero, called, fixed, words, seen) if alone else called(fixed, words, seen)


def _start(agent, state, observation):
    action, state = agent.start(state, observation)
    return state, action


def _learn(agent, state, seen):
    observation, reward, terminated, truncated = seen[:-3], seen[-3], seen[-2] != 0, seen[-1] != 0
    found = agent.act_and_learn(state, reward, observation, terminated, truncated)
    return found.state, (found.action, _numbers(agent, found))


def _numbers(agent, found):
    """Whether the step was rejected, and its metrics."""
    values = metrics_of_step(agent, found.metrics).values()
    rejected = jnp.reshape(found.rejected, 1).astype(jnp.float32)
    return jnp.concatenate([rejected, *(jnp.ravel(value) for value in values)])


def _metrics_of_a_step(agent, state, observation, reward, flag):
    _, begun = agent.start(state, observation)
    found = agent.act_and_learn(begun, reward, observation, flag, flag)
    return metrics_of_step(agent, found.metrics)


def _start_all(agent, states, observations):
    return jax.vmap(ft.partial(_start, agent))(states, observations)


def _learn_all(agent, states, seen):
    def of_copy(state, seen):
        size = (seen.shape[0] - 5) // 2
        final, first, (reward, *flags) = seen[:size], seen[size : 2 * size], seen[2 * size :]
        terminated, truncated, valid, begins = (flag != 0 for flag in flags)
        found = agent.act_and_learn(state, reward, final, terminated, truncated)
        state = _chosen(valid, found.state, state)
        first_action, begun = agent.start(state, first)
        action = jnp.where(begins, first_action, found.action)
        numbers = _numbers(agent, found)
        return _chosen(begins, begun, state), (action, numbers)

    return jax.vmap(of_copy)(states, seen)


def _chosen(condition, new, old):
    return jax.tree.map(lambda a, b: jax.lax.select(condition, a, b), new, old)


@ft.partial(jax.jit, static_argnames="size")
def _new_agent(agent, key, alive, *, size):
    return born(agent.init(size, key), alive)


@ft.partial(jax.jit, static_argnames="size")
def _new_agents(agent, keys, alive, *, size):
    return jax.vmap(lambda key: born(agent.init(size, key), alive))(keys)
