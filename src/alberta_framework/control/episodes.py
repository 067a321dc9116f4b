"""Loops of an agent in an environment: one compiled call for each step."""

import functools as ft
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._compiled import strong
from .._component import AbstractComponent
from .._execution_plan import Program, execution_plan
from .._one_kernel import ZERO, one_kernel
from .._packing import Packing, packed, unpacked
from .._ranges import require_count
from .._state import AbstractState
from ..learners import with_uptime
from .sarsa import SARSAAgent, SARSAState


class SARSAEpisodeResult(AbstractState):
    """What an episode gave; the lists have an entry for each step, in Python floats and arrays."""

    state: SARSAState
    total_reward: float
    num_steps: int
    rewards: list[float]
    q_values: list[Float[np.ndarray, " actions"]]
    td_errors: list[float]


class SARSAContinuingResult(AbstractState):
    """What a run over episode ends gave; the lists have an entry for each step."""

    state: SARSAState
    total_reward: float
    rewards: list[float]
    q_values: list[Float[np.ndarray, " actions"]]
    td_errors: list[float]


def run_sarsa_episode(
    agent: SARSAAgent,
    state: SARSAState,
    env: Any,
    max_steps: int = 10_000,
    *,
    features: AbstractComponent | None = None,
) -> SARSAEpisodeResult:
    """Act and learn in a Gymnasium environment until the episode ends.

    Reaching `max_steps` is a truncation: the last step bootstraps and cuts the traces. Observations
    are flattened to float32. The elapsed time is added to the state's uptime.

    **Arguments:** `features`, keyword only: what the agent sees of an observation, as a
    `TileCoder`; default the observation itself.

    **Raises:** `ValueError`, `TypeError` for a bad `max_steps`.
    """
    require_count("run_sarsa_episode", "max_steps", max_steps)
    started, log = time.perf_counter(), _Log()
    life = _Life(agent, features, state)
    action = life.start(env.reset()[0])
    for step in range(1, max_steps + 1):
        observation, reward, terminated, truncated, _ = env.step(action)
        truncated = bool(truncated) or (step == max_steps and not terminated)
        found = life.act_and_learn(reward, observation, terminated, truncated)
        action = log.keep(reward, found)
        if terminated or truncated:
            break
    state = with_uptime(jax.block_until_ready(life.state), time.perf_counter() - started)
    return SARSAEpisodeResult(
        state, sum(log.rewards), len(log.rewards), log.rewards, log.q_values, log.td_errors
    )


def run_sarsa_continuing(
    agent: SARSAAgent,
    state: SARSAState,
    env: Any,
    num_steps: int,
    *,
    features: AbstractComponent | None = None,
) -> SARSAContinuingResult:
    """Act and learn for `num_steps` steps, going on at the end of each episode.

    A termination does not bootstrap, and the first action of the next episode is the step's own
    choice; a truncation bootstraps from the true final observation, cuts the traces and starts
    anew. The environment is reset at the start of every call. The elapsed time is added to the
    state's uptime.

    **Arguments:** `features`, keyword only, as in `run_sarsa_episode`.

    **Raises:** `ValueError`, `TypeError` for a bad `num_steps`.
    """
    require_count("run_sarsa_continuing", "num_steps", num_steps, low=0)
    started, log = time.perf_counter(), _Log()
    life = _Life(agent, features, state)
    action = life.start(env.reset()[0]) if num_steps else 0
    for _ in range(num_steps):
        observation, reward, terminated, truncated, _ = env.step(action)
        if terminated:
            found = life.end_and_begin(reward, observation, env.reset()[0])
        else:
            found = life.act_and_learn(reward, observation, False, truncated)
        action = log.keep(reward, found)
        if truncated and not terminated:
            action = life.start(env.reset()[0])
    state = with_uptime(jax.block_until_ready(life.state), time.perf_counter() - started)
    return SARSAContinuingResult(state, sum(log.rewards), log.rewards, log.q_values, log.td_errors)


