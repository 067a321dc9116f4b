"""Whether a state means to one learner what it means to another."""

import dataclasses
from typing import Any

import equinox as eqx

from ..bounders import AbstractBounder


def difference(stored: Any, given: Any, path: str = "", static: bool = False) -> str | None:
    """The first field by which the leaves of a state mean something else to `given`.

    Such are the classes of the parts, and all that fixes structure: names and their order, indices,
    kinds, sizes, flags. Numbers are none, which take effect at once, nor are bounders, which hold
    no state, nor structural floats, which shaped the initial state alone, nor what says of itself
    that a state may be resumed under another: `eqx.field(metadata={"resume": "free"})`.

    **Returns:** the path of the field, what the stored learner has there, what the given one has;
    None if there is no such field.
    """
    either = stored, given
    if any(isinstance(value, AbstractBounder) for value in either):
        return None
    if any(isinstance(value, eqx.Module) for value in either):
        if type(stored) is not type(given):
            return _told(path or "the class", _name(stored), _name(given))
        prefix = f"{path}." if path else ""
        pairs = [
            (getattr(stored, f.name), getattr(given, f.name), prefix + f.name, _fixed(f))
            for f in dataclasses.fields(given)
        ]
    elif all(isinstance(value, tuple) for value in either):
        if len(stored) != len(given):
            return _told(f"the length of {path}", len(stored), len(given))
        pairs = [
            (a, b, f"{path}[{i}]", static)
            for i, (a, b) in enumerate(zip(stored, given, strict=True))
        ]
    else:
        number = any(isinstance(value, float) for value in either)
        return None if not static or number or stored == given else _told(path, stored, given)
    found = (difference(*pair) for pair in pairs)
    return next((one for one in found if one is not None), None)


def _fixed(field: dataclasses.Field) -> bool:
    return bool(field.metadata.get("static")) and field.metadata.get("resume") != "free"


def _told(path: str, stored: Any, given: Any) -> str:
    stored, given = (getattr(value, "value", value) for value in (stored, given))
    return f"{path} is {stored!r} there, {given!r} here"


def _name(part: Any) -> Any:
    return None if part is None else type(part).__name__
