"""What learners of linear value functions have in common."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Real

from ..compilation.boundary import compiled
from ..components.numbers import f32, scalar, truth
from ..components.ranges import require_count
from ..components.state import AbstractState
from ..components.types import ScalarLike
from ..experience import TDTimeStep
from ..learners import (
    AbstractLearner,
    AbstractLearnerState,
    Candidate,
    Lifecycle,
    Metrics,
    Network,
    guarded,
    on_policy,
)
from ..targets import (
    CenteringState,
    RewardCentering,
    centered,
    centering_begun,
    next_features,
    recentered,
)


class AbstractLinearTDState(AbstractLearnerState):
    """The weights of a value function, and what its learner keeps beside them; `centering` of the
    rewards, None for a learner that centers none."""

    weights: eqx.AbstractVar[Float[Array, " features"]]
    centering: eqx.AbstractVar[CenteringState | None]

    @property
    def feature_dim(self) -> int:
        return self.weights.shape[-1]


class TDUpdate(AbstractState):
    """What one update gave; NaN in every float when the step was rejected.

    `prediction` is the value before it; `step_scale` by how much the learner shrank its step, 1
    where it did not.
    """

    state: Any
    prediction: Float[Array, ""]
    td_error: Float[Array, ""]
    step_scale: Float[Array, ""]
    rejected: Bool[Array, ""]


class LinearStep(NamedTuple):
    """What a step gave before it is judged: the fields of the state that it changed, the value
    before it, its TD error, and by how much it was shrunk."""

    changed: dict[str, Any]
    prediction: Array
    td_error: Array
    step_scale: Any = 1.0


State = TypeVar("State", bound=AbstractLinearTDState)


class AbstractLinearValue(AbstractLearner[State, TDTimeStep]):
    r"""v(s) = w.x(s), the expected discounted sum of rewards.

    A bias is a feature that is always 1.
    """

    experience: ClassVar[type] = TDTimeStep
    draws_weights: ClassVar[bool] = False

    if TYPE_CHECKING:
        # Type checkers take an AbstractVar for the first field of every constructor.
        reward_centering: ClassVar[Any]
    else:
        reward_centering: eqx.AbstractVar[RewardCentering | None]

    def init(self, feature_dim: int, key: PRNGKeyArray | None = None) -> State:
        """Zero weights for `feature_dim` features, born now; nothing is drawn from `key`."""
        del key
        require_count(f"{type(self).__name__}.init", "feature_dim", feature_dim)
        state = self._begun(int(feature_dim), Lifecycle.begin())
        return state.replace(centering=centering_begun(self.reward_centering))

    @compiled
    def predict(
        self, state: AbstractLinearTDState, observation: Real[Array, "{state.feature_dim}"]
    ) -> Float[Array, ""]:
        """The value at `observation`, as `update` would report it."""
        return state.weights @ f32(observation)

    @abc.abstractmethod
    def _begun(self, feature_dim: int, life: Lifecycle) -> State:
        """The state before the first step."""

    def _network(self, state: AbstractLinearTDState) -> Network:
        step_sizes = self._input_step_sizes(state)
        return Network(
            head_weights=state.weights[None],
            head_step_sizes=None if step_sizes is None else step_sizes[None],
        )


class AbstractLinearTD(AbstractLinearValue[State]):
    r"""TD learning of linear values, of the policy that is followed.

    A step with a non-finite observation, reward or discount (or next observation, unless the
    discount is 0), or one after which anything in the state would not be finite, is rejected: the
    state stays as it was, and counts it.
    """

    @compiled
    @guarded
    def update(
        self,
        state: AbstractLinearTDState,
        observation: Real[Array, "{state.feature_dim}"],
        reward: ScalarLike,
        next_observation: Real[Array, "{state.feature_dim}"],
        discount: ScalarLike,
        *,
        boundary: Any = False,
    ) -> Candidate[TDUpdate]:
        """Learn from one transition.

        **Arguments:** `discount`: of this very transition, 0 where the episode terminated;
        `boundary`: whether the next observation is not where the next transition begins, as after
        a truncation. A discount of 0 is one by itself.
        """
        g, x = scalar(discount), f32(observation)
        next_x = next_features(g, next_observation)
        cut = jnp.reshape(truth(boundary), ()) | (g == 0.0)
        paid = scalar(reward)
        taken = centered(self.reward_centering, state.centering, paid)
        step = self._step(state, x, taken, next_x, g, cut)
        centering = recentered(self.reward_centering, state.centering, paid, step.td_error)
        result = TDUpdate(
            state=state.replace(**step.changed, centering=centering),
            prediction=step.prediction,
            td_error=step.td_error,
            step_scale=f32(step.step_scale),
            rejected=jnp.asarray(False),
        )
        return Candidate(result, (step.td_error, g, x, next_x, step.changed, centering))

    def learn(self, state: State, experience: TDTimeStep) -> tuple[State, Metrics]:
        """Update on a `TDTimeStep`; the outputs are the TD error, its square and the step scale."""
        now = on_policy(self, experience)
        cut = False if now.truncated is None else now.truncated
        result = self.update(
            state, now.observation, now.reward, now.next_observation, now.gamma, boundary=cut
        )
        return result.state, told_of(result)

    @abc.abstractmethod
    def _step(
        self, state: Any, x: Array, reward: Array, next_x: Array, discount: Array, cut: Array
    ) -> LinearStep:
        """One step; where `cut`, nothing of the past reaches the next one."""


def told_of(result: TDUpdate) -> Metrics:
    """What is recorded of an update."""
    told = {
        "squared_td_error": result.td_error**2,
        "td_error": result.td_error,
        "step_scale": result.step_scale,
    }
    return Metrics(told)
