"""Loops of an agent in an environment: one compiled call for each step."""

import functools as ft
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..compilation.boundary import strong
from ..compilation.execution_plan import Program, execution_plan
from ..compilation.one_kernel import ZERO, one_kernel
from ..compilation.packing import Packing, packed, unpacked
from ..components.component import AbstractComponent
from ..components.ranges import require_count
from ..components.state import AbstractState, require_state
from ..interface.failure import EnvironmentFailure, handing_back
from ..interface.host import HostEnvironment
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

    The agent sees the observation as `flatten_value` makes a vector of it with
    `encoding="onehot"`, and its action i is the environment's own i, counted from the `start` of
    its space. Reaching `max_steps` is a truncation: the last step bootstraps and cuts the traces.
    The elapsed time is added to the state's uptime.

    **Arguments:** `features`, keyword only: what the agent sees of an observation, as a
    `TileCoder`; default the observation itself.

    **Raises:** `ValueError`, `TypeError` for a bad `max_steps`, and for an environment whose
    actions are not Discrete or are fewer than the agent's; `EnvironmentFailure` where the
    environment raises an error or returns what it must not, whose `result` is that of the steps
    before, the learned state included.
    """
    owner = "run_sarsa_episode"
    require_count(owner, "max_steps", max_steps)
    started, log = time.perf_counter(), _Log()
    life = _Life(owner, agent, features, state, env)

    def result() -> SARSAEpisodeResult:
        state = with_uptime(jax.block_until_ready(life.state), time.perf_counter() - started)
        rewards = log.rewards
        return SARSAEpisodeResult(
            state, sum(rewards), len(rewards), rewards, log.q_values, log.td_errors
        )

    with handing_back(result):
        action = life.begin()
        for step in range(1, max_steps + 1):
            observation, reward, terminated, truncated = life.act(action)
            truncated = truncated or (step == max_steps and not terminated)
            found = life.learn(reward, observation, terminated, truncated)
            action = log.keep(reward, found)
            if terminated or truncated:
                break
    return result()


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
    anew. The environment is reset at the start of every call. What the agent sees and does, and the
    uptime, are as in `run_sarsa_episode`.

    **Arguments:** `features`, keyword only, as in `run_sarsa_episode`.

    **Raises:** as `run_sarsa_episode`, `num_steps` in place of `max_steps`.
    """
    owner = "run_sarsa_continuing"
    require_count(owner, "num_steps", num_steps, low=0)
    started, log = time.perf_counter(), _Log()
    life = _Life(owner, agent, features, state, env)

    def result() -> SARSAContinuingResult:
        state = with_uptime(jax.block_until_ready(life.state), time.perf_counter() - started)
        return SARSAContinuingResult(
            state, sum(log.rewards), log.rewards, log.q_values, log.td_errors
        )

    with handing_back(result):
        action = life.begin() if num_steps else 0
        for _ in range(num_steps):
            observation, reward, terminated, truncated = life.act(action)
            if terminated:
                action = _begun_anew(life, log, reward, observation)
            else:
                action = log.keep(reward, life.learn(reward, observation, False, truncated))
                if truncated:
                    action = life.begin()
    return result()


def _begun_anew(life: "_Life", log: "_Log", reward: float, final: np.ndarray) -> int:
    """Learn a termination; the first action of the next episode."""
    try:
        first = life.reset()
    except EnvironmentFailure:
        # There is no next episode, but this one is whole.
        log.keep(reward, life.learn(reward, final, True, False))
        raise
    return log.keep(reward, life.end_and_begin(reward, final, first))


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


class _Life:
    """An agent that acts and learns in an environment. Between the calls of one loop its state is
    one array of words: to take a state in and out by its leaves costs more than the step of a small
    agent."""

    def __init__(
        self,
        owner: str,
        agent: SARSAAgent,
        features: AbstractComponent | None,
        state: SARSAState,
        env: Any,
    ):
        require_state(owner, "state", state, SARSAState)
        self._host = HostEnvironment(owner, env)
        self._actions = self._host.actions_of(agent)
        self._host.require_features(state.feature_dim, features)
        fixed = strong(agent), strong(features)
        self._packings = Packing(fixed), Packing(state)
        self._fixed = packed(self._packings[0], fixed)
        self._words = packed(self._packings[1], state)
        self._alone = execution_plan().one_kernel(fixed, state)

    @property
    def state(self) -> SARSAState:
        return unpacked(self._packings[1], self._words)

    def reset(self) -> np.ndarray:
        return self._host.reset()

    def begin(self) -> int:
        """The first action of an episode."""
        return int(self._call(_start, self.reset()))

    def act(self, action: int) -> tuple[np.ndarray, float, bool, bool]:
        """What follows: observation, reward, terminated, truncated."""
        return self._host.step(self._actions.own(action))[:4]

    def learn(self, reward: float, observation: np.ndarray, *ends: bool) -> Array:
        return self._call(_act_and_learn, _row_of(observation, reward, *ends))

    def end_and_begin(self, reward: float, final: np.ndarray, first: np.ndarray) -> Array:
        return self._call(_end_and_begin, _row_of(final, *first, reward))

    def _call(self, step: Callable, seen: np.ndarray) -> Array:
        static = (step, self._packings, self._alone)
        words = self._words
        self._words, found = _stepped(self._alone, *static, ZERO, self._fixed, words, seen)
        return found


def _row_of(observation: np.ndarray, *numbers: Any) -> np.ndarray:
    """What a step sees as one row: one array into the call."""
    with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
        return np.concatenate([observation, np.array(numbers, np.float32)])


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
