"""Fields that are true or false."""

from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from .abstract import AbstractEventField, Reader
from .field_error import FieldError, short


class BooleanState(NamedTuple):
    """How many were true, and how many there were."""

    true: int = 0
    count: int = 0


class BooleanField(AbstractEventField[BooleanState]):
    """1 for true, 0 for false. A value that is missing is the share of those that were true.

    **Arguments:** `name`: the field in events, `true` or `false`, or the numbers 1 and 0;
    `missing`: whether one more number says that it was missing.
    """

    name: str = eqx.field(static=True)
    missing: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        self._require_field()

    @property
    def feature_names(self) -> list[str]:
        return [self.name]

    def told_names(self, state: BooleanState) -> list[str]:
        del state
        return self.feature_names

    def init(self) -> BooleanState:
        return BooleanState()

    def reader(self) -> Reader[BooleanState]:
        name = self.name

        def read(state, value):
            if value is None:
                return [state.true / state.count if state.count else 0.0], state
            value = value.item() if isinstance(value, np.generic) else value
            if type(value) not in (bool, int, float) or value not in (0, 1):
                raise FieldError(f"{name}: must be true, false or null, got {short(value)}")
            return [float(value)], BooleanState(state.true + int(value), state.count + 1)

        return read

    def stands_for_nothing(self) -> None:
        return None

    def stored(self, state: BooleanState) -> dict[str, Any]:
        return state._asdict()

    def restored(self, stored: dict[str, Any]) -> BooleanState:
        return BooleanState(**stored)
