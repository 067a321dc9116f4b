"""What every bounder offers."""

import abc
from typing import Any

from jaxtyping import Array, Float

from ..components.component import AbstractComponent
from ..components.types import ScalarLike


class AbstractBounder(AbstractComponent):
    """Shrinks the steps of an update that would be too large.

    `steps` are what an optimizer returned, before they are multiplied by the error.
    """

    @abc.abstractmethod
    def bound(
        self, steps: tuple[Any, ...], error: ScalarLike, params: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], Float[Array, ""]]:
        """The bounded steps and a metric of how much was bounded."""

    def joint_factor(
        self, errors: Float[Array, " n"], sizes: Float[Array, " n"]
    ) -> Float[Array, ""] | None:
        """The one factor for the steps of several errors at once, whose steps have the 1-norms
        `sizes` before they are multiplied by them; None of a bounder that looks at tensors, not at
        norms, and bounds each part by itself."""
        return self._joint_factor(errors, sizes)

    def _joint_factor(self, errors: Any, sizes: Any) -> Float[Array, ""] | None:
        del errors, sizes
        return None
