"""Agents that choose among actions by their values."""

import abc
import dataclasses
from typing import Any, ClassVar, TypeVar

import equinox as eqx
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Real

from ..compilation.boundary import compiled
from ..compilation.unrolled_keys import as_before, unrolled
from ..components.counter import advanced
from ..components.numbers import f32
from ..components.ranges import (
    require_choice,
    require_count,
    require_key,
    require_part,
    require_range,
)
from ..components.types import Hyperparameter, KeyLike, ScalarLike
from ..interface import DiscreteActions
from ..learners import AbstractLearnerState, Lifecycle
from ..schedules import AbstractSchedule
from ..targets import (
    CenteringState,
    RewardCentering,
    centered,
    centering_begun,
    recentered,
    value_of,
)
from .contract import AbstractAgent, AgentStep
from .epsilon_greedy import epsilon_greedy
from .pending import Outcome, average_told, flag, learned, outcome_of


class AbstractActionValueState(AbstractLearnerState):
    """The pair of observation and action to be learned.

    `exploratory`: whether the pending action was worse than another when it was chosen;
    `centering`: of the rewards, None for an agent that centers none.
    """

    last_observation: eqx.AbstractVar[Float[Array, " features"]]
    last_action: eqx.AbstractVar[Int[Array, ""]]
    pending: eqx.AbstractVar[Bool[Array, ""]]
    exploratory: eqx.AbstractVar[Bool[Array, ""]]
    rng_key: eqx.AbstractVar[PRNGKeyArray]
    centering: eqx.AbstractVar[CenteringState | None]

    @property
    def feature_dim(self) -> int:
        return self.last_observation.shape[-1]


class ValueStep(eqx.Module):
    """What a step of an agent's values gave before it is judged: the fields of the state that it
    changed, what it tells, and what has to be finite."""

    changed: dict[str, Any]
    told: dict[str, Float[Array, ""]]
    witnesses: Any


State = TypeVar("State", bound=AbstractActionValueState)


