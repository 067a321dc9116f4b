"""Agents in environments on the host: the one loop, and one compiled call for each step of it.

Between the calls an agent's state is one array of words: to take a state in and out by its leaves
costs more than the step of a small agent. So is what a step found.
"""

import functools as ft
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from ...compilation.execution_plan import Program, execution_plan
from ...compilation.one_kernel import ZERO, one_kernel
from ...compilation.packing import Packing, packed, unpacked
from ...interface import ActionSpace
from ...interface.failure import EnvironmentFailure
from ...interface.host import HostEnvironment
from ...learners import Lifecycle, born, initial_state, metrics_of_step
from .log import Lived
from .policies import Policy
from .walk import VectorWalk, WalkApart


def steps_of(life: "SingleLife | LifeOfCopies") -> Iterator[Lived]:
    """Act, step, learn, and begin anew at the end of an episode: every loop on the host.

    Whoever takes the steps has each before the next is taken, and before a failure of the
    environment that followed it is raised.
    """
    life.begin()
    while True:
        yield life.step()
        life.go_on()


def live(
    life: "SingleLife | LifeOfCopies",
    num_steps: int,
    note: Callable[[int, Lived], None],
    *,
    one_episode: bool = False,
) -> None:
    """`num_steps` steps, each noted; with `one_episode` fewer, where it ends before."""
    for step, lived in zip(range(num_steps), steps_of(life), strict=False):
        note(step, lived)
        if one_episode and life.over:
            return
    if num_steps:
        life.go_on()


