"""AVG(lambda): action value gradient, a soft actor-critic of one sample at a time."""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled, strong
from ..compilation.unrolled_keys import as_before, unrolled
from ..components.numbers import f32
from ..components.ranges import (
    require_choice,
    require_count,
    require_key,
    require_part,
    require_range,
)
from ..components.types import Hyperparameter, KeyLike, ScalarLike
from ..interface import BoxActions
from ..learners import (
    AbstractLearnerState,
    Lifecycle,
    Network,
    after_both,
    both,
    both_begun,
    kept_by,
    kept_plastic,
    loss_gradient,
    moved,
    network_of_layers,
    plasticity_witnesses,
)
from ..networks import AbstractNetwork, UnitFeatureMLP
from ..optimizers import AbstractOptimizer, Hybrid, require_no_traces
from ..plasticity import AbstractPlasticity
from ..step_rules import AbstractStepRule, AdaptiveObGD, Bootstrap
from ..targets import (
    CenteringState,
    RewardCentering,
    bootstrapped,
    centered,
    centering_begun,
    recentered,
)
from .contract import AbstractAgent, AgentStep
from .pending import average_told, flag, learned, outcome_of
from .policies import TanhGaussianPolicy
from .return_scale import ReturnScale, ReturnScaleState
from .traced_values import rule_of

# Adam without momentum: no bound, and an epsilon that is 1e-8 outside of the root.
_ADAM = {"kappa": 0.0, "eps": 1e-16}


class AVGState(AbstractLearnerState):
    """Parameters and rule states of actor and critic, what errors are scaled by, and the
    observation and the noise that the pending action was drawn with; `centering` of the rewards
    and `plasticity_states` of actor and critic, None for an agent without."""

    actor_params: Any
    critic_params: Any
    actor_rule_state: Any
    critic_rule_state: Any
    scale: ReturnScaleState
    last_observation: Float[Array, " features"]
    last_noise: Float[Array, " n"]
    pending: Bool[Array, ""]
    trace_decay: Float[Array, ""]
    rng_key: PRNGKeyArray
    life: Lifecycle
    centering: CenteringState | None = None
    plasticity_states: Any = None

    @property
    def feature_dim(self) -> int:
        return self.last_observation.shape[-1]


