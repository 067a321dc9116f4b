"""LMS: one fixed step size for all weights."""

from typing import ClassVar

from jaxtyping import Array, ArrayLike, Float, Real

from ..compilation.boundary import compiled_by_itself
from ..components.numbers import f32, scalar
from ..components.ranges import require_count, require_range, require_shape
from ..components.state import AbstractState
from ..components.types import Hyperparameter, ScalarLike
from .abstract import AbstractOptimizer, OptimizerUpdate


class LMSState(AbstractState):
    """The step size in effect: written at every update, never read to learn."""

    step_size: Float[Array, ""]


class LMS(AbstractOptimizer[LMSState]):
    r"""Least mean squares: gradient descent on the squared error with a fixed step size.

    For features x [d], error e and step size alpha:

        dw = alpha e x,   db = alpha e

    On a tensor with gradient z the step is alpha z. Stable for alpha < 2 / E[x'x + 1], so alpha
    is per squared feature unit.

    Source: Widrow and Hoff (1960), Adaptive Switching Circuits.

    **Arguments:** `step_size` >= 0, default 0.01.
    """

    step_size: Hyperparameter = 0.01

    _judged: ClassVar = ()

    def __check_init__(self):
        require_range(self, "step_size", 0.0)

    def init(self, feature_dim: int) -> LMSState:
        """The same state for any number of features."""
        require_count("LMS.init", "feature_dim", feature_dim)
        return self._in_effect()

    @compiled_by_itself
    def _in_effect(self) -> LMSState:
        return LMSState(f32(self.step_size))

    @compiled_by_itself
    def update(
        self, state: LMSState, error: ScalarLike, observation: Real[ArrayLike, " features"]
    ) -> OptimizerUpdate:
        del state
        alpha, e, x = f32(self.step_size), scalar(error), f32(observation)
        metrics = {"step_size": alpha, "mean_step_size": alpha}
        return OptimizerUpdate(alpha * e * x, alpha * e, LMSState(alpha), metrics)

    def init_for_shape(self, shape: tuple[int, ...]) -> LMSState:
        """The same state for any shape."""
        require_shape("LMS.init_for_shape", shape)
        return self._in_effect()

    @compiled_by_itself
    def update_from_gradient(
        self, state: LMSState, gradient: Real[ArrayLike, "..."], error: ScalarLike | None = None
    ) -> tuple[Float[Array, "..."], LMSState]:
        del state, error
        alpha = f32(self.step_size)
        return alpha * f32(gradient), LMSState(alpha)

    def step_sizes(self, state: LMSState) -> Float[Array, ""]:
        return state.step_size

    def bias_step_size(self, state: LMSState) -> Float[Array, ""]:
        return state.step_size


def create_lms_state(step_size: Hyperparameter = 0.01) -> LMSState:
    """The state of `LMS(step_size)`, which has no axis.

    **Raises:** as `LMS`.
    """
    return LMS(step_size).init(1)