class _HostLife:
    """What a single life and that of copies have in common."""

    def __init__(
        self,
        agent: Any,
        action_space: ActionSpace,
        feature_dim: int,
        state: Any,
        copies: int | None,
    ):
        self.copies = copies
        self._agent, self._feature_dim = agent, feature_dim
        self._packings = Packing(self._agent), Packing(state, Packing.MOST_WORDS)
        self._fixed = packed(self._packings[0], self._agent)
        self._words = packed(self._packings[1], state)
        self._alone = execution_plan().one_kernel(self._agent, state)
        self._stepped = _stepped.form(self._alone)
        self._in_action = math.prod(action_space.shape)

    @property
    def state(self) -> Any:
        """Of the agent, or of one for every copy."""
        return unpacked(self._packings[1], self._words)

    @property
    def names(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """The names of the metrics, and their shapes."""

        def of_a_step(agent, state):
            one = state if self.copies is None else jax.tree.map(lambda a: a[0], state)
            x, zero, no = jnp.zeros(self._feature_dim), jnp.zeros(()), jnp.zeros((), bool)
            _, begun = agent.start(one, x)
            return _metrics_of(agent, agent.act_and_learn(begun, zero, x, no, no))

        found = jax.eval_shape(of_a_step, self._agent, self.state)
        return tuple((name, shape.shape) for name, shape in found.items())

    def _call(self, step: Callable, seen: np.ndarray) -> np.ndarray:
        """The words of what a step found."""
        self._words, found = self._stepped(
            step, self._packings, self._alone, ZERO, self._fixed, self._words, seen
        )
        return np.asarray(found)


class SingleLife(_HostLife):
    """An agent in a single environment.

    **Arguments:** `agent`: its numbers as arrays. `seed`: of the first reset. `max_steps`: where a
    longer episode is truncated. `begins_ahead`: at a termination the agent sees the first
    observation of the next episode before it learns, by its
    `end_and_begin(state, reward, final, first)`, whose action is the first of that episode; else it
    learns the step as any other, and then starts.
    """

    def __init__(
        self,
        host: HostEnvironment,
        agent: Any,
        state: Any,
        *,
        seed: int | None = None,
        max_steps: int | None = None,
        begins_ahead: bool = False,
    ):
        self._host, self._actions = host, host.actions_of(agent.action_space)
        super().__init__(agent, agent.action_space, host.observed.size, state, None)
        self._seeding = {} if seed is None else {"seed": seed}
        self._max_steps, self._begins_ahead = max_steps, begins_ahead
        self._failure: EnvironmentFailure | None = None
        self.over = False

    def begin(self) -> None:
        """An episode."""
        self._action, self._steps = self._call(_start, self._reset()), 0

    def step(self) -> Lived:
        """Act, and learn what follows; `over` tells whether the episode is."""
        found = self._host.step(self._actions.own_of(self._action))
        observation, reward, terminated, truncated, _ = found
        self._steps += 1
        truncated = truncated or (self._steps == self._max_steps and not terminated)
        self.over = terminated or truncated
        first = self._first_ahead() if terminated and self._begins_ahead else None
        if first is None:
            words = self._call(_learn, _row(observation, (reward, terminated, truncated)))
        else:
            words = self._call(_end_and_begin, _row(observation, (*first, reward)))
            self._steps = 0
        n = self._in_action
        self._action = words[:n]
        metrics, rejected = words.view(np.float32)[n + 1 :], words.item(n) != 0
        return Lived(metrics, reward, terminated, truncated, True, rejected)

    def go_on(self) -> None:
        """Begin the next episode if this one is over, unless it was begun ahead."""
        if self._failure is not None:
            raise self._failure
        if self.over and self._steps:
            self.begin()

    def _reset(self) -> np.ndarray:
        seeding, self._seeding = self._seeding, {}
        return self._host.reset(**seeding)

    def _first_ahead(self) -> np.ndarray | None:
        """The first observation of the next episode; None where there is none, so that this one is
        learned to its end before the failure is raised."""
        try:
            return self._reset()
        except EnvironmentFailure as failure:
            self._failure = failure
            return None


class LifeOfCopies(_HostLife):
    """Agents in copies of an environment, one in each, which begin anew within a step.

    **Arguments:** `agent`: of all copies, or with `own` one for each along the first axis, its
    numbers as arrays; `action_space`: of each. `walk_with(policy)`: the copies, where the agents
    are the policy. `states`: of every copy's agent, as many as the walk has copies.
    """

    over = False

    def __init__(
        self,
        agent: Any,
        action_space: ActionSpace,
        walk_with: Callable[[Policy], VectorWalk | WalkApart],
        states: Any,
        *,
        own: bool = False,
    ):
        self._walk, self._own = walk_with(self._pending), own
        host = self._walk.host
        self._actions = host.actions_of(action_space)
        super().__init__(agent, action_space, host.observed.size, states, self._walk.copies)

    def begin(self) -> None:
        """The first episode of every copy."""
        self._action = self._call(_start_each if self._own else _start_all, self._walk.observation)

    def _pending(self, observations: np.ndarray) -> Any:
        del observations
        actions, vector = self._actions, self._walk.host.vector
        return (actions.batch_of if vector else actions.each_of)(self._action)

    def step(self) -> Lived:
        """Act, and learn what follows, in every copy."""
        walk = self._walk
        passage = walk.step()
        over = passage.terminated | passage.truncated
        # A copy begins at the observation of its reset, which came with this step or a late one.
        begins = ~passage.valid if walk.resets_late else over
        numbers = (passage.reward, passage.terminated, passage.truncated, passage.valid, begins)
        with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
            columns = np.column_stack(numbers).astype(np.float32)
        seen = np.concatenate([passage.next_observation, walk.observation, columns], axis=1)
        words = self._call(_learn_each if self._own else _learn_all, seen)
        n, valid = self._in_action, passage.valid
        self._action = words[:, :n]
        metrics, rejected = words.view(np.float32)[:, n + 1 :], words[:, n] != 0
        return Lived(
            np.where(valid[:, None], metrics, np.float32(np.nan)),
            passage.reward,
            passage.terminated & valid,
            passage.truncated & valid,
            valid,
            rejected,
        )

    def go_on(self) -> None:
        """Raise what failed where an episode should have begun."""
        self._walk.go_on()


def new_agent(agent: Any, feature_dim: int, seed: int) -> Any:
    """The state of an agent that is born now."""
    return _new_agent(agent, jax.random.key(seed), Lifecycle.begin(), size=feature_dim)


def new_agents(agent: Any, feature_dim: int, keys: Any, *, own: bool = False) -> Any:
    """The states of agents that are born now, one for each key; with `own` each of an agent of its
    own, along the first axis of `agent`."""
    return _new_agents(agent, keys, Lifecycle.begin(), size=feature_dim, own=own)


@np.errstate(over="ignore")  # out of float32's range is infinite, and rejected
def _row(observation: np.ndarray, numbers: Sequence[Any]) -> np.ndarray:
    """What a step sees as one row: one array into the call."""
    size = observation.size
    row = np.empty(size + len(numbers), np.float32)
    row[:size], row[size:] = observation, numbers
    return row


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
    return state, _words(agent, action)


def _learn(agent, state, seen):
    observation, reward, terminated, truncated = seen[:-3], seen[-3], seen[-2] != 0, seen[-1] != 0
    found = agent.act_and_learn(state, reward, observation, terminated, truncated)
    return found.state, _words_of_step(agent, found, found.action)


def _end_and_begin(agent, state, seen):
    (final, first), reward = jnp.reshape(seen[:-1], (2, -1)), seen[-1]
    found = agent.end_and_begin(state, reward, final, first)
    return found.state, _words_of_step(agent, found, found.action)


def _words_of_step(agent: Any, found: Any, action: Array) -> UInt32[Array, " words"]:
    """The action that comes next, whether the step was rejected, and its metrics."""
    values = _metrics_of(agent, found).values()
    return _words(agent, action, found.rejected.astype(jnp.uint32), *values)


def _metrics_of(agent: Any, found: Any) -> Mapping[str, Array]:
    # An agent may have nothing to tell.
    return metrics_of_step(agent, found.metrics) if jax.tree.leaves(found.metrics) else {}


def _words(agent: Any, action: Array, *numbers: Array) -> UInt32[Array, " words"]:
    # Bits and not numbers: an action keeps all of its 32.
    found = [action.astype(agent.action_space.dtype), *numbers]
    words = [jnp.ravel(jax.lax.bitcast_convert_type(array, jnp.uint32)) for array in found]
    return jnp.concatenate(words)


def _start_all(agent, states, observations):
    return jax.vmap(ft.partial(_start, agent))(states, observations)


def _start_each(agents, states, observations):
    return jax.vmap(_start)(agents, states, observations)


def _learn_all(agent, states, seen):
    return jax.vmap(ft.partial(_learn_of_copy, agent))(states, seen)


def _learn_each(agents, states, seen):
    return jax.vmap(_learn_of_copy)(agents, states, seen)


def _learn_of_copy(agent, state, seen):
    size = (seen.shape[0] - 5) // 2
    final, first, (reward, *flags) = seen[:size], seen[size : 2 * size], seen[2 * size :]
    terminated, truncated, valid, begins = (flag != 0 for flag in flags)
    found = agent.act_and_learn(state, reward, final, terminated, truncated)
    state = _chosen(valid, found.state, state)
    first_action, begun = agent.start(state, first)
    action = jnp.where(begins, first_action, found.action)
    return _chosen(begins, begun, state), _words_of_step(agent, found, action)


def _chosen(condition, new, old):
    return jax.tree.map(lambda a, b: jax.lax.select(condition, a, b), new, old)


@ft.partial(jax.jit, static_argnames="size")
def _new_agent(agent, key, alive, *, size):
    return born(agent.init(size, key), alive)


@ft.partial(jax.jit, static_argnames=("size", "own"))
def _new_agents(agent, keys, alive, *, size, own):
    def one(agent, key):
        return born(initial_state(agent, size, key), alive)

    return jax.vmap(one, in_axes=(0 if own else None, 0))(agent, keys)
