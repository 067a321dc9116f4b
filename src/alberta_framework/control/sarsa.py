"""SARSA(lambda): on-policy control with a Horde of action values and predictions."""

import functools as ft
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Real

from ..bounders import AbstractBounder
from ..compilation.boundary import compiled
from ..compilation.unrolled_keys import as_before, unrolled
from ..components.component import AbstractComponent
from ..components.numbers import f32, is_traced, scalar, truth
from ..components.ranges import (
    require_choice,
    require_count,
    require_key,
    require_part,
    require_range,
)
from ..components.state import AbstractState
from ..components.types import ActionLike, Hyperparameter, KeyLike, ScalarLike
from ..experience import ControlStep
from ..horde import DemonType, GVFSpec, HordeLearner, HordeSpec, HordeState, create_horde_spec
from ..interface import DiscreteActions
from ..learners import (
    AbstractAgentState,
    AbstractLearner,
    Candidate,
    Heads,
    HeadUpdate,
    Lifecycle,
    Network,
    chosen_optimizer,
    concluded,
    living,
    require_traces_taken,
)
from ..networks import sizes
from ..normalizers import AbstractNormalizer
from ..optimizers import AbstractOptimizer, Hybrid
from ..plasticity import AbstractPlasticity
from ..schedules import Linear
from ..targets import (
    CenteringState,
    RewardCentering,
    bootstrapped,
    centered,
    centering_begun,
    continuation,
    recentered,
)
from .contract import AbstractAgent, AbstractAgentStep
from .epsilon_greedy import epsilon_greedy


class SARSAConfig(AbstractComponent):
    """What a SARSA agent controls, and how it explores.

    Epsilon moves linearly from `epsilon_start` to `epsilon_end` over `epsilon_decay_steps` steps.

    **Arguments:** `n_actions` >= 1; `gamma`, `epsilon_start`, `epsilon_end` in [0, 1];
    `epsilon_decay_steps` >= 0, 0 keeps `epsilon_start`.
    """

    n_actions: int = eqx.field(static=True)
    gamma: Hyperparameter = 0.99
    epsilon_start: Hyperparameter = 0.1
    epsilon_end: Hyperparameter = 0.01
    epsilon_decay_steps: Hyperparameter = eqx.field(default=0, metadata={"counts_steps": True})

    _config_names_type: ClassVar[bool] = False

    def __check_init__(self):
        require_count("SARSAConfig", "n_actions", self.n_actions)
        for name in ("gamma", "epsilon_start", "epsilon_end"):
            require_range(self, name, 0.0, 1.0)
        require_range(self, "epsilon_decay_steps", 0, 2**31 - 1)
        steps = self.epsilon_decay_steps
        if isinstance(steps, float) or (
            not is_traced(steps) and np.any(np.asarray(steps, np.float64) % 1)
        ):
            raise ValueError(
                f"SARSAConfig: `epsilon_decay_steps` must be an integer >= 0, got {steps}."
            )


class SARSAState(AbstractAgentState):
    """The learner's state, and the pair (observation, action) still to be learned.

    `last_action` is -1 when none is pending. `step_count`, `rejected_count`, `birth_timestamp` and
    `uptime_s` are those of the learner; `centering` of the rewards, None where there is none.
    """

    learner_state: HordeState
    last_action: Int[Array, ""]
    last_observation: Float[Array, " features"]
    epsilon: Float[Array, ""]
    rng_key: PRNGKeyArray
    centering: CenteringState | None = None

    @property
    def feature_dim(self) -> int:
        return self.last_observation.shape[-1]


class _Learned(AbstractState):
    """What a step of the heads gave: the errors of those of the actions."""

    state: HordeState
    errors: Float[Array, " actions"]
    rejected: Bool[Array, ""]


