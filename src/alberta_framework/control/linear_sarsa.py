"""Sarsa(lambda) with linear action values."""

import abc
from typing import Any, ClassVar, Generic, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ..components.types import Hyperparameter
from ..learners import Lifecycle
from ..linear_td import AbstractLinearTD, LinearTD, state_action_features
from ..schedules import AbstractSchedule, Constant
from ..targets import CenteringState, RewardCentering
from ..traces import AbstractTrace, Accumulating
from .action_values import (
    AbstractActionValueAgent,
    AbstractActionValueState,
    ValueStep,
    require_fields,
)
from .pending import Outcome


class LinearSarsaState(AbstractActionValueState):
    """The state of the learner of the values, and the pair of observation and action to be learned.

    `exploratory`: whether the pending action was worse than another when it was chosen;
    `centering`: of the rewards, None for an agent that centers none.
    """

    learner_state: Any
    last_observation: Float[Array, " features"]
    last_action: Int[Array, ""]
    pending: Bool[Array, ""]
    exploratory: Bool[Array, ""]
    rng_key: PRNGKeyArray
    life: Lifecycle
    centering: CenteringState | None = None

    @property
    def weights(self) -> Float[Array, " pairs"]:
        """Those of action 0, then those of action 1, and so on."""
        return self.learner_state.weights


Learner = TypeVar("Learner", bound=AbstractLinearTD)


class AbstractLinearSarsa(AbstractActionValueAgent[LinearSarsaState], Generic[Learner]):
    r"""Linear action values q(x, a) = w_a.x, zero at first, learned as a learner of linear state
    values learns, of the features onehot(a) (x) x, and of those of the action that is taken next.

    The next action is chosen before the step. Where an episode ends its successor's first action
    is chosen anew, and no trace reaches it.
    """

    _on_policy: ClassVar[bool] = True
    draws_weights: ClassVar[bool | None] = True

    lamda: eqx.AbstractVar[Hyperparameter]

    def __check_init__(self):
        require_fields(self)
        _ = self.learner  # validates the rest

    @property
    @abc.abstractmethod
    def learner(self) -> Learner:
        """What learns the values of pairs of observation and action."""

    def _initial(
        self, feature_dim: int, key: PRNGKeyArray, blank: dict[str, Any]
    ) -> LinearSarsaState:
        del key
        return LinearSarsaState(
            learner_state=self.learner.init(feature_dim * self.n_actions), **blank
        )

    def _values(self, state: Any, x: Float[Array, " features"]) -> Float[Array, " actions"]:
        return state.weights.reshape(self.n_actions, -1) @ x

    def _step(
        self, state: LinearSarsaState, now: Outcome, reset: Any, next_action: Any
    ) -> ValueStep:
        step = self.learner.update(
            state.learner_state,
            self._pair(state.last_observation, state.last_action),
            now.reward,
            self._pair(now.observation, next_action),
            now.discount,
            boundary=reset,
        )
        told = {
            "squared_td_error": step.td_error**2,
            "td_error": step.td_error,
            "value": step.prediction,
            "step_scale": step.step_scale,
        }
        # Where the learner rejects the step its TD error is NaN.
        return ValueStep({"learner_state": step.state}, told, step.td_error)

    def _forgetting(self, state: Any, where: Any) -> Any:
        kept = state.learner_state
        cut = self.learner.reset_traces(kept)
        kept = jax.tree.map(lambda a, b: jnp.where(where, a, b), cut, kept)
        return state.replace(learner_state=kept)

    def _cut(self, state: LinearSarsaState) -> LinearSarsaState:
        return self._forgetting(state, True)

    def _pair(self, x: Array, action: Array) -> Float[Array, " pairs"]:
        actions = jnp.arange(self.n_actions, dtype=jnp.int32)
        return state_action_features(x, actions == action)


class LinearSarsa(AbstractLinearSarsa[LinearTD]):
    r"""Sarsa(lambda) with linear action values q(x, a) = w_a.x, zero at first.

    For the pending pair (x, a), reward R, observation x' and the next action a':

        delta = R + g q(x', a') - q(x, a),     g = gamma, 0 where the episode terminated
        z    <- the trace with the gradient of q(x, a), decayed by the discount of the transition
                into x times lamda
        w    += step_size delta z

    Source: Sutton and Barto (2018), section 12.7.

    **Arguments:**

    - `n_actions` >= 1.
    - `step_size` >= 0, default 0.1; for tile coded features a tenth of 1 / tilings, or more.
    - `lamda` in [0, 1], default 0.9.
    - `trace`, default `Accumulating()`; `Replacing()` for binary features, which leaves the traces
      of other actions; `Dutch(step_size)`.
    - `gamma` in [0, 1], default 1; `epsilon`: a schedule, default `Constant(0.1)`.
    - `bootstrap_on_truncation`, default True: an episode that is cut is held to go on.
    - `reward_centering`, default none, as of `StreamQ`.
    """

    n_actions: int = eqx.field(static=True)
    step_size: Hyperparameter = 0.1
    lamda: Hyperparameter = 0.9
    trace: AbstractTrace = Accumulating()
    gamma: Hyperparameter = 1.0
    epsilon: AbstractSchedule = Constant(0.1)
    bootstrap_on_truncation: bool = eqx.field(static=True, default=True)
    reward_centering: RewardCentering | None = eqx.field(
        default=None, metadata={"config": "omit_default"}
    )

    @property
    def learner(self) -> LinearTD:
        return LinearTD(self.step_size, self.lamda, self.trace)
