"""What every optimizer offers, and what its updates return."""

import abc
from typing import Any, ClassVar, Generic, TypeVar

from jaxtyping import Array, Float

from ..components.component import AbstractComponent
from ..components.state import AbstractState
from ..components.types import ScalarLike

State = TypeVar("State", bound=AbstractState)


class OptimizerUpdate(AbstractState):
    """The changes that a learner adds to its weights and bias, the error included."""

    weight_delta: Float[Array, " features"]
    bias_delta: Float[Array, ""]
    new_state: AbstractState
    metrics: dict[str, Float[Array, ""]]


class TDOptimizerUpdate(AbstractState):
    """The changes that a TD learner adds to its weights and bias, the TD error included."""

    weight_delta: Float[Array, " features"]
    bias_delta: Float[Array, ""]
    new_state: AbstractState
    metrics: dict[str, Float[Array, ""]]


class AbstractOptimizer(AbstractComponent, Generic[State]):
    """Turns an error and an observation (or a gradient) into a change of weights.

    Two paths. The linear path, `init` and `update`, serves a weight vector and a bias: its deltas
    include the error and are added. The per-parameter path, `init_for_shape` and
    `update_from_gradient`, serves one tensor of a network: the caller adds `error * step` when it
    passed an error, and `step` when the gradient holds the error already.
    """

    # Fields of the state that may leave float32's range while the step, which is finite only if the
    # gradient is, does not; None: any may.
    _judged: ClassVar[tuple[str, ...] | None] = None

    @abc.abstractmethod
    def init(self, feature_dim: int) -> State:
        """The state for `feature_dim` weights and a bias."""

    @abc.abstractmethod
    def update(self, state: State, error: ScalarLike, observation: Any) -> OptimizerUpdate:
        """The changes for `error = target - prediction` at `observation` [features]."""

    @abc.abstractmethod
    def init_for_shape(self, shape: tuple[int, ...]) -> Any:
        """The state for one parameter tensor."""

    @abc.abstractmethod
    def update_from_gradient(
        self, state: Any, gradient: Any, error: ScalarLike | None = None
    ) -> tuple[Any, Any]:
        """The step (of the gradient's shape, without the error) and the new state."""

    def witnesses(self, state: Any, gradient: Any) -> Any:
        """What has to be finite for a step on a tensor to be accepted, besides what it made of it.

        **Arguments:** the new state, and the gradient or trace that led to it.
        """
        if self._judged is None:
            return state, gradient
        return [getattr(state, name) for name in self._judged]

    @abc.abstractmethod
    def step_sizes(self, state: Any) -> Float[Array, "..."]:
        """The step size in effect of every element; shape () when one serves all."""

    @abc.abstractmethod
    def bias_step_size(self, state: State) -> Float[Array, ""]:
        """The step size in effect of the bias, for a state of the linear path."""


class AbstractTDOptimizer(AbstractComponent, Generic[State]):
    """Turns a TD error and a transition into a change of weights; keeps eligibility traces."""

    @abc.abstractmethod
    def init(self, feature_dim: int) -> State:
        """The state for `feature_dim` weights and a bias."""

    @abc.abstractmethod
    def update(
        self,
        state: State,
        td_error: ScalarLike,
        observation: Any,
        next_observation: Any,
        gamma: ScalarLike,
    ) -> TDOptimizerUpdate:
        """The changes for one transition, whose discount is `gamma` (0 when it is terminal)."""

    @abc.abstractmethod
    def reset_traces(self, state: State) -> State:
        """The state with its eligibility traces at 0 and everything else as it was."""

    def step_sizes(self, state: State) -> Float[Array, "..."] | None:
        """The step size in effect of every weight, shape () when one serves all; None of an
        optimizer that does not tell."""
        return self._step_sizes(state)

    def _step_sizes(self, state: Any) -> Float[Array, "..."] | None:
        return None
