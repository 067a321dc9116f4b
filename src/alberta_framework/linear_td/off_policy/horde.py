"""Many general value functions, each of its own policy, learned from one behaviour."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ...compilation.boundary import compiled
from ...components.numbers import f32, truth
from ...components.ranges import require_count, require_part
from ...components.state import AbstractState
from ...experience import DemonStep
from ...horde import GVFSpec, HordeSpec, cumulants_of
from ...learners import (
    AbstractLearner,
    AbstractLearnerState,
    Candidate,
    Lifecycle,
    MetricParts,
    Metrics,
    Network,
    guarded,
    named_columns,
)
from ...targets import continuation, next_features
from .abstract import AbstractOffPolicyMemory, AbstractOffPolicyTD, Transition, cut_where


class OffPolicyHordeState(AbstractLearnerState):
    """The weights of all demons, and what their learner keeps of each, stacked."""

    weights: Float[Array, "demons features"]
    memory: AbstractOffPolicyMemory
    life: Lifecycle

    @property
    def feature_dim(self) -> int:
        return self.weights.shape[-1]

    @property
    def n_demons(self) -> int:
        return self.weights.shape[-2]


class OffPolicyHordeUpdate(AbstractState):
    """What one update gave; NaN in every float when the step was rejected, and in the TD errors
    where a demon is inactive. `predictions` are the values before it."""

    state: OffPolicyHordeState
    predictions: Float[Array, " demons"]
    td_errors: Float[Array, " demons"]
    rejected: Bool[Array, ""]


class OffPolicyHorde(AbstractLearner[OffPolicyHordeState, DemonStep]):
    r"""One linear off-policy learner for each general value function, with a ratio for each.

    Cumulants, discounts and terminations are those of `HordeLearner`: for demon i with cumulant c_i
    and ratio rho_i = pi_i(a|s) / b(a|s),

        g_i     = 0 if terminated, else the discount of this transition
        delta_i = c_i + g_i v_i(x') + terminated terminal_reward_i - v_i(x)

    and the rest is `learner`'s step with lamda_i. A NaN cumulant leaves its demon as it was; where
    an episode ends all the same, nothing of it reaches the next one.

    A step is rejected as a whole where it is of one demon: with a non-finite observation, discount
    or ratio (or next observation, unless all discounts are 0), a ratio below 0, an infinite
    cumulant, or where anything in the state would not be finite.

    Source: Sutton et al. (2011), Horde: A Scalable Real-time Architecture for Learning Knowledge
    from Unsupervised Sensorimotor Interaction.

    **Arguments:** `learner`: any off-policy learner, as `GradientTD`; its numbers are one for all
    demons or one for each, [demons], and its `lamda` gives way to the spec's; `spec`: from
    `create_horde_spec`.
    """

    experience: ClassVar[type] = DemonStep
    draws_weights: ClassVar[bool] = False

    learner: AbstractOffPolicyTD
    spec: HordeSpec

    def __check_init__(self):
        require_part(self, "learner", AbstractOffPolicyTD)
        require_part(self, "spec", HordeSpec)
        if self.learner.reward_centering is not None:
            raise ValueError(
                "OffPolicyHorde: `learner` must have no `reward_centering`, for no demon has an "
                f"average of its own yet, got {self.learner!r}."
            )

    @property
    def n_demons(self) -> int:
        return len(self.spec)

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> OffPolicyHordeState:
        """Zero weights for `feature_dim` features, born now; nothing is drawn from `key`."""
        del key
        require_count("OffPolicyHorde.init", "feature_dim", feature_dim)

        def for_each(array):
            return jnp.broadcast_to(array, (self.n_demons, *array.shape))

        weights = jnp.zeros((self.n_demons, int(feature_dim)), jnp.float32)
        memory = jax.tree.map(for_each, self.learner.begun(int(feature_dim)))
        return OffPolicyHordeState(weights=weights, memory=memory, life=Lifecycle.begin())

    @compiled
    def predict(
        self, state: OffPolicyHordeState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, "{state.n_demons}"]:
        """The values of all demons at `observation`, as `update` would report them."""
        return state.weights @ f32(observation)

    @compiled
    @guarded
    def update(
        self,
        state: OffPolicyHordeState,
        observation: Real[Array, "{state.feature_dim}"],
        cumulants: Real[Array, "{state.n_demons}"] | None,
        next_observation: Real[Array, "{state.feature_dim}"],
        rho: Any = None,
        *,
        signals: Real[Array, " signals"] | None = None,
        terminated: Any = None,
        gammas: Real[Array, "{state.n_demons}"] | None = None,
        boundary: Any = False,
    ) -> Candidate[OffPolicyHordeUpdate]:
        """Learn from one transition.

        **Arguments:** `rho`: the ratio of the action taken, >= 0, one or one for each demon, as
        `HordeSpec.importance_ratios` gives them; None where no demon has a target policy: 1;
        `cumulants`, `signals`, `terminated`, `gammas` as of `HordeLearner.update`; `boundary`:
        whether the next observation is not where the next transition begins, as after a truncation,
        one flag or one for each demon.
        """
        spec = self.spec
        given = cumulants_of("OffPolicyHorde.update", spec, cumulants, signals)
        ended = f32(self._each("`terminated`", 0.0 if terminated is None else terminated))
        if rho is None:
            self._require_no_policies()
        ratios = f32(self._each("`rho`", 1.0 if rho is None else rho))
        discounts = f32(spec.gammas) if gammas is None else f32(gammas)
        g = continuation(discounts, ended != 0.0)
        cut = truth(self._each("`boundary`", boundary)) | (g == 0.0)
        x, next_x = f32(observation), next_features(g, next_observation)
        active = ~jnp.isnan(given)
        rewards = jnp.where(active, given, 0.0) + ended * f32(spec.terminal_rewards)

        def one(learner, weights, memory, reward, discount, ratio, cut, active):
            now = Transition(x, reward, next_x, discount, ratio)
            step = learner.step(weights, memory, now, cut)
            learned, passed = (step.weights, step.memory), (weights, cut_where(cut, memory))
            kept = jax.tree.map(lambda a, b: jnp.where(active, a, b), learned, passed)
            return kept, step.prediction, step.td_error

        after, predictions, errors = jax.vmap(one)(
            self._learners(), state.weights, state.memory, rewards, g, ratios, cut, active
        )
        weights, memory = after
        result = OffPolicyHordeUpdate(
            state=state.replace(weights=weights, memory=memory),
            predictions=predictions,
            td_errors=jnp.where(active, errors, jnp.nan),
            rejected=jnp.asarray(False),
        )
        witnesses = (x, next_x, discounts, ended, ratios, rewards, errors, weights, memory)
        return Candidate(result, witnesses, jnp.all(ratios >= 0.0))

    def learn(
        self, state: OffPolicyHordeState, experience: DemonStep
    ) -> tuple[OffPolicyHordeState, tuple]:
        """Update on a `DemonStep`; the outputs are the metrics and the TD errors, as of a
        `HordeLearner`."""
        now = experience
        result = self.update(
            state,
            now.observation,
            now.cumulants,
            now.next_observation,
            now.rho,
            signals=now.signals,
            terminated=now.terminated,
            gammas=now.gammas,
            boundary=False if now.truncated is None else now.truncated,
        )
        errors = result.td_errors
        sizes = jnp.broadcast_to(f32(self.learner.step_size), errors.shape)
        sizes = jnp.where(jnp.isnan(errors), jnp.nan, sizes)
        return result.state, (jnp.stack([errors**2, errors, sizes], axis=-1), errors)

    def _named(self, outputs: tuple) -> Metrics:
        per_demon, _ = outputs
        return named_columns(("squared_td_error", "td_error", "mean_step_size"), per_demon)

    def _require_no_policies(self) -> None:
        if any(policy is not None for policy in self.spec.target_policies):
            raise TypeError(
                "OffPolicyHorde.update: `rho` must be given, for demons have target policies: "
                "spec.importance_ratios(observation, action, log_b)."
            )

    def _each(self, name: str, value: Any) -> Array:
        """One value for each demon."""
        if jnp.shape(value) not in ((), (self.n_demons,)):
            raise TypeError(
                f"OffPolicyHorde.update: {name} must have shape () or ({self.n_demons},), got "
                f"{jnp.shape(value)}."
            )
        return jnp.broadcast_to(jnp.asarray(value), (self.n_demons,))

    def _learners(self) -> AbstractOffPolicyTD:
        """The learners of all demons, stacked."""
        number = "each number of `learner`"
        learner = jax.tree.map(lambda value: self._each(number, f32(value)), self.learner)
        return eqx.tree_at(lambda one: one.lamda, learner, f32(self.spec.lamdas))

    def _parts(self) -> MetricParts:
        return MetricParts("demon", self.spec.names)

    def _demons(self) -> tuple[GVFSpec, ...]:
        return self.spec.demons

    def _with_heads(self, places: tuple[int, ...], names: tuple[str, ...]) -> "OffPolicyHorde":
        chosen = jax.tree.map(
            lambda number: number[..., list(places)] if np.ndim(number) else number, self.learner
        )
        return OffPolicyHorde(chosen, self.spec.chosen(places, names))

    def _cut(self, state: OffPolicyHordeState) -> OffPolicyHordeState:
        return state.replace(memory=state.memory.cut())

    def _cut_of(self, state: OffPolicyHordeState, mask: Any) -> OffPolicyHordeState:
        mask = jnp.asarray(mask)
        if mask.dtype != jnp.bool_ or mask.shape != (self.n_demons,):
            raise TypeError(
                f"OffPolicyHorde.reset_traces: `mask` must be bool[{self.n_demons}], got "
                f"{mask.dtype}{list(mask.shape)}."
            )
        return state.replace(memory=jax.vmap(cut_where)(mask, state.memory))

    def _network(self, state: OffPolicyHordeState) -> Network:
        return Network(head_weights=state.weights)