class AbstractActionValueAgent(AbstractAgent[State]):
    r"""Epsilon-greedy in the action values q(x, .; w).

    What the values are and how they are learned is the agent's own. Epsilon is that of the schedule
    after as many steps as actions were chosen, the present one included. An on-policy agent chooses
    the next action before it learns, the others with what they have learned.
    """

    n_actions: eqx.AbstractVar[int]
    gamma: eqx.AbstractVar[Hyperparameter]
    epsilon: eqx.AbstractVar[AbstractSchedule]
    bootstrap_on_truncation: eqx.AbstractVar[bool]
    reward_centering: eqx.AbstractVar[RewardCentering | None]

    # Whether the next action is chosen before the step, which bootstraps from it.
    _on_policy: ClassVar[bool] = False

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(self.n_actions)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> State:
        """Initial weights for `feature_dim` features, drawn from `key`; no action is pending."""
        owner = f"{type(self).__name__}.init"
        require_count(owner, "feature_dim", feature_dim)
        own_key, weights_key = jr.split(require_key(owner, key))
        none = jnp.asarray(False)
        blank = {
            "last_observation": jnp.zeros(feature_dim, jnp.float32),
            "last_action": jnp.zeros((), jnp.int32),
            "pending": none,
            "exploratory": none,
            "rng_key": own_key,
            "centering": centering_begun(self.reward_centering),
            "life": Lifecycle.begin(),
        }
        return self._initial(int(feature_dim), weights_key, blank)

    @compiled
    def action_values(
        self, state: AbstractActionValueState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "{self.n_actions}"]:
        """q(x, a) of every action a."""
        return self._values(state, f32(observation))

    @compiled
    def start(
        self, state: AbstractActionValueState, observation: Real[Array, "{state.feature_dim}"]
    ) -> tuple[Int[Array, ""], AbstractActionValueState]:
        """The first action of an episode, and the state in which it is pending; what was traced
        before decays to nothing."""
        x = f32(observation)
        chosen, exploratory, key = self._chosen(state, x, 1)
        begun = self._forgetting(state, True).replace(rng_key=key)
        return chosen, _pending(begun, x, chosen, exploratory, jnp.all(jnp.isfinite(x)))

    @compiled
    def act_and_learn(
        self,
        state: AbstractActionValueState,
        reward: ScalarLike,
        observation: Real[Array, "{state.feature_dim}"],
        terminated: Any,
        truncated: Any,
    ) -> AgentStep:
        """Learn what followed on the pending action, and choose the next one.

        A rejected step cuts the traces, so that a lost transition is never bridged; where the
        observation is no number no action is pending after it.
        """
        now = outcome_of(
            reward, observation, terminated, truncated, self.gamma, self.bootstrap_on_truncation
        )
        paid = now.reward
        now = dataclasses.replace(
            now, reward=centered(self.reward_centering, state.centering, paid)
        )
        first = self._chosen(state, f32(observation), 2) if self._on_policy else None
        reset = now.boundary if self._on_policy else now.boundary | state.exploratory
        step = self._step(state, now, reset, None if first is None else first[0])
        error = step.told["td_error"]
        centering = recentered(self.reward_centering, state.centering, paid, error)
        after = state.replace(**step.changed, centering=centering)
        told = step.told | average_told(centering)
        found = learned(state, after, told, (step.witnesses, centering), now.acceptable)
        after = self._forgetting(found.state, found.rejected)
        choice = self._chosen(after, f32(observation), 1) if first is None else first
        chosen, exploratory, key = choice
        pending = now.sound
        after = _pending(after.replace(rng_key=key), now.observation, chosen, exploratory, pending)
        return AgentStep(state=after, action=chosen, metrics=found.told, rejected=found.rejected)

    @compiled
    def act(
        self,
        state: AbstractActionValueState,
        observation: Real[Array, "{state.feature_dim}"],
        key: KeyLike,
        *,
        explore: Any = True,
    ) -> Int[Array, ""]:
        """An epsilon-greedy action at `observation`, without `explore` a greedy one."""
        keys = jr.split(unrolled(require_key(f"{type(self).__name__}.act", key)), 3)
        epsilon = jnp.where(flag(explore), self._epsilon(state, 1), 0.0)
        values = self._values(state, f32(observation))
        return epsilon_greedy((keys[0], keys[1], keys[2]), values, epsilon)

    @abc.abstractmethod
    def _initial(self, feature_dim: int, key: PRNGKeyArray, blank: dict[str, Any]) -> State:
        """The state before the first step, with the fields in `blank`."""

    @abc.abstractmethod
    def _values(self, state: Any, x: Float[Array, " features"]) -> Float[Array, " actions"]:
        """q(x, .)."""

    @abc.abstractmethod
    def _forgetting(self, state: Any, where: Any) -> Any:
        """The state in which, where told, no trace of what was before reaches the next step."""

    @abc.abstractmethod
    def _step(self, state: Any, now: Outcome, reset: Any, next_action: Any) -> ValueStep:
        """What the pending pair teaches; where `reset` the traces are cut after it. `next_action`
        is None for an agent that has not chosen it yet."""

    def _epsilon(self, state: Any, ahead: int) -> Float[Array, ""]:
        return self.epsilon(advanced(state.life.steps, ahead))

    def _chosen(
        self, state: Any, x: Array, ahead: int
    ) -> tuple[Int[Array, ""], Bool[Array, ""], PRNGKeyArray]:
        key, explore, tie, random = jr.split(unrolled(state.rng_key), 4)
        values = self._values(state, x)
        chosen = epsilon_greedy((explore, tie, random), values, self._epsilon(state, ahead))
        exploratory = value_of(values, chosen) < jnp.max(values)
        return chosen, exploratory, as_before(key, state.rng_key)


def require_fields(agent: Any) -> None:
    """Validate the fields that agents of action values share."""
    owner = type(agent).__name__
    require_count(owner, "n_actions", agent.n_actions)
    require_part(agent, "epsilon", AbstractSchedule)
    agent.epsilon.require_between(owner, "epsilon", 0.0, 1.0)
    require_range(agent, "gamma", 0.0, 1.0)
    require_range(agent, "lamda", 0.0, 1.0)
    require_choice(owner, "bootstrap_on_truncation", agent.bootstrap_on_truncation, (True, False))
    require_part(agent, "reward_centering", RewardCentering, optional=True)


def _pending(state: Any, x: Array, action: Array, exploratory: Array, pending: Array) -> Any:
    """The pair to be learned; none where the observation is no number."""
    return state.replace(
        last_observation=jnp.where(jnp.isfinite(x), x, 0.0),
        last_action=action,
        exploratory=exploratory,
        pending=pending,
    )