class SARSAUpdateResult(AbstractAgentStep):
    """What one update gave.

    `q_values` are those at the new observation before learning that the target is made of, by the
    normalizer's statistics as they were; `td_error` is the error that the update used, NaN when
    nothing was learned; `learned` is False when no action was pending.
    """

    state: SARSAState
    action: Int[Array, ""]
    q_values: Float[Array, " actions"]
    td_error: Float[Array, ""]
    reward: Float[Array, ""]
    rejected: Bool[Array, ""]
    learned: Bool[Array, ""]

    @property
    def metrics(self) -> dict[str, Array]:
        """What a loop records: squared error, error, and the largest of the Q values."""
        return _metrics(self.q_values, self.td_error)


class SARSAAgent(AbstractAgent[SARSAState], AbstractLearner[SARSAState, ControlStep]):
    r"""Learns action values on-policy and acts epsilon-greedily on them.

    For the pending pair (x, a), reward R, next pair (x', a'), discount g (0 when terminated):

        delta = R + g q_{a'}(x') - q_a(x)
        z_j  <- (discount of the last transition) lamda z_j + [j = a] grad q_j(x)   for every action
        every head with a live trace steps with delta; the trunk learns one step through q_a

    One value function, one trace: all heads share one TD error. Each head keeps its own optimizer
    state and is bounded by itself. Prediction demons learn beside the control heads from the same
    trunk, as in `HordeLearner`.

    Termination does not bootstrap; truncation does, and then cuts the traces.

    Source: Sutton and Barto (2018), sections 10.1 and 12.7.

    **Arguments:** `sarsa_config`; `prediction_demons`: GVFSpecs, default none; `lamda` in [0, 1],
    default 0; `use_bias`, keyword only, of the heads; `reward_centering`, keyword only, of the
    action values, default none: see `RewardCentering`; `plasticity`, keyword only: what keeps the
    network able to learn, default none; the others as `MLPLearner`.
    """

    experience: ClassVar[type] = ControlStep
    draws_weights: ClassVar[bool] = True

    sarsa_config: SARSAConfig = eqx.field(metadata={"config": "required"})
    lamda: Hyperparameter
    prediction_demons: HordeSpec | None = eqx.field(metadata={"config_splice": "demons"})
    hidden_sizes: tuple[int, ...] = eqx.field(static=True, metadata={"config": "required"})
    optimizer: AbstractOptimizer | Hybrid = eqx.field(metadata={"config": "required"})
    bounder: AbstractBounder | None
    normalizer: AbstractNormalizer | None
    head_optimizer: AbstractOptimizer | None
    sparsity: float = eqx.field(static=True)
    leaky_relu_slope: Hyperparameter
    use_layer_norm: bool = eqx.field(static=True)
    use_bias: bool = eqx.field(static=True, metadata={"config": "omit_default"})
    reward_centering: RewardCentering | None = eqx.field(metadata={"config": "omit_default"})
    plasticity: AbstractPlasticity | None = eqx.field(metadata={"config": "omit_default"})

    def __init__(
        self,
        sarsa_config: SARSAConfig,
        hidden_sizes: Sequence[int] = (128, 128),
        optimizer: AbstractOptimizer | Hybrid | None = None,
        step_size: Hyperparameter = 1.0,
        bounder: AbstractBounder | None = None,
        normalizer: AbstractNormalizer | None = None,
        sparsity: float = 0.9,
        leaky_relu_slope: Hyperparameter = 0.01,
        use_layer_norm: bool = True,
        head_optimizer: AbstractOptimizer | None = None,
        prediction_demons: Sequence[GVFSpec] | HordeSpec | None = None,
        lamda: Hyperparameter = 0.0,
        *,
        use_bias: bool = True,
        reward_centering: RewardCentering | None = None,
        plasticity: AbstractPlasticity | None = None,
    ):
        self.sarsa_config = sarsa_config
        self.lamda = lamda
        if isinstance(prediction_demons, Sequence):
            prediction_demons = create_horde_spec(prediction_demons) if prediction_demons else None
        self.prediction_demons = prediction_demons
        self.hidden_sizes = sizes("SARSAAgent", hidden_sizes)
        self.optimizer = chosen_optimizer("SARSAAgent", optimizer, step_size)
        self.bounder, self.normalizer, self.head_optimizer = bounder, normalizer, head_optimizer
        self.sparsity, self.leaky_relu_slope = sparsity, leaky_relu_slope
        self.use_layer_norm, self.use_bias = use_layer_norm, use_bias
        self.reward_centering = reward_centering
        self.plasticity = plasticity

    def __check_init__(self):
        require_part(self, "sarsa_config", SARSAConfig)
        require_part(self, "prediction_demons", HordeSpec, optional=True)
        if self.prediction_demons is not None:
            self.prediction_demons.require_on_policy("SARSAAgent")
        require_part(self, "reward_centering", RewardCentering, optional=True)
        require_range(self, "lamda", 0.0, 1.0)
        require_choice("SARSAAgent", "use_bias", self.use_bias, (True, False))
        require_traces_taken(self, "lamda", self.lamda)
        _ = self.horde  # validates the shared fields

    @property
    def n_actions(self) -> int:
        return self.sarsa_config.n_actions

    @property
    def action_space(self) -> DiscreteActions:
        return DiscreteActions(self.n_actions)

    @property
    def heads(self) -> Heads:
        """A head for each action's value, then for each prediction demon, and their trunk."""
        demons = 0 if self.prediction_demons is None else len(self.prediction_demons)
        return Heads.of(self, self.n_actions + demons)

    @property
    def horde(self) -> HordeLearner:
        """The Horde of the same heads: the action values, then the prediction demons.

        The control demons have gamma 0, since the agent makes their target itself.
        """
        control = create_horde_spec(
            [
                GVFSpec(f"q_{i}", DemonType.CONTROL, 0.0, self.lamda, -1)
                for i in range(self.n_actions)
            ]
        )
        spec, extra = control, self.prediction_demons
        if extra is not None:
            spec = HordeSpec(
                control.names + extra.names,
                control.demon_types + extra.demon_types,
                control.cumulant_indices + extra.cumulant_indices,
                _concatenated(control.gammas, extra.gammas),
                _concatenated(control.lamdas, extra.lamdas),
                _concatenated(control.terminal_rewards, extra.terminal_rewards),
            )
        return HordeLearner(
            spec,
            self.hidden_sizes,
            self.optimizer,
            bounder=self.bounder,
            normalizer=self.normalizer,
            sparsity=self.sparsity,
            leaky_relu_slope=self.leaky_relu_slope,
            use_layer_norm=self.use_layer_norm,
            head_optimizer=self.head_optimizer,
            use_bias=self.use_bias,
            plasticity=self.plasticity,
        )

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> SARSAState:
        """Sparse weights for `feature_dim` features drawn from `key`; no action pending."""
        require_count("SARSAAgent.init", "feature_dim", feature_dim)
        own_key, weights_key = jr.split(require_key("SARSAAgent.init", key))
        heads = self.heads
        learner_state = HordeState(
            **heads.begun(feature_dim, weights_key),
            previous_discounts=jnp.ones(heads.n_heads, jnp.float32),
            life=Lifecycle.begin(),
        )
        return SARSAState(
            learner_state=learner_state,
            last_action=jnp.full((), -1, jnp.int32),
            last_observation=jnp.zeros(feature_dim, jnp.float32),
            epsilon=f32(self.sarsa_config.epsilon_start),
            rng_key=own_key,
            centering=centering_begun(self.reward_centering),
        )

    @compiled
    def select_action(
        self, state: SARSAState, observation: Real[Array, "{state.feature_dim}"]
    ) -> tuple[Int[Array, ""], PRNGKeyArray]:
        """An epsilon-greedy action at `observation`, and the key that the caller keeps."""
        key, keys = _action_keys(state)
        return self._chosen(state, self._values(state, f32(observation)), keys), key

    @compiled
    def start(
        self, state: SARSAState, observation: Real[Array, "{state.feature_dim}"]
    ) -> tuple[Int[Array, ""], SARSAState]:
        """The first action of an episode, and the state in which it is pending, traces cut."""
        key, keys = _action_keys(state)
        observation = f32(observation)
        action = self._chosen(state, self._values(state, observation), keys)
        cut = _without_traces_if(True, state.learner_state)
        begun = state.replace(learner_state=cut, rng_key=key)
        return action, _pending(begun, action, observation)

    @compiled
    def update(
        self,
        state: SARSAState,
        reward: ScalarLike,
        observation: Real[Array, "{state.feature_dim}"],
        terminated: Any,
        next_action: ActionLike,
        prediction_cumulants: Real[Array, " demons"] | None = None,
        *,
        truncated: Any = False,
    ) -> SARSAUpdateResult:
        """Learn that the pending pair led to `reward` and `observation`, then `next_action`.

        **Arguments:** `terminated`, `truncated`: flags; `next_action`: an integer, 0 to
        `n_actions` - 1; `prediction_cumulants`, one for each prediction demon, NaN or None for
        inactive ones.

        **Raises:** `TypeError` for a `next_action` that is no integer, `ValueError` for one out of
        range. Inside compiled code, where its value is unknown, such a step is rejected.
        """
        heads, n_actions = self.heads, self.n_actions
        reward, ended, cut = scalar(reward), _flag(terminated), _flag(truncated)
        number = jnp.asarray(next_action)
        number = number.astype(jnp.int32) if number.dtype.itemsize < 4 else number
        exists, action = (number >= 0) & (number < n_actions), number.astype(jnp.int32)
        learner_state = state.learner_state
        next_x = f32(observation)
        sound = jnp.all(jnp.isfinite(next_x))
        seen = jnp.where(sound, next_x, 0.0)
        values = heads.next_values(learner_state, seen)
        q_values = jnp.where(sound, values[:n_actions], jnp.nan)

        g = continuation(self.sarsa_config.gamma, ended)
        centered_reward = centered(self.reward_centering, state.centering, reward)
        q_target = bootstrapped(centered_reward, g, values[action])
        taken = jnp.arange(n_actions, dtype=jnp.int32) == state.last_action
        gammas, demon_lamdas, terminal_rewards = self._demon_numbers()
        discounts = continuation(gammas, ended)
        cumulants = self._cumulants(prediction_cumulants)
        targets = bootstrapped(cumulants, discounts, values[n_actions:])
        targets = targets + jnp.where(ended, terminal_rewards, 0.0)
        lamdas = jnp.concatenate([jnp.broadcast_to(f32(self.lamda), (n_actions,)), demon_lamdas])
        predicted = ~jnp.isnan(cumulants)
        how = HeadUpdate(
            targets=jnp.concatenate([jnp.full(n_actions, q_target), targets]),
            active=jnp.concatenate([taken, predicted]),
            frozen=jnp.concatenate([jnp.zeros(n_actions, bool), ~predicted]),
            trace_decays=learner_state.previous_discounts * lamdas,
        )

        def step_errors(errors):
            shared = jnp.broadcast_to(jnp.sum(errors[:n_actions]), (n_actions,))
            return jnp.concatenate([shared, errors[n_actions:]])

        old = learner_state.previous_discounts[n_actions:]
        previous = jnp.concatenate(
            [
                jnp.broadcast_to(g, (n_actions,)),
                jnp.where(predicted | (discounts == 0.0), discounts, old),
            ]
        )
        acceptable = jnp.isfinite(reward) & (sound | ended) & ~jnp.any(jnp.isinf(cumulants))
        # An action that does not exist would bootstrap from another one, or credit none.
        acceptable &= exists & (state.last_action < n_actions)
        pending = state.last_action >= 0
        step = heads.step(learner_state, state.last_observation, how, step_errors)
        result = concluded(
            learner_state,
            Candidate(
                _Learned(
                    learner_state.replace(**step.changed, previous_discounts=previous),
                    step.told_errors[:n_actions],
                    jnp.asarray(False),
                ),
                step.witnesses,
                acceptable & pending,
            ),
        )
        learned = ~result.rejected
        # Without a pending action nothing is learned; what is bad is counted all the same.
        counted = pending | ~acceptable
        rejected = result.rejected & counted
        words = jnp.where(counted, result.state.life.words, learner_state.life.words)
        after = eqx.tree_at(lambda s: s.life.words, result.state, words)
        after = _without_traces_if(cut & learned, after)
        moved = _pending(state, action, next_x)
        td_error = jnp.sum(jnp.where(taken, result.errors, 0.0))
        centering = recentered(self.reward_centering, state.centering, reward, td_error)
        centering = jax.tree.map(ft.partial(jnp.where, learned), centering, state.centering)
        new_state = state.replace(
            learner_state=after,
            last_action=jnp.where(rejected, state.last_action, moved.last_action),
            last_observation=jnp.where(rejected, state.last_observation, moved.last_observation),
            epsilon=self._epsilon(state, after, learned),
            centering=centering,
        )
        return SARSAUpdateResult(
            state=new_state,
            action=action,
            q_values=jnp.where(rejected, jnp.nan, q_values),
            td_error=jnp.where(learned, td_error, jnp.nan),
            reward=reward,
            rejected=rejected,
            learned=learned,
        )

    @compiled
    def act_and_learn(
        self,
        state: SARSAState,
        reward: ScalarLike,
        observation: Real[Array, "{state.feature_dim}"],
        terminated: Any,
        truncated: Any,
        prediction_cumulants: Real[Array, " demons"] | None = None,
    ) -> SARSAUpdateResult:
        """Select the next action at `observation` with the state before learning, then `update`.

        One compiled call for each step of an environment. After a rejected step no action is
        pending and the traces are cut, so that a lost transition is never bridged.
        """
        action, key = self.select_action(state, observation)
        result = self.update(
            state,
            reward,
            observation,
            terminated,
            action,
            prediction_cumulants,
            truncated=truncated,
        )
        return result.replace(state=_after_step(result, key))

    def learn(self, state: SARSAState, experience: ControlStep) -> tuple[SARSAState, tuple]:
        """Update on a `ControlStep`; the outputs are Q values, TD error and next action."""
        now = experience
        key, keys = _action_keys(state)
        given, next_given = self._number(now.action), self._number(now.next_action)
        action = jnp.where(given >= 0, given, state.last_action)
        x, next_x = f32(now.observation), f32(now.next_observation)
        state = state.replace(last_action=action, last_observation=x)
        selected = self._chosen(state, self._values(state, next_x), keys)
        next_action = jnp.where(next_given >= 0, next_given, selected)
        result = self.update(
            state,
            now.reward,
            next_x,
            now.terminated,
            next_action,
            now.cumulants,
            truncated=now.truncated,
        )
        after = _after_step(result, key)
        # The first action after a boundary belongs to the observation that follows it.
        first = self._chosen(after, self._values(after, f32(now.following_observation)), keys)
        boundary = (_flag(now.terminated) | _flag(now.truncated)) & ~result.rejected
        after = after.replace(last_action=jnp.where(boundary, first, after.last_action))
        return after, (result.q_values, result.td_error, next_action)

    def _number(self, action: Array) -> Int[Array, ""]:
        """A recorded action, -1 where there is none; `n_actions`, which is rejected, for what is
        none. Records of NumPy arrays come as float32."""
        whole = (action == jnp.round(action)) & (action < self.n_actions)
        return jnp.where(whole, action, self.n_actions).astype(jnp.int32)

    @compiled
    def act(
        self,
        state: SARSAState,
        observation: Real[Array, "{state.feature_dim}"],
        key: KeyLike,
        *,
        explore: Any = True,
    ) -> Int[Array, ""]:
        """An epsilon-greedy action at `observation`, without `explore` a greedy one; the state
        stays as it is."""
        keys = jr.split(unrolled(require_key("SARSAAgent.act", key)), 3)
        epsilon = jnp.where(_flag(explore), state.epsilon, 0.0)
        values = self._values(state, f32(observation))
        return epsilon_greedy((keys[0], keys[1], keys[2]), values, epsilon)

    def _named(self, outputs: Any) -> Mapping[str, Array]:
        # Of a loop over recorded steps the outputs are arrays; of a step they have names.
        return outputs if isinstance(outputs, Mapping) else _metrics(*outputs[:2])

    def _cut(self, state: SARSAState) -> SARSAState:
        return state.replace(learner_state=_without_traces_if(True, state.learner_state))

    def _network(self, state: Any) -> Network | None:
        return self.heads.network(living(state))

    def _values(self, state: SARSAState, observation: Array) -> Float[Array, " actions"]:
        return self.heads.predictions(state.learner_state, observation)[: self.n_actions]

    def _chosen(self, state: SARSAState, values: Array, keys: tuple) -> Int[Array, ""]:
        return epsilon_greedy(keys, values, state.epsilon)

    def _demon_numbers(self) -> tuple[Array, Array, Array]:
        """Discounts, lamdas and terminal rewards of the prediction demons."""
        demons = self.prediction_demons
        if demons is None:
            none = jnp.zeros(0, jnp.float32)
            return none, none, none
        return f32(demons.gammas), f32(demons.lamdas), f32(demons.terminal_rewards)

    def _cumulants(self, prediction_cumulants: Any) -> Float[Array, " demons"]:
        n = 0 if self.prediction_demons is None else len(self.prediction_demons)
        if prediction_cumulants is None:
            return jnp.full(n, jnp.nan, jnp.float32)
        if prediction_cumulants.shape != (n,):
            raise TypeError(
                f"SARSAAgent.update: `prediction_cumulants` must have shape ({n},), got "
                f"{prediction_cumulants.shape}."
            )
        return f32(prediction_cumulants)

    def _epsilon(self, state: SARSAState, after: HordeState, learned: Array) -> Array:
        config = self.sarsa_config
        steps = jnp.asarray(config.epsilon_decay_steps)
        schedule = Linear(config.epsilon_start, config.epsilon_end, jnp.maximum(steps, 1))
        return jnp.where(learned & (steps > 0), schedule(after.life.steps), state.epsilon)


