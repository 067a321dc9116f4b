"""Actor and critic in a stream: two networks, one sample at a time."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled, strong
from ..compilation.unrolled_keys import as_before, unrolled
from ..components.numbers import f32, is_traced
from ..components.ranges import (
    require_choice,
    require_count,
    require_key,
    require_part,
    require_range,
)
from ..components.types import Hyperparameter, KeyLike, ScalarLike
from ..interface import ActionSpace
from ..learners import (
    AbstractLearnerState,
    Lifecycle,
    Network,
    after_both,
    both,
    both_begun,
    kept_by,
    kept_plastic,
    kept_td_step,
    loss_gradient,
    moved,
    network_of_layers,
    plasticity_witnesses,
    td_step,
)
from ..networks import AbstractNetwork, StreamMLP
from ..optimizers import AbstractOptimizer, Hybrid, ObGD, require_no_traces
from ..plasticity import AbstractPlasticity
from ..step_rules import AbstractStepRule, Bootstrap
from ..targets import CenteringState, RewardCentering, centered, centering_begun, recentered
from .contract import AbstractAgent, AgentStep
from .pending import average_told, flag, learned, outcome_of
from .policies import AbstractPolicy
from .traced_values import rule_of


class ActorCriticState(AbstractLearnerState):
    """Parameters and rule states of actor and critic, and the pair of observation and action to be
    learned; `last_action` is what was drawn, `trace_decay` by how much the traces decay next,
    `centering` of the rewards and `plasticity_states` of actor and critic, None for an agent
    without."""

    actor_params: Any
    critic_params: Any
    actor_rule_state: Any
    critic_rule_state: Any
    last_observation: Float[Array, " features"]
    last_action: Array
    pending: Bool[Array, ""]
    trace_decay: Float[Array, ""]
    rng_key: PRNGKeyArray
    life: Lifecycle
    centering: CenteringState | None = None
    plasticity_states: Any = None

    @property
    def feature_dim(self) -> int:
        return self.last_observation.shape[-1]


class StreamAC(AbstractAgent[ActorCriticState]):
    r"""Actor-critic(lambda) with two networks: no replay, no batch.

    For the pending pair (x, a), reward R and observation x', from the parameters before:

        delta = R + g v(x') - v(x),        g = gamma, 0 where the episode terminated
        critic: the value rule's step for delta and grad v(x)
        actor:  the policy rule's step for delta and
                grad [log pi(a|x) + tau sign(delta) H(pi(.|x))]

    both with traces that decay by the discount of the transition into x times lamda, cut after an
    episode's last step. As the step is multiplied by delta, the entropy counts with tau |delta|.
    With `soft` the reward is R + tau H(pi(.|x)).

    With `average_reward` it is the differential actor-critic:

        delta = R - rate + v(x') - v(x),   traces decaying by lamda,   rate += beta delta

    Normalize what the agent sees, as `StreamQ` says. A sum of rewards that are not discounted has
    no finite scale: with `average_reward` they are brought to one by their own standard deviation,
    `RewardScaler(0)`, before the average is taken off.

    Source: Elsayed, Vasan and Mahmood (2024), arXiv:2410.14606; soft rewards: noahfarr/streamlet;
    average reward: Sutton and Barto (2018), section 13.6.

    **Arguments:**

    - `policy`: `SoftmaxPolicy(n)` or `GaussianPolicy(low, high)`.
    - `actor`, `critic`: networks with `policy.n_outputs` outputs and one, default `StreamMLP` with
      hidden layers (32, 32), or (128, 128) for actions that are numbers.
    - `policy_optimizer`, `value_optimizer`: step rules or optimizers, default `ObGD(kappa=3)` and
      `ObGD(kappa=2)`.
    - `gamma`, `lamda` in [0, 1], default 0.99 (1 with `average_reward`), 0.8;
      `entropy_coefficient` tau >= 0, default 0.01.
    - `bootstrap_on_truncation`, default True; `soft`, default False.
    - `average_reward`, default False: gamma is 1, and the average is taken off the rewards, by
      `RewardCentering()` unless `reward_centering` is another.
    - `reward_centering`, default none, as of `StreamQ`; it centers what is paid, entropy included.
    - `plasticity`: what keeps both networks able to learn, each by itself, default none.
    """

    draws_weights: ClassVar[bool | None] = True

    policy: AbstractPolicy
    actor: AbstractNetwork
    critic: AbstractNetwork
    policy_optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    value_optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    gamma: Hyperparameter
    lamda: Hyperparameter
    entropy_coefficient: Hyperparameter
    bootstrap_on_truncation: bool = eqx.field(static=True)
    soft: bool = eqx.field(static=True)
    average_reward: bool = eqx.field(static=True, metadata={"config": "omit_default"})
    reward_centering: RewardCentering | None = eqx.field(metadata={"config": "omit_default"})
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        policy: AbstractPolicy,
        actor: AbstractNetwork | None = None,
        critic: AbstractNetwork | None = None,
        policy_optimizer: AbstractStepRule | AbstractOptimizer | Hybrid | None = None,
        value_optimizer: AbstractStepRule | AbstractOptimizer | Hybrid | None = None,
        gamma: Hyperparameter | None = None,
        lamda: Hyperparameter = 0.8,
        entropy_coefficient: Hyperparameter = 0.01,
        bootstrap_on_truncation: bool = True,
        soft: bool = False,
        average_reward: bool = False,
        reward_centering: RewardCentering | None = None,
        plasticity: AbstractPlasticity | None = None,
    ):
        self.policy = policy
        wide = isinstance(policy, AbstractPolicy) and bool(policy.action_space.shape)
        hidden = (128, 128) if wide else (32, 32)
        outputs = policy.n_outputs if isinstance(policy, AbstractPolicy) else 1
        self.actor = StreamMLP(hidden, outputs) if actor is None else actor
        self.critic = StreamMLP(hidden, 1) if critic is None else critic
        self.policy_optimizer = ObGD(kappa=3.0) if policy_optimizer is None else policy_optimizer
        self.value_optimizer = ObGD(kappa=2.0) if value_optimizer is None else value_optimizer
        self.average_reward, self.reward_centering = average_reward, reward_centering
        if gamma is None:
            gamma = 1.0 if average_reward else 0.99
        if average_reward and reward_centering is None:
            self.reward_centering = RewardCentering()
        self.gamma, self.lamda, self.entropy_coefficient = gamma, lamda, entropy_coefficient
        self.bootstrap_on_truncation, self.soft = bootstrap_on_truncation, soft
        self.plasticity = plasticity

    def __check_init__(self):
        require_part(self, "policy", AbstractPolicy)
        for name, outputs in (("actor", self.policy.n_outputs), ("critic", 1)):
            require_part(self, name, AbstractNetwork)
            found = getattr(self, name).n_out
            if found != outputs:
                raise ValueError(f"StreamAC: `{name}` must have {outputs} outputs, got {found}.")
        for name in ("gamma", "lamda"):
            require_range(self, name, 0.0, 1.0)
        require_range(self, "entropy_coefficient", 0.0)
        for name in ("bootstrap_on_truncation", "soft", "average_reward"):
            require_choice("StreamAC", name, getattr(self, name), (True, False))
        require_part(self, "reward_centering", RewardCentering, optional=True)
        require_part(self, "plasticity", AbstractPlasticity, optional=True)
        if (
            self.average_reward
            and not is_traced(self.gamma)
            and np.any(np.asarray(self.gamma) != 1)
        ):
            raise ValueError(
                f"StreamAC: `gamma` must be 1 with `average_reward`, got {self.gamma}."
            )
        for rule in self.rules:
            require_no_traces("StreamAC", rule, "lamda", self.lamda)

    @property
    def action_space(self) -> ActionSpace:
        return self.policy.action_space

    @property
    def rules(self) -> tuple[AbstractStepRule, AbstractStepRule]:
        """How errors become changes of the actor, and of the critic."""
        return rule_of(self, "policy_optimizer"), rule_of(self, "value_optimizer")

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> ActorCriticState:
        """Both networks' initial weights for `feature_dim` features, drawn from `key`."""
        require_count("StreamAC.init", "feature_dim", feature_dim)
        own_key, *keys = jr.split(require_key("StreamAC.init", key), 3)
        nets = zip((self.actor, self.critic), keys, strict=True)
        params = tuple(network.init(int(feature_dim), own) for network, own in nets)
        rule_states = _rule_states(strong(self), params)
        return ActorCriticState(
            actor_params=params[0],
            critic_params=params[1],
            actor_rule_state=rule_states[0],
            critic_rule_state=rule_states[1],
            last_observation=jnp.zeros(feature_dim, jnp.float32),
            last_action=self.policy.blank(),
            pending=jnp.asarray(False),
            trace_decay=jnp.zeros((), jnp.float32),
            rng_key=own_key,
            life=Lifecycle.begin(),
            centering=centering_begun(self.reward_centering),
            plasticity_states=both_begun(self.plasticity, params, keys),
        )

    @compiled
    def value(
        self, state: ActorCriticState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, ""]:
        """v(x), as the critic holds it."""
        return self.critic.apply(state.critic_params, f32(observation))[0]

    @compiled
    def start(
        self, state: ActorCriticState, observation: Real[Array, "{state.feature_dim}"]
    ) -> tuple[Array, ActorCriticState]:
        """The first action of an episode, and the state in which it is pending; what was traced
        before decays to nothing."""
        x = f32(observation)
        begun = state.replace(trace_decay=jnp.zeros_like(state.trace_decay))
        return self._next(begun, x, jnp.all(jnp.isfinite(x)))

    @compiled
    def act_and_learn(
        self,
        state: ActorCriticState,
        reward: ScalarLike,
        observation: Real[Array, "{state.feature_dim}"],
        terminated: Any,
        truncated: Any,
    ) -> AgentStep:
        """Learn what followed on the pending action, and choose the next with the new parameters.

        A rejected step cuts the traces; where the observation is no number no action is pending
        after it.
        """
        now = outcome_of(
            reward, observation, terminated, truncated, self.gamma, self.bootstrap_on_truncation
        )
        x, action, policy = state.last_observation, state.last_action, self.policy
        actor_rule, critic_rule = self.rules
        tau, paid = f32(self.entropy_coefficient), now.reward
        entropy = policy.entropy(self.actor.apply(state.actor_params, x))
        if self.soft:
            paid = paid + tau * entropy
        reward = centered(self.reward_centering, state.centering, paid)
        critic = td_step(
            critic_rule,
            state.critic_rule_state,
            state.critic_params,
            lambda params: self.critic.apply(params, x)[0],
            lambda params: self.critic.apply(params, now.observation)[0],
            reward,
            now.discount,
            state.trace_decay,
            now.boundary,
        )
        sign = jnp.sign(critic.delta)

        def preferred(params):
            outputs = self.actor.apply(params, x)
            return policy.log_density(outputs, action) + tau * sign * policy.entropy(outputs)

        gradient = jax.grad(preferred)(state.actor_params)
        direction, actor_state = actor_rule.direction(
            state.actor_rule_state, gradient, state.trace_decay
        )
        nothing = Bootstrap(f32(0.0), f32(0.0), jax.tree.map(jnp.zeros_like, gradient))
        changes, actor_state, info = actor_rule.step(
            actor_state,
            gradient,
            direction,
            critic.delta,
            nothing,
            state.trace_decay,
            now.boundary,
            params=state.actor_params,
        )
        before = both(state.plasticity_states)
        actor = kept_plastic(
            self.plasticity,
            before[0],
            self.actor,
            actor_rule,
            actor_state,
            state.actor_params,
            moved(state.actor_params, changes),
            loss_gradient(critic.delta, gradient),
            x,
        )
        values = kept_td_step(
            self.plasticity, before[1], self.critic, critic_rule, state.critic_params, critic, x
        )
        centering = recentered(self.reward_centering, state.centering, paid, critic.delta)
        after = state.replace(
            centering=centering,
            actor_params=actor.params,
            critic_params=values.params,
            actor_rule_state=actor.rule_state,
            critic_rule_state=values.rule_state,
            plasticity_states=after_both(actor, values),
            trace_decay=jnp.where(now.boundary, 0.0, now.discount * f32(self.lamda)),
        )
        told = {
            "squared_td_error": critic.delta**2,
            "td_error": critic.delta,
            "value": critic.value,
            "entropy": entropy,
            "value_step_size": critic.info.step_size,
            "policy_step_size": info.step_size,
            **average_told(centering),
        }
        kept = actor_rule.witnesses(actor.rule_state), critic_rule.witnesses(values.rule_state)
        kept = kept, plasticity_witnesses(self.plasticity, after.plasticity_states)
        witnesses = critic.delta, actor.params, values.params, kept, centering
        found = learned(state, after, told, witnesses, now.acceptable)
        # A trace that decays by 0 is cut, and costs nothing to cut.
        after = found.state.replace(
            trace_decay=jnp.where(found.rejected, 0.0, found.state.trace_decay)
        )
        chosen, after = self._next(after, f32(observation), now.sound)
        return AgentStep(state=after, action=chosen, metrics=found.told, rejected=found.rejected)

    @compiled
    def act(
        self,
        state: ActorCriticState,
        observation: Real[Array, "{state.feature_dim}"],
        key: KeyLike,
        *,
        explore: Any = True,
    ) -> Array:
        """An action drawn from the policy, without `explore` its mode; nothing is learned."""
        key = unrolled(require_key("StreamAC.act", key))
        outputs = self.actor.apply(state.actor_params, f32(observation))
        drawn = self.policy.sample(outputs, key)
        return self.policy.taken(jnp.where(flag(explore), drawn, self.policy.mode(outputs)))

    def _next(
        self, state: ActorCriticState, x: Array, pending: Array
    ) -> tuple[Array, ActorCriticState]:
        """An action at x; pending where x is a number, and taken at zeros where it is none."""
        key, own = jr.split(unrolled(state.rng_key))
        x = jnp.where(jnp.isfinite(x), x, 0.0)
        drawn = self.policy.sample(self.actor.apply(state.actor_params, x), own)
        state = state.replace(
            last_observation=x,
            last_action=drawn,
            pending=pending,
            rng_key=as_before(key, state.rng_key),
        )
        return self.policy.taken(drawn), state

    def _network(self, state: ActorCriticState) -> Network | None:
        """That of the critic."""
        trace = getattr(state.critic_rule_state, "trace", None)
        network = network_of_layers(self.critic.layers(state.critic_params), trace)
        own = both(state.plasticity_states)[1]
        return kept_by(network, self.plasticity, own, state.critic_params)

    def _cut(self, state: ActorCriticState) -> ActorCriticState:
        actor_rule, critic_rule = self.rules
        return state.replace(
            actor_rule_state=actor_rule.cut(state.actor_rule_state),
            critic_rule_state=critic_rule.cut(state.critic_rule_state),
            trace_decay=jnp.zeros_like(state.trace_decay),
        )


@jax.jit
def _rule_states(agent: Any, params: tuple) -> tuple:
    pairs = zip(agent.rules, params, strict=True)
    return tuple(rule.init(own) for rule, own in pairs)
