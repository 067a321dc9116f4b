"""What every schedule offers."""

import abc

from jaxtyping import Array, Float, UInt32

from .._component import AbstractComponent


class AbstractSchedule(AbstractComponent):
    """A number for each step of a life."""

    @abc.abstractmethod
    def __call__(self, steps: UInt32[Array, "2"]) -> Float[Array, ""]:
        """The number after `steps` steps.

        Their exact count, as its high and its low 32 bits: `state.life.steps` of a learner.
        """
