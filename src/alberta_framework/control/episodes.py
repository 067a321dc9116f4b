"""Loops of an agent in an environment: one compiled call for each step."""

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._compiled import strong
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
    agent: SARSAAgent, state: SARSAState, env: Any, max_steps: int = 10_000
) -> SARSAEpisodeResult:
    """Act and learn in a Gymnasium environment until the episode ends.

    Reaching `max_steps` is a truncation: the last step bootstraps and cuts the traces. Observations
    are flattened to float32. The elapsed time is added to the state's uptime.

    **Raises:** `ValueError`, `TypeError` for a bad `max_steps`.
    """
    require_count("run_sarsa_episode", "max_steps", max_steps)
    started = time.perf_counter()
    log = _Log()
    observation, _ = env.reset()
    action, state = _started(agent, state, observation)
    for step in range(1, max_steps + 1):
        observation, reward, terminated, truncated, _ = env.step(action)
        ends = bool(terminated), bool(truncated) or (step == max_steps and not terminated)
        state, found = _act_and_learn(
            strong(agent), state, np.float32(reward), _flat(observation), ends
        )
        action = log.keep(float(reward), found)
        if any(ends):
            break
    state = with_uptime(jax.block_until_ready(state), time.perf_counter() - started)
    return SARSAEpisodeResult(
        state, sum(log.rewards), len(log.rewards), log.rewards, log.q_values, log.td_errors
    )


def run_sarsa_continuing(
    agent: SARSAAgent, state: SARSAState, env: Any, num_steps: int
) -> SARSAContinuingResult:
    """Act and learn for `num_steps` steps, going on at the end of each episode.

    A termination does not bootstrap, and the first action of the next episode is the step's own
    choice; a truncation bootstraps from the true final observation, cuts the traces and starts
    anew. The environment is reset at the start of every call. The elapsed time is added to the
    state's uptime.

    **Raises:** `ValueError`, `TypeError` for a bad `num_steps`.
    """
    require_count("run_sarsa_continuing", "num_steps", num_steps, low=0)
    started = time.perf_counter()
    log = _Log()
    if num_steps:
        observation, _ = env.reset()
        action, state = _started(agent, state, observation)
    for _ in range(num_steps):
        final, reward, terminated, truncated, _ = env.step(action)
        final, reward = _flat(final), np.float32(reward)
        if terminated:
            first, _ = env.reset()
            state, found = _end_and_begin(strong(agent), state, reward, final, _flat(first))
            action = log.keep(float(reward), found)
        else:
            ends = False, bool(truncated)
            state, found = _act_and_learn(strong(agent), state, reward, final, ends)
            action = log.keep(float(reward), found)
            if truncated:
                observation, _ = env.reset()
                action, state = _started(agent, state, observation)
    state = with_uptime(jax.block_until_ready(state), time.perf_counter() - started)
    return SARSAContinuingResult(state, sum(log.rewards), log.rewards, log.q_values, log.td_errors)


class _Log:
    """What the loops hand back, read from the device once for each step."""

    def __init__(self):
        self.rewards: list[float] = []
        self.q_values: list[np.ndarray] = []
        self.td_errors: list[float] = []

    def keep(self, reward: float, found: Array) -> int:
        """Note a step; the action that comes next."""
        row = np.asarray(found)
        self.rewards.append(reward)
        self.td_errors.append(float(row[1]))
        self.q_values.append(row[2:])
        return int(row[0])


def _flat(observation: Any) -> np.ndarray:
    return np.asarray(observation, np.float32).reshape(-1)


def _started(agent: SARSAAgent, state: SARSAState, observation: Any) -> tuple[int, SARSAState]:
    action, state = agent.start(state, _flat(observation))
    return int(action), state


@jax.jit
def _act_and_learn(agent, state, reward, observation, ends):
    result = agent.act_and_learn(state, reward, observation, *ends)
    return result.state, _row(result.action, result)


@jax.jit
def _end_and_begin(agent, state, reward, final, first):
    """Learn a termination; the one choice of the step is the first action of the next episode."""
    action, key = agent.select_action(state, first)
    result = agent.update(state, reward, final, True, action)
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
    """Action, TD error and Q values as one array: one transfer from the device."""
    head = jnp.stack([action.astype(jnp.float32), result.td_error])
    return jnp.concatenate([head, result.q_values])
