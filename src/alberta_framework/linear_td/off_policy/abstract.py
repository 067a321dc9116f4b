"""What learners of linear values off policy have in common."""

import abc
from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Real

from ...compilation.boundary import compiled
from ...components.numbers import f32, scalar, truth
from ...components.state import AbstractState
from ...components.types import Hyperparameter, ScalarLike
from ...experience import TDTimeStep
from ...learners import Candidate, Lifecycle, Metrics, guarded
from ...targets import CenteringState, bootstrapped, centered, next_features, recentered
from ..abstract import AbstractLinearTDState, AbstractLinearValue, TDUpdate, told_of


class AbstractOffPolicyMemory(AbstractState):
    """What is kept beside the weights."""

    @abc.abstractmethod
    def cut(self) -> Self:
        """Nothing of the past reaches the next step; what was learned stays."""


class OffPolicyTDState(AbstractLinearTDState):
    """Weights, and what their learner keeps beside them."""

    weights: Float[Array, " features"]
    memory: AbstractOffPolicyMemory
    life: Lifecycle
    centering: CenteringState | None = None


class Transition(NamedTuple):
    """A transition from x to next_x, whose action has the ratio rho."""

    x: Array
    reward: Array
    next_x: Array
    discount: Array
    rho: Array


class OffPolicyStep(NamedTuple):
    """The weights after a step and what is kept beside them, the value before it, its TD error."""

    weights: Array
    memory: Any
    prediction: Array
    td_error: Array


class AbstractOffPolicyTD(AbstractLinearValue[OffPolicyTDState]):
    r"""Values of a target policy, learned from the actions of another one, the behaviour.

    rho = pi(a|s) / b(a|s) is the ratio of the probabilities that the two give the action taken, see
    `importance_ratio`. It enters a trace once, at its own step.

    A step with a non-finite observation, reward, discount or ratio (or next observation, unless the
    discount is 0), with a ratio below 0, or one after which anything in the state would not be
    finite, is rejected: the state stays as it was, and counts it.
    """

    step_size: eqx.AbstractVar[Hyperparameter]
    lamda: eqx.AbstractVar[Hyperparameter]

    # Whether a discount is more than a flag that tells 0, a termination, from what goes on.
    discounts: ClassVar[bool] = True

    @compiled
    @guarded
    def update(
        self,
        state: OffPolicyTDState,
        observation: Real[Array, "{state.feature_dim}"],
        reward: ScalarLike,
        next_observation: Real[Array, "{state.feature_dim}"],
        discount: ScalarLike,
        rho: ScalarLike = 1.0,
        *,
        boundary: Any = False,
    ) -> Candidate[TDUpdate]:
        """Learn from one transition.

        **Arguments:** `discount`: of this very transition, 0 where the episode terminated; `rho`:
        the ratio of the action taken in it, >= 0; `boundary`: whether the next observation is not
        where the next transition begins, as after a truncation. A discount of 0 is one by itself.
        """
        g, x, ratio, paid = scalar(discount), f32(observation), scalar(rho), scalar(reward)
        next_x = next_features(g, next_observation)
        cut = jnp.reshape(truth(boundary), ()) | (g == 0.0)
        taken = centered(self.reward_centering, state.centering, paid)
        # What goes on is not discounted where the average reward is what is asked.
        decay = g if self.discounts else jnp.where(g == 0.0, 0.0, f32(1.0))
        now = Transition(x, taken, next_x, decay, ratio)
        step = self.step(state.weights, state.memory, now, cut)
        centering = recentered(self.reward_centering, state.centering, paid, step.td_error, ratio)
        result = TDUpdate(
            state=state.replace(weights=step.weights, memory=step.memory, centering=centering),
            prediction=step.prediction,
            td_error=step.td_error,
            step_scale=jnp.ones((), jnp.float32),
            rejected=jnp.asarray(False),
        )
        kept = step.weights, step.memory, centering
        witnesses = (step.td_error, g, ratio, x, next_x, kept)
        return Candidate(result, witnesses, ratio >= 0.0)

    def learn(
        self, state: OffPolicyTDState, experience: TDTimeStep
    ) -> tuple[OffPolicyTDState, Metrics]:
        """Update on a `TDTimeStep`; the outputs are the TD error, its square and the step scale."""
        now = experience
        result = self.update(
            state,
            now.observation,
            now.reward,
            now.next_observation,
            now.gamma,
            1.0 if now.rho is None else now.rho,
            boundary=False if now.truncated is None else now.truncated,
        )
        return result.state, told_of(result)

    def step(self, weights: Array, memory: Any, now: Transition, cut: Array) -> OffPolicyStep:
        """The step of `update` before it is judged; where `cut`, nothing reaches the next one."""
        value = weights @ now.x
        delta = bootstrapped(now.reward, now.discount, weights @ now.next_x) - value
        weights, memory = self._learned(weights, memory, now, delta)
        return OffPolicyStep(weights, cut_where(cut, memory), value, delta)

    @abc.abstractmethod
    def begun(self, feature_dim: int) -> Any:
        """What is kept beside the weights, before the first step."""

    @abc.abstractmethod
    def _learned(
        self, weights: Array, memory: Any, now: Transition, td_error: Array
    ) -> tuple[Array, Any]:
        """The weights and what is kept beside them, after a step within an episode."""

    def _begun(self, feature_dim: int, life: Lifecycle) -> OffPolicyTDState:
        weights = jnp.zeros(feature_dim, jnp.float32)
        return OffPolicyTDState(weights=weights, memory=self.begun(feature_dim), life=life)

    def _cut(self, state: OffPolicyTDState) -> OffPolicyTDState:
        return state.replace(memory=state.memory.cut())


def cut_where(cut: Array, memory: Any) -> Any:
    """What is kept, with nothing of the past in it where `cut`."""
    return jax.tree.map(lambda a, b: jnp.where(cut, a, b), memory.cut(), memory)
