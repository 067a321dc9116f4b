"""SARSA in a Gymnasium environment, as the loop on the host lets any agent live."""

import time
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...compilation.boundary import strong
from ...components.component import AbstractComponent
from ...components.ranges import require_count
from ...components.state import AbstractState, require_state
from ...control import AgentStep, SARSAAgent, SARSAState, SARSAUpdateResult
from ...interface import DiscreteActions
from ...interface.failure import handing_back
from ...interface.host import HostEnvironment
from ...learners import with_uptime
from .lives import SingleLife, live
from .log import Lived


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
    life = _life_of(owner, agent, features, state, env, max_steps=max_steps)

    def result() -> SARSAEpisodeResult:
        return SARSAEpisodeResult(
            with_uptime(jax.block_until_ready(life.state), time.perf_counter() - started),
            sum(log.rewards),
            len(log.rewards),
            log.rewards,
            log.q_values,
            log.td_errors,
        )

    with handing_back(result):
        live(life, max_steps, log.note, one_episode=True)
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
    life = _life_of(owner, agent, features, state, env, begins_ahead=True)

    def result() -> SARSAContinuingResult:
        return SARSAContinuingResult(
            with_uptime(jax.block_until_ready(life.state), time.perf_counter() - started),
            sum(log.rewards),
            log.rewards,
            log.q_values,
            log.td_errors,
        )

    with handing_back(result):
        live(life, num_steps, log.note)
    return result()


def _life_of(
    owner: str,
    agent: SARSAAgent,
    features: AbstractComponent | None,
    state: SARSAState,
    env: Any,
    **options: Any,
) -> SingleLife:
    require_state(owner, "state", state, SARSAState)
    host = HostEnvironment(owner, env)
    host.require_single()
    life = SingleLife(host, _Told(strong(agent), strong(features)), state, **options)
    host.require_features(state.feature_dim, features)
    return life


class _Log:
    """What the loops hand back."""

    def __init__(self):
        self.rewards: list[float] = []
        self.q_values: list[np.ndarray] = []
        self.td_errors: list[float] = []

    def note(self, step: int, lived: Lived) -> None:
        """Write down a step."""
        del step
        self.rewards.append(lived.reward)
        self.td_errors.append(float(lived.metrics[0]))
        self.q_values.append(lived.metrics[1:])


class _Told(eqx.Module):
    """A SARSA agent that sees features of what is observed, and tells its TD error and Q values."""

    agent: SARSAAgent
    features: AbstractComponent | None

    @property
    def action_space(self) -> DiscreteActions:
        return self.agent.action_space

    def start(self, state: SARSAState, observation: Array) -> tuple[Array, SARSAState]:
        return self.agent.start(state, self._see(observation))

    def act_and_learn(
        self, state: SARSAState, reward: Any, observation: Array, terminated: Any, truncated: Any
    ) -> AgentStep:
        seen = self._see(observation)
        found = self.agent.act_and_learn(state, reward, seen, terminated, truncated)
        return _told(found.state, found)

    def end_and_begin(
        self, state: SARSAState, reward: Any, final: Array, first: Array
    ) -> AgentStep:
        """Learn a termination; the one choice of the step is the first action of what follows."""
        agent, first = self.agent, self._see(first)
        action, key = agent.select_action(state, first)
        found = agent.update(state, reward, self._see(final), True, action)
        # What leads nowhere bootstraps from nothing: the traces are gone with the next step.
        learner_state = found.state.learner_state
        cut = agent.horde.reset_traces(learner_state)
        after = found.state.replace(
            rng_key=key,
            last_action=action,
            last_observation=first,
            learner_state=jax.tree.map(
                lambda a, b: jnp.where(found.rejected, a, b), cut, learner_state
            ),
        )
        return _told(after, found)

    def _see(self, observation: Array) -> Array:
        see: Any = self.features
        return observation if see is None else see(observation)


def _told(state: SARSAState, found: SARSAUpdateResult) -> AgentStep:
    # In the order in which the log reads them.
    metrics: Any = {"td_error": found.td_error, "q_values": found.q_values}
    return AgentStep(state, found.action, metrics, found.rejected)