class AVG(AbstractAgent[AVGState]):
    r"""A soft actor-critic for actions that are numbers: no replay, no target network, no batch.

    For the pending observation x and the noise xi that made its action a, reward R and what
    follows, x', all from the parameters before:

        r~     = R - tau log pi(a|x),  of which and of g the scale sigma is brought up to date
        a'     ~ pi(.|x'),   V' = Q(x', a') - tau log pi(a'|x')
        delta  = (R + g V' - Q(x, a)) / sigma,      g = gamma, 0 where the episode terminated
        actor:  one step up the gradient of Q(x, a(xi)) - tau log pi(a(xi)|x), without a trace
        critic: the rule's step for delta and grad Q(x, a), its trace decaying by the discount of
                the transition into x times lamda

    Normalize what the agent sees with an `ObservationNormalizer`; rewards are not scaled.

    Source: Vasan et al. (2024), Deep Policy Gradient Methods Without Batch Updates, Target
    Networks, or Replay Buffers, arXiv:2411.15370, with lamda 0; traces: noahfarr/streamlet.

    **Arguments:**

    - `policy`: `TanhGaussianPolicy(low, high)`.
    - `actor`, `critic`: networks with `policy.n_outputs` outputs and one, the critic's inputs being
      the observation and the action; default `UnitFeatureMLP((256, 256), ...)`.
    - `actor_optimizer`, `critic_optimizer`: step rules or optimizers; default Adam without momentum
      with step sizes 0.0063 and 0.0087, as `AdaptiveObGD(step_size, kappa=0, eps=1e-16)`.
    - `temperature` tau >= 0, default 0.07; `gamma`, `lamda` in [0, 1], default 0.99, 0.
    - `bootstrap_on_truncation`, default True.
    - `reward_centering`, default none, as of `StreamQ`; by errors in the unit of the rewards, which
      are delta sigma.
    - `plasticity`: what keeps both networks able to learn, each by itself, default none.
    """

    draws_weights: ClassVar[bool | None] = True

    policy: TanhGaussianPolicy
    actor: AbstractNetwork
    critic: AbstractNetwork
    actor_optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    critic_optimizer: AbstractStepRule | AbstractOptimizer | Hybrid
    temperature: Hyperparameter
    gamma: Hyperparameter
    lamda: Hyperparameter
    bootstrap_on_truncation: bool = eqx.field(static=True)
    reward_centering: RewardCentering | None = eqx.field(metadata={"config": "omit_default"})
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        policy: TanhGaussianPolicy,
        actor: AbstractNetwork | None = None,
        critic: AbstractNetwork | None = None,
        actor_optimizer: AbstractStepRule | AbstractOptimizer | Hybrid | None = None,
        critic_optimizer: AbstractStepRule | AbstractOptimizer | Hybrid | None = None,
        temperature: Hyperparameter = 0.07,
        gamma: Hyperparameter = 0.99,
        lamda: Hyperparameter = 0.0,
        bootstrap_on_truncation: bool = True,
        reward_centering: RewardCentering | None = None,
        plasticity: AbstractPlasticity | None = None,
    ):
        self.policy = policy
        outputs = policy.n_outputs if isinstance(policy, TanhGaussianPolicy) else 1
        self.actor = UnitFeatureMLP((256, 256), outputs) if actor is None else actor
        self.critic = UnitFeatureMLP((256, 256), 1) if critic is None else critic
        if actor_optimizer is None:
            actor_optimizer = AdaptiveObGD(0.0063, **_ADAM)
        if critic_optimizer is None:
            critic_optimizer = AdaptiveObGD(0.0087, **_ADAM)
        self.actor_optimizer, self.critic_optimizer = actor_optimizer, critic_optimizer
        self.temperature, self.gamma, self.lamda = temperature, gamma, lamda
        self.bootstrap_on_truncation = bootstrap_on_truncation
        self.reward_centering = reward_centering
        self.plasticity = plasticity

    def __check_init__(self):
        require_part(self, "policy", TanhGaussianPolicy)
        for name, outputs in (("actor", self.policy.n_outputs), ("critic", 1)):
            require_part(self, name, AbstractNetwork)
            found = getattr(self, name).n_out
            if found != outputs:
                raise ValueError(f"AVG: `{name}` must have {outputs} outputs, got {found}.")
        for name in ("gamma", "lamda"):
            require_range(self, name, 0.0, 1.0)
        require_range(self, "temperature", 0.0)
        require_choice(
            "AVG", "bootstrap_on_truncation", self.bootstrap_on_truncation, (True, False)
        )
        require_part(self, "reward_centering", RewardCentering, optional=True)
        require_part(self, "plasticity", AbstractPlasticity, optional=True)
        for rule in self.rules:
            require_no_traces("AVG", rule, "lamda", self.lamda)

    @property
    def action_space(self) -> BoxActions:
        return self.policy.action_space

    @property
    def rules(self) -> tuple[AbstractStepRule, AbstractStepRule]:
        """How the actor steps, and the critic."""
        return rule_of(self, "actor_optimizer"), rule_of(self, "critic_optimizer")

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> AVGState:
        """Both networks' initial weights for `feature_dim` features, drawn from `key`."""
        require_count("AVG.init", "feature_dim", feature_dim)
        own_key, actor_key, critic_key = jr.split(require_key("AVG.init", key), 3)
        n = self.action_space.size
        actor_params = self.actor.init(int(feature_dim), actor_key)
        critic_params = self.critic.init(int(feature_dim) + n, critic_key)
        states = _rule_states(strong(self), actor_params, critic_params)
        return AVGState(
            actor_params=actor_params,
            critic_params=critic_params,
            actor_rule_state=states[0],
            critic_rule_state=states[1],
            scale=ReturnScale().init(),
            last_observation=jnp.zeros(feature_dim, jnp.float32),
            last_noise=jnp.zeros(n, jnp.float32),
            pending=jnp.asarray(False),
            trace_decay=jnp.zeros((), jnp.float32),
            rng_key=own_key,
            life=Lifecycle.begin(),
            centering=centering_begun(self.reward_centering),
            plasticity_states=both_begun(
                self.plasticity, (actor_params, critic_params), (actor_key, critic_key)
            ),
        )

    @compiled
    def start(
        self, state: AVGState, observation: Real[Array, "{state.feature_dim}"]
    ) -> tuple[Float[Array, " n"], AVGState]:
        """The first action of an episode, and the state in which it is pending; what was traced
        before decays to nothing."""
        x = f32(observation)
        begun = state.replace(trace_decay=jnp.zeros_like(state.trace_decay))
        return self._next(begun, x, jnp.all(jnp.isfinite(x)))

    @compiled
    def act_and_learn(
        self,
        state: AVGState,
        reward: ScalarLike,
        observation: Real[Array, "{state.feature_dim}"],
        terminated: Any,
        truncated: Any,
    ) -> AgentStep:
        """Learn what followed on the pending action, and choose the next with the new parameters.

        A rejected step cuts the trace; where the observation is no number no action is pending
        after it.
        """
        now = outcome_of(
            reward, observation, terminated, truncated, self.gamma, self.bootstrap_on_truncation
        )
        paid = now.reward
        now = dataclasses.replace(
            now, reward=centered(self.reward_centering, state.centering, paid)
        )
        key, own = jr.split(unrolled(state.rng_key))
        noise = jr.normal(own, state.last_noise.shape, jnp.float32)
        after, told, witnesses = self._step(state, now, noise)
        error = told["td_error"] * told["error_scale"]
        centering = recentered(self.reward_centering, state.centering, paid, error)
        after = after.replace(centering=centering)
        told, witnesses = told | average_told(centering), (witnesses, centering)
        found = learned(state, after, told, witnesses, now.acceptable)
        after = found.state.replace(
            trace_decay=jnp.where(found.rejected, 0.0, found.state.trace_decay),
            rng_key=as_before(key, state.rng_key),
        )
        chosen, after = self._next(after, f32(observation), now.sound)
        return AgentStep(state=after, action=chosen, metrics=found.told, rejected=found.rejected)

    @compiled
    def act(
        self,
        state: AVGState,
        observation: Real[Array, "{state.feature_dim}"],
        key: KeyLike,
        *,
        explore: Any = True,
    ) -> Float[Array, " n"]:
        """An action drawn from the policy, without `explore` that of its mean."""
        key = unrolled(require_key("AVG.act", key))
        noise = jr.normal(key, state.last_noise.shape, jnp.float32)
        outputs = self.actor.apply(state.actor_params, f32(observation))
        action, _ = self.policy.squashed(outputs, jnp.where(flag(explore), noise, 0.0))
        return self.policy.taken(action)

    def _step(self, state: AVGState, now: Any, noise: Array) -> tuple[AVGState, dict, Any]:
        x, xi, tau, policy = (
            state.last_observation,
            state.last_noise,
            f32(self.temperature),
            self.policy,
        )
        actor_rule, critic_rule = self.rules

        def drawn(actor_params, x, noise):
            return policy.squashed(self.actor.apply(actor_params, x), noise)

        def q(critic_params, x, action):
            return self.critic.apply(critic_params, jnp.concatenate([x, action]))[0]

        action, log_density = drawn(state.actor_params, x, xi)
        soft_reward = now.reward - tau * log_density
        scaler = ReturnScale()
        scale = scaler.seen(state.scale, soft_reward, now.discount, now.boundary)
        sigma = scaler.sigma(scale)

        next_action, next_density = drawn(state.actor_params, now.observation, noise)

        def following(critic_params):
            return q(critic_params, now.observation, next_action) - tau * next_density

        value, gradient = jax.value_and_grad(q)(state.critic_params, x, action)
        direction, critic_state = critic_rule.direction(
            state.critic_rule_state, gradient, state.trace_decay
        )
        next_value, along = jax.jvp(following, (state.critic_params,), (direction,))
        delta = (bootstrapped(now.reward, now.discount, next_value) - value) / sigma
        ahead = Bootstrap(next_value, now.discount * along)
        changes, critic_state, info = critic_rule.step(
            critic_state,
            gradient,
            direction,
            delta,
            ahead,
            state.trace_decay,
            now.boundary,
            params=state.critic_params,
        )

        def preferred(actor_params):
            action, density = drawn(actor_params, x, xi)
            return q(state.critic_params, x, action) - tau * density

        upwards = jax.grad(preferred)(state.actor_params)
        of_actor, actor_state, _ = actor_rule.update(
            state.actor_rule_state, upwards, 1.0, 0.0, params=state.actor_params
        )
        before = both(state.plasticity_states)
        actor = kept_plastic(
            self.plasticity,
            before[0],
            self.actor,
            actor_rule,
            actor_state,
            state.actor_params,
            moved(state.actor_params, of_actor),
            jax.tree.map(jnp.negative, upwards),
            x,
        )
        critic = kept_plastic(
            self.plasticity,
            before[1],
            self.critic,
            critic_rule,
            critic_state,
            state.critic_params,
            moved(state.critic_params, changes),
            loss_gradient(delta, gradient),
            jnp.concatenate([x, action]),
        )
        after = state.replace(
            actor_params=actor.params,
            critic_params=critic.params,
            actor_rule_state=actor.rule_state,
            critic_rule_state=critic.rule_state,
            plasticity_states=after_both(actor, critic),
            scale=scale,
            trace_decay=jnp.where(now.boundary, 0.0, now.discount * f32(self.lamda)),
        )
        told = {
            "squared_td_error": delta**2,
            "td_error": delta,
            "value": value,
            "log_density": log_density,
            "error_scale": sigma,
            "value_step_size": info.step_size,
        }
        states = after.actor_rule_state, after.critic_rule_state
        kept = actor_rule.witnesses(states[0]), critic_rule.witnesses(states[1]), scale
        kept = kept, plasticity_witnesses(self.plasticity, after.plasticity_states)
        return after, told, (delta, after.actor_params, after.critic_params, kept)

    def _next(self, state: AVGState, x: Array, pending: Array) -> tuple[Array, AVGState]:
        key, own = jr.split(unrolled(state.rng_key))
        x = jnp.where(jnp.isfinite(x), x, 0.0)
        noise = jr.normal(own, state.last_noise.shape, jnp.float32)
        action, _ = self.policy.squashed(self.actor.apply(state.actor_params, x), noise)
        state = state.replace(
            last_observation=x,
            last_noise=noise,
            pending=pending,
            rng_key=as_before(key, state.rng_key),
        )
        return self.policy.taken(action), state

    def _network(self, state: AVGState) -> Network | None:
        """That of the critic."""
        layers, own = self.critic.layers(state.critic_params), both(state.plasticity_states)[1]
        trace = getattr(state.critic_rule_state, "trace", None)
        network = network_of_layers(layers, trace)
        return kept_by(network, self.plasticity, own, state.critic_params)

    def _cut(self, state: AVGState) -> AVGState:
        return state.replace(
            critic_rule_state=self.rules[1].cut(state.critic_rule_state),
            trace_decay=jnp.zeros_like(state.trace_decay),
        )


@jax.jit
def _rule_states(agent: AVG, actor_params: Any, critic_params: Any) -> tuple:
    actor_rule, critic_rule = agent.rules
    return actor_rule.init(actor_params), critic_rule.init(critic_params)
