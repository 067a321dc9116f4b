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
