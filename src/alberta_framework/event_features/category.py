"""Fields that are one of several categories."""

import json
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np

from ..components.ranges import require_count
from .abstract import AbstractEventField, Reader
from .field_error import FieldError, short

# Of the text that stands for a category. Longer ones never get a place of their own, so that what
# is kept for months is small.
_LONGEST_KEPT = 256


class CategoryState(NamedTuple):
    """The place of each category that has one of its own, by its JSON text; how often each place
    was taken."""

    places: Mapping[str, int]
    counts: tuple[int, ...]


class CategoryField(AbstractEventField[CategoryState]):
    """One of several categories, as a 1 among zeros.

    Each of the first `capacity` categories has a place of its own, for good, from the second event
    on that is learned from. Until then, and ever after the first `capacity`, a category shares one
    of `hashed` places, by a hash of its name that is the same in every process; with `capacity=0`
    all do. (Not from the first event on: of several new ones whose labels come later, each would
    take the same place.) What is missing is the share that each place has had.

    A category is a text, an integer or a truth value; `1` and `"1"` are two.

    **Arguments:** `name`: the field in events; `capacity` >= 0; `hashed` >= 1; `missing`: whether
    one more number says that it was missing.
    """

    name: str = eqx.field(static=True)
    capacity: int = eqx.field(static=True, default=32)
    hashed: int = eqx.field(static=True, default=8)
    missing: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        self._require_field()
        require_count("CategoryField", "capacity", self.capacity, low=0)
        require_count("CategoryField", "hashed", self.hashed)

    @property
    def feature_names(self) -> list[str]:
        own = [f"{self.name}[{i}]" for i in range(self.capacity)]
        return own + [f"{self.name}#{i}" for i in range(self.hashed)]

    def told_names(self, state: CategoryState) -> list[str]:
        names = self.feature_names
        for text, place in state.places.items():
            told = json.loads(text)
            names[place] = f"{self.name}={told if isinstance(told, str) else text}"
        return names

    def init(self) -> CategoryState:
        return CategoryState({}, (0,) * (self.capacity + self.hashed))

    def reader(self) -> Reader[CategoryState]:
        name, capacity, hashed = self.name, self.capacity, self.hashed

        def read(state, value):
            places, counts = state
            if value is None:
                total = sum(counts)
                return [count / total if total else 0.0 for count in counts], state
            text = _text(name, value)
            place = places.get(text)
            if place is None:
                place = capacity + zlib.crc32(text.encode("ascii")) % hashed
                if len(places) < capacity and len(text) <= _LONGEST_KEPT:
                    places = {**places, text: len(places)}
            numbers = [0.0] * len(counts)
            numbers[place] = 1.0
            counts = (*counts[:place], counts[place] + 1, *counts[place + 1 :])
            return numbers, CategoryState(places, counts)

        return read

    def stands_for_nothing(self) -> None:
        return None

    def stored(self, state: CategoryState) -> dict[str, Any]:
        return {"places": list(state.places), "counts": list(state.counts)}

    def restored(self, stored: dict[str, Any]) -> CategoryState:
        places = {text: place for place, text in enumerate(stored["places"])}
        return CategoryState(places, tuple(stored["counts"]))


def _text(field: str, value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    if type(value) not in (str, int, bool):
        allowed = "a text, an integer, true, false or null"
        raise FieldError(f"{field}: must be {allowed}, got {short(value)}")
    if type(value) is int and value.bit_length() > _LONGEST_KEPT:
        raise FieldError(f"{field}: an integer must have at most 256 binary digits")
    return json.dumps(value)
