"""Agents that learn the values of their actions by a step rule over a whole network."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Real

from ..compilation.boundary import compiled, strong
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
from ..learners import AbstractLearnerState, Lifecycle, td_step
from ..networks import AbstractNetwork
from ..optimizers import AbstractOptimizer
from ..schedules import AbstractSchedule
from ..step_rules import AbstractStepRule, step_rule_of
from ..targets import value_of
from .contract import AbstractAgent, AgentStep
from .epsilon_greedy import epsilon_greedy
from .pending import flag, learned, outcome_of


class ActionValueState(AbstractLearnerState):
    """Parameters, the step rule's state, and the pair of observation and action to be learned.

    `exploratory`: whether the pending action was worse than another when it was chosen; `decay`:
    by how much the trace decays next, the last discount times lamda.
    """

    params: Any
    rule_state: Any
    last_observation: Float[Array, " features"]
    last_action: Int[Array, ""]
    pending: Bool[Array, ""]
    exploratory: Bool[Array, ""]
    decay: Float[Array, ""]
    rng_key: PRNGKeyArray
    life: Lifecycle

    @property
    def feature_dim(self) -> int:
        return self.last_observation.shape[-1]


class AbstractActionValueAgent(AbstractAgent[ActionValueState]):
    r"""Epsilon-greedy in q(x, .; w), a network of which one trace runs over all parameters.

    For the pending pair (x, a), reward R and observation x', all from the parameters before:

        delta = R + g v(x') - q(x, a),      g = gamma, 0 where the episode terminated
        dw    = the step rule's step for delta and grad q(x, a), its trace decaying by the
                discount of the transition into x times lamda

    What v(x') is, and where traces are cut besides episode ends, is the agent's own. Epsilon is
    that of the schedule after as many steps as actions were chosen, the present one included.
    """

    n_actions: eqx.AbstractVar[int]
    network: eqx.AbstractVar[AbstractNetwork]
    optimizer: eqx.AbstractVar[AbstractStepRule | AbstractOptimizer]
    gamma: eqx.AbstractVar[Hyperparameter]
    lamda: eqx.AbstractVar[Hyperparameter]
    epsilon: eqx.AbstractVar[AbstractSchedule]
    bootstrap_on_truncation: eqx.AbstractVar[bool]

    # Whether the next action is chosen before the step, which bootstraps from it.
    _on_policy: ClassVar[bool]

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(self.n_actions)

    @property
    def step_rule(self) -> AbstractStepRule:
        """How errors become changes of the whole network."""
        rule = step_rule_of(type(self).__name__, "optimizer", self.optimizer)
        return rule.averaging(product(self.gamma, self.lamda))

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> ActionValueState:
        """The network's initial weights for `feature_dim` features, drawn from `key`."""
        owner = f"{type(self).__name__}.init"
        require_count(owner, "feature_dim", feature_dim)
        own_key, weights_key = jr.split(require_key(owner, key))
        params = self.network.init(int(feature_dim), weights_key)
        return ActionValueState(
            params=params,
            rule_state=_rule_state(strong(self), params),
            last_observation=jnp.zeros(feature_dim, jnp.float32),
            last_action=jnp.zeros((), jnp.int32),
            pending=jnp.asarray(False),
            exploratory=jnp.asarray(False),
            decay=jnp.zeros((), jnp.float32),
            rng_key=own_key,
            life=Lifecycle.begin(),
        )

    @compiled
    def action_values(
        self, state: ActionValueState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "{self.n_actions}"]:
        """q(x, a) of every action a."""
        return self.network.apply(state.params, f32(observation))

    @compiled
    def start(
        self, state: ActionValueState, observation: Real[Array, "{state.feature_dim}"]
    ) -> tuple[Int[Array, ""], ActionValueState]:
        """The first action of an episode, and the state in which it is pending; what was traced
        before decays to nothing."""
        x = f32(observation)
        chosen, exploratory, key = self._chosen(state, state.params, x, 1)
        begun = state.replace(rng_key=key, decay=jnp.zeros_like(state.decay))
        return chosen, _pending(begun, x, chosen, exploratory, jnp.all(jnp.isfinite(x)))

    @compiled
    def act_and_learn(
        self,
        state: ActionValueState,
        reward: ScalarLike,
        observation: Real[Array, "{state.feature_dim}"],
        terminated: Any,
        truncated: Any,
    ) -> AgentStep:
        """Learn what followed on the pending action, and choose the next one.

        A rejected step cuts the traces and leaves no action pending, so that a lost transition is
        never bridged.
        """
        now = outcome_of(
            reward, observation, terminated, truncated, self.gamma, self.bootstrap_on_truncation
        )
        x, action = state.last_observation, state.last_action
        choice = self._chosen(state, state.params, f32(observation), 2) if self._on_policy else None
        following = now.observation, None if choice is None else choice[0]
        reset = now.boundary
        if not self._on_policy:
            reset = reset | state.exploratory
        rule = self.step_rule
        step = td_step(
            rule,
            state.rule_state,
            state.params,
            lambda params: value_of(self.network.apply(params, x), action),
            lambda params: self._next_value(self.network.apply(params, following[0]), following[1]),
            now.reward,
            now.discount,
            state.decay,
            reset,
        )
        decay = jnp.where(now.boundary, 0.0, now.discount * f32(self.lamda))
        after = state.replace(params=step.params, rule_state=step.rule_state, decay=decay)
        told = {
            "squared_td_error": step.delta**2,
            "td_error": step.delta,
            "value": step.value,
            "step_size": step.info.step_size,
        }
        witnesses = step.delta, step.params, rule.witnesses(step.rule_state)
        found = learned(state, after, told, witnesses, now.acceptable)
        # A trace that decays by 0 is cut, and costs nothing to cut.
        after = found.state.replace(decay=jnp.where(found.rejected, 0.0, found.state.decay))
        if choice is None:
            choice = self._chosen(after, after.params, f32(observation), 1)
        chosen, exploratory, key = choice
        after = after.replace(rng_key=key)
        pending = now.sound & ~found.rejected
        after = _pending(after, now.observation, chosen, exploratory, pending)
        return AgentStep(state=after, action=chosen, metrics=found.told, rejected=found.rejected)

    @compiled
    def act(
        self,
        state: ActionValueState,
        observation: Real[Array, "{state.feature_dim}"],
        key: KeyLike,
        *,
        explore: Any = True,
    ) -> Int[Array, ""]:
        """An epsilon-greedy action at `observation`, without `explore` a greedy one."""
        keys = jr.split(unrolled(require_key(f"{type(self).__name__}.act", key)), 3)
        epsilon = jnp.where(flag(explore), self._epsilon(state, 1), 0.0)
        values = self.network.apply(state.params, f32(observation))
        return epsilon_greedy((keys[0], keys[1], keys[2]), values, epsilon)

    def _next_value(self, values: Float[Array, " actions"], action: Any) -> Float[Array, ""]:
        """The value that is bootstrapped from, of the action values at what follows."""
        raise NotImplementedError

    def _epsilon(self, state: ActionValueState, ahead: int) -> Float[Array, ""]:
        return self.epsilon(advanced(state.life.steps, ahead))

    def _chosen(
        self, state: ActionValueState, params: Any, x: Array, ahead: int
    ) -> tuple[Int[Array, ""], Bool[Array, ""], PRNGKeyArray]:
        key, explore, tie, random = jr.split(unrolled(state.rng_key), 4)
        values = self.network.apply(params, x)
        chosen = epsilon_greedy((explore, tie, random), values, self._epsilon(state, ahead))
        exploratory = value_of(values, chosen) < jnp.max(values)
        return chosen, exploratory, as_before(key, state.rng_key)

    def _cut(self, state: ActionValueState) -> ActionValueState:
        return state.replace(
            rule_state=self.step_rule.cut(state.rule_state),
            decay=jnp.zeros_like(state.decay),
        )


def require_fields(agent: Any) -> None:
    """Validate the fields that agents of action values share."""
    owner = type(agent).__name__
    require_count(owner, "n_actions", agent.n_actions)
    require_part(agent, "network", AbstractNetwork)
    if agent.network.n_out != agent.n_actions:
        raise ValueError(
            f"{owner}: `network` must have an output for each of the {agent.n_actions} actions, "
            f"got {agent.network.n_out}."
        )
    require_part(agent, "epsilon", AbstractSchedule)
    require_range(agent, "gamma", 0.0, 1.0)
    require_range(agent, "lamda", 0.0, 1.0)
    require_choice(owner, "bootstrap_on_truncation", agent.bootstrap_on_truncation, (True, False))
    _ = agent.step_rule  # validates the optimizer


def product(gamma: Any, lamda: Any) -> Any:
    """gamma lamda, of Python's numbers one of them."""
    if isinstance(gamma, int | float) and isinstance(lamda, int | float):
        return gamma * lamda
    return f32(gamma) * f32(lamda)


def _pending(
    state: ActionValueState, x: Array, action: Array, exploratory: Array, pending: Array
) -> ActionValueState:
    """The pair to be learned; none where the observation is no number."""
    return state.replace(
        last_observation=jnp.where(jnp.isfinite(x), x, 0.0),
        last_action=action,
        exploratory=exploratory,
        pending=pending,
    )


@jax.jit
def _rule_state(agent: Any, params: Any) -> Any:
    return agent.step_rule.init(params)