def _metrics(q_values: Float[Array, "*batch actions"], error: Array) -> dict[str, Array]:
    greedy = jnp.max(q_values, axis=-1)
    return {"squared_td_error": error**2, "td_error": error, "greedy_value": greedy}


def _flag(value: Any) -> Bool[Array, ""]:
    return jnp.reshape(truth(value), ())


def _action_keys(state: SARSAState) -> tuple[PRNGKeyArray, tuple]:
    key, explore, tie, random = jr.split(unrolled(state.rng_key), 4)
    return as_before(key, state.rng_key), (explore, tie, random)


def _without_traces_if(cut: Any, state: HordeState) -> HordeState:
    """Where `cut`, no trace of a head lives on, and none decays into the next step.

    Of the state only what it changes is chosen: to choose each of its numbers takes as long as half
    a step of a small network.
    """

    def none(array):
        return jnp.where(cut, jnp.zeros_like(array), array)

    return state.replace(
        head_traces=jax.tree.map(none, state.head_traces),
        previous_discounts=none(state.previous_discounts),
    )


def _pending(state: SARSAState, action: Array, observation: Array) -> SARSAState:
    """The pair to be learned; none where the observation is not finite (a terminal one may be)."""
    sound = jnp.all(jnp.isfinite(observation))
    return state.replace(
        last_action=jnp.where(sound, action, -1).astype(jnp.int32),
        last_observation=jnp.where(sound, observation, 0.0),
    )


def _after_step(result: SARSAUpdateResult, key: PRNGKeyArray) -> SARSAState:
    """A loop's state after an update: the key moves on; a rejected step leaves nothing pending."""
    state = result.state
    return state.replace(
        last_action=jnp.where(result.rejected, -1, state.last_action),
        learner_state=_without_traces_if(result.rejected, state.learner_state),
        rng_key=key,
    )


def _concatenated(first: Any, second: Any) -> Any:
    traced = isinstance(first, jax.Array) or isinstance(second, jax.Array)
    if traced:
        return jnp.concatenate([f32(first), f32(second)])
    return np.concatenate([first, second])
