"""What every schedule offers."""

import abc
from typing import ClassVar

import numpy as np
from jaxtyping import Array, Float, UInt32

from ..components.component import AbstractComponent
from ..components.numbers import is_traced


class AbstractSchedule(AbstractComponent):
    """A number for each step of a life.

    A configuration calls it by its name with "Schedule" behind it, as `"LinearSchedule"`.
    """

    _config_suffix: ClassVar[str] = "Schedule"
    # Fields between whose least and largest number all that it gives lies.
    _bounding: ClassVar[tuple[str, ...]] = ()

    def require_between(self, owner: str, name: str, low: float, high: float) -> None:
        """Check that every number it gives lies in [low, high], as far as it tells.

        **Raises:** `ValueError` naming the field `name` of `owner`.
        """
        for field in self._bounding:
            value = getattr(self, field)
            if is_traced(value):
                continue
            values = np.asarray(value, np.float64)
            if np.any(values < low) or np.any(values > high):
                raise ValueError(
                    f"{owner}: `{name}` must give numbers in [{low:g}, {high:g}], got `{field}` "
                    f"{value}."
                )

    @abc.abstractmethod
    def __call__(self, steps: UInt32[Array, "2"]) -> Float[Array, ""]:
        """The number after `steps` steps.

        Their exact count, as its high and its low 32 bits: `state.life.steps` of a learner.
        """
