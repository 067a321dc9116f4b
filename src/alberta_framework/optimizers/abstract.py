"""What every optimizer offers, and what its updates return."""

import abc
from typing import Any, ClassVar, Generic, TypeVar

from jaxtyping import Array, Float

from ..components.component import AbstractComponent
from ..components.state import AbstractState
from ..components.types import ScalarLike

State = TypeVar("State", bound=AbstractState)


class OptimizerUpdate(AbstractState):
    """The changes that a learner adds to its weights and bias, the error included.

    `weight_forgotten` and `bias_forgotten` are what it subtracts besides, of an optimizer that
    forgets: no error is in them, and no bounder shrinks them. None: nothing.
    """

    weight_delta: Float[Array, " features"]
    bias_delta: Float[Array, ""]
    new_state: AbstractState
    metrics: dict[str, Float[Array, ""]]
    weight_forgotten: Float[Array, " features"] | None = None
    bias_forgotten: Float[Array, ""] | None = None


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

    Learners ask by `change` and `step_on`, which show the weights too: an optimizer that forgets
    depends on them (`_change`, `_step_on`, `_forgotten`). Of every other one these are `update` and
    `update_from_gradient`.
    """

    # Whether the gradients it is given may be eligibility traces.
    takes_traces: ClassVar[bool] = True
    # Whether it is meant for a linear layer on features that others learn, and for no other.
    output_layer_alone: ClassVar[bool] = False

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

    def change(
        self, state: State, error: ScalarLike, observation: Any, weights: Any, bias: Any
    ) -> OptimizerUpdate:
        """The changes of `weights` and `bias`, given as they are before them."""
        return self._change(state, error, observation, weights, bias)

    def step_on(
        self, state: Any, gradient: Any, error: ScalarLike | None, weights: Any
    ) -> tuple[Any, Any]:
        """The step on the tensor `weights` (without the error) and the new state."""
        return self._step_on(state, gradient, error, weights)

    def forgotten(self, state: Any, weights: Any) -> Float[Array, "..."] | None:
        """What a step subtracts from the tensor `weights` besides, given the new state; None:
        nothing. It is not bounded, and not multiplied by the error."""
        return self._forgotten(state, weights)

    def _change(
        self, state: Any, error: ScalarLike, observation: Any, weights: Any, bias: Any
    ) -> OptimizerUpdate:
        del weights, bias
        return self.update(state, error, observation)

    def _step_on(
        self, state: Any, gradient: Any, error: ScalarLike | None, weights: Any
    ) -> tuple[Any, Any]:
        del weights
        return self.update_from_gradient(state, gradient, error)

    def _forgotten(self, state: Any, weights: Any) -> Float[Array, "..."] | None:
        del state, weights
        return None

    def judged(self, state: State) -> Any:
        """What of the new state of the linear path has to be finite for an update to be accepted,
        besides the weights; the rest is wherever they are."""
        return self._judged_of(state)

    def _judged_of(self, state: Any) -> Any:
        return state

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