class _Log:
    """What the loops hand back, read from the device once for each step."""

    def __init__(self):
        self.rewards: list[float] = []
        self.q_values: list[np.ndarray] = []
        self.td_errors: list[float] = []

    def keep(self, reward: Any, found: Array) -> int:
        """Note a step; the action that comes next."""
        row = np.asarray(found)
        self.rewards.append(float(reward))
        self.td_errors.append(float(row[1]))
        self.q_values.append(row[2:])
        return int(row[0])


def _flat(observation: Any) -> np.ndarray:
    return np.asarray(observation, np.float32).reshape(-1)


class _Life:
    """An agent that acts and learns. Between the calls of one loop its state is one array of words:
    to take a state in and out by its leaves costs more than the step of a small agent."""

    def __init__(self, agent: SARSAAgent, features: AbstractComponent | None, state: SARSAState):
        fixed = strong(agent), strong(features)
        self._packings = Packing(fixed), Packing(state)
        self._fixed = packed(self._packings[0], fixed)
        self._words = packed(self._packings[1], state)
        self._alone = execution_plan().one_kernel(fixed, state)

    @property
    def state(self) -> SARSAState:
        return unpacked(self._packings[1], self._words)

    def start(self, observation: Any) -> int:
        return int(self._call(_start, _flat(observation)))

    def act_and_learn(self, reward: Any, observation: Any, *ends: Any) -> Array:
        return self._call(_act_and_learn, _row_of(observation, reward, *ends))

    def end_and_begin(self, reward: Any, final: Any, first: Any) -> Array:
        return self._call(_end_and_begin, _row_of(_flat(final), *_flat(first), reward))

    def _call(self, step: Callable, seen: np.ndarray) -> Array:
        static = (step, self._packings, self._alone)
        words = self._words
        self._words, found = _stepped(self._alone, *static, ZERO, self._fixed, words, seen)
        return found


def _row_of(observation: Any, *numbers: Any) -> np.ndarray:
    """What a step sees as one row: one array into the call."""
    return np.concatenate([_flat(observation), np.array(numbers, np.float32)])


@ft.partial(Program, static_argnums=(0, 1, 2), donate_argnums=5)
def _stepped(step, packings, alone, zero, fixed, words, seen):
    """A step on the words of a state: the words of its new state, and what the agent found."""

    def called(fixed, words, seen):
        (agent, features), state = (
            packing.unpack(part) for packing, part in zip(packings, (fixed, words), strict=True)
        )
        state, found = step(agent, features or (lambda observation: observation), state, seen)
        return packings[1].pack(state), found

    return one_kernel(zero, called, fixed, words, seen) if alone else called(fixed, words, seen)


def _start(agent, features, state, observation):
    action, state = agent.start(state, features(observation))
    return state, action


def _act_and_learn(agent, features, state, seen):
    observation, (reward, terminated, truncated) = seen[:-3], seen[-3:]
    result = agent.act_and_learn(state, reward, features(observation), terminated, truncated)
    return result.state, _row(result.action, result)


def _end_and_begin(agent, features, state, seen):
    """Learn a termination; the one choice of the step is the first action of the next episode."""
    (final, first), reward = jnp.reshape(seen[:-1], (2, -1)), seen[-1]
    first = features(first)
    action, key = agent.select_action(state, first)
    result = agent.update(state, reward, features(final), True, action)
    # What leads nowhere bootstraps from nothing: the traces are gone with the next step.
    state = result.state.replace(
        rng_key=key,
        last_action=action,
        last_observation=first,
        learner_state=_cut_if(result.rejected, agent, result.state.learner_state),
    )
    return state, _row(action, result)


def _cut_if(rejected, agent, learner_state):
    cut = agent.horde.reset_traces(learner_state)
    return jax.tree.map(lambda a, b: jnp.where(rejected, a, b), cut, learner_state)


def _row(action, result):
    head = jnp.stack([action.astype(jnp.float32), result.td_error])
    return jnp.concatenate([head, result.q_values])
