"""States: what changes from step to step, as arrays only."""

import abc
import dataclasses
from typing import Any, Self

import equinox as eqx

from .numbers import is_traced


class HostNumber(abc.ABC):
    """A property that reads a number kept in a state's arrays as a Python number.

    `AbstractState.replace` accepts its name and writes the number back into the arrays.
    """

    name: str
    field: str  # the field that holds the number in arrays

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, state: Any, owner: Any = None) -> Any:
        return self if state is None else self.read(state)

    def concrete(self, array: Any) -> Any:
        if is_traced(array):
            raise TypeError(
                f"`{self.name}`: host-side property; use state.{self.field} inside compiled code"
            )
        return array

    @abc.abstractmethod
    def read(self, state: Any) -> Any:
        """The number, or a NumPy array of them for a batched state."""

    @abc.abstractmethod
    def written(self, state: Any, value: Any) -> dict[str, Any]:
        """The fields of `state` that hold `value`."""


class AbstractState(eqx.Module):
    """What a component carries from step to step: arrays, and nothing else."""

    def replace(self, **changes: Any) -> Self:
        """A copy with the named fields exchanged; `step_count` and its like take Python numbers.

        **Raises:** `TypeError` for a name that the state does not have.
        """
        state = self
        fields = {field.name for field in dataclasses.fields(self)}
        for name in [name for name in changes if name not in fields]:
            number = getattr(type(self), name, None)
            if not isinstance(number, HostNumber):
                known = ", ".join(sorted(fields))
                raise TypeError(f"{type(self).__name__} has no field `{name}`; it has {known}.")
            written = number.written(state, changes.pop(name))
            state = dataclasses.replace(state, **written)
        return dataclasses.replace(state, **changes)


def require_state(owner: str, name: str, value: Any, kind: type = AbstractState) -> None:
    """Check that `value` is a state of this kind.

    **Raises:** `TypeError` that says what to pass instead of a result, or of what a loop returned.
    """
    if isinstance(value, kind) and not isinstance(getattr(value, "state", None), AbstractState):
        return
    told, found = f"a {type(value).__name__}", ""
    if isinstance(getattr(value, "state", None), kind):
        found = "; pass its `.state`"
    elif isinstance(getattr(value, "states", None), kind):
        found = "; pass a lane of its `.states`"
    elif isinstance(value, tuple | list) and any(isinstance(part, kind) for part in value):
        place = next(i for i, part in enumerate(value) if isinstance(part, kind))
        found = f"; pass its part [{place}]"
    wanted = "state" if kind is AbstractState else kind.__name__
    raise TypeError(f"{owner}: `{name}` must be a {wanted}, got {told}{found}.")
