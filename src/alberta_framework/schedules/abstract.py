"""What every schedule offers."""

import abc
from typing import ClassVar

from jaxtyping import Array, Float, UInt32

from ..components.component import AbstractComponent


class AbstractSchedule(AbstractComponent):
    """A number for each step of a life.

    A configuration calls it by its name with "Schedule" behind it, as `"LinearSchedule"`.
    """

    _config_suffix: ClassVar[str] = "Schedule"

    @abc.abstractmethod
    def __call__(self, steps: UInt32[Array, "2"]) -> Float[Array, ""]:
        """The number after `steps` steps.

        Their exact count, as its high and its low 32 bits: `state.life.steps` of a learner.
        """
