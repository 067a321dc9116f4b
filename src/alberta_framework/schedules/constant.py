"""A number that stays."""

from typing import ClassVar

from jaxtyping import Array, Float, UInt32

from ..components.numbers import f32
from ..components.ranges import require_range
from ..components.types import Hyperparameter
from .abstract import AbstractSchedule


class Constant(AbstractSchedule):
    """The same `value` at every step."""

    _bounding: ClassVar[tuple[str, ...]] = ("value",)

    value: Hyperparameter

    def __check_init__(self):
        require_range(self, "value")

    def __call__(self, steps: UInt32[Array, "2"]) -> Float[Array, ""]:
        del steps
        return f32(self.value)
