"""Any transformation of Optax as a step rule."""

from typing import Any

import equinox as eqx
import jax

from ..components.numbers import f32
from ..components.state import AbstractState
from ..components.types import Hyperparameter
from ..traces import Accumulating
from .abstract import AbstractStepRule, StepInfo, total, unknown

_TRACE = Accumulating()


class FromOptaxState(AbstractState):
    """The trace, and the transformation's own state."""

    trace: Any
    inner: Any


class FromOptax(AbstractStepRule):
    r"""Hands - delta z to an Optax transformation as if it were the gradient of a loss:

        z  <- decay z + g
        dw  = the transformation's update for - delta z

    A baseline in one line: `FromOptax("adam", learning_rate=1e-3)`, `FromOptax("sgd", ...)`. The
    numbers are hyperparameters like any other, so a `vmap` or a sweep varies them. Its inner state
    outlives the end of an episode.

    **Arguments:** `transformation`: the name of a function of Optax, called with `arguments`, which
    are numbers; or a ready `optax.GradientTransformation`, which has no configuration.

    **Raises:** `ImportError` without the package `optax`; `TypeError`, `ValueError` for a name that
    Optax does not have, and arguments that it does not take.
    """

    transformation: str = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)
    numbers: tuple[Hyperparameter, ...]

    def __init__(
        self,
        transformation: Any,
        names: tuple[str, ...] = (),
        numbers: tuple[Hyperparameter, ...] = (),
        **arguments: Hyperparameter,
    ):
        self.transformation = transformation
        self.names = (*names, *arguments)
        self.numbers = (*numbers, *arguments.values())

    def __check_init__(self):
        if len(self.names) != len(self.numbers):
            raise ValueError(
                f"FromOptax: there must be one of `numbers` for each of the {len(self.names)} "
                f"`names`, got {len(self.numbers)}."
            )
        made = self._made()
        if not (hasattr(made, "init") and hasattr(made, "update")):
            raise TypeError(
                "FromOptax: `transformation` must be an optax.GradientTransformation, or the name "
                f"of a function that makes one, got {self.transformation!r}."
            )

    def init(self, params: Any) -> FromOptaxState:
        return FromOptaxState(_TRACE.init(params), self._made().init(params))

    def direction(self, state, gradient, decay):
        """The trace: what the transformation makes of it depends on the error."""
        trace = _TRACE.update(state.trace, gradient, decay)
        return trace, state.replace(trace=trace)

    def step(
        self, state, gradient, direction, delta, bootstrap, decay, reset=False, *, params=None
    ):
        loss_gradient = jax.tree.map(lambda z: -f32(delta) * z, direction)
        # Optax multiplies numbers of several kinds, also where a program allows no such thing.
        with jax.numpy_dtype_promotion("standard"):
            changes, inner = self._made().update(loss_gradient, state.inner, params)
        info = StepInfo(unknown(), f32(1.0), total(abs, state.trace), unknown())
        return changes, FromOptaxState(_TRACE.cut(state.trace, reset), inner), info

    def cut(self, state, where=True):
        return state.replace(trace=_TRACE.cut(state.trace, where))

    def _made(self) -> Any:
        if not isinstance(self.transformation, str):
            return self.transformation
        make = getattr(_optax(), self.transformation, None)
        if not callable(make):
            raise ValueError(f"FromOptax: optax has no transformation {self.transformation!r}.")
        return make(**dict(zip(self.names, self.numbers, strict=True)))


def _optax() -> Any:
    try:
        import optax
    except ImportError:
        raise ImportError(
            'FromOptax needs the package optax: pip install "alberta_framework[optax]".'
        ) from None
    return optax
