"""The names of a daemon's features and heads: given, or those of its checkpoint."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def agreed_names(
    argument: str,
    given: Sequence[str] | None,
    count: int,
    kept: list[str] | None,
    checkpoint: Path | None,
) -> list[str] | None:
    """The names given, or else those `kept` in the checkpoint, whose order its weights have.

    **Raises:** `TypeError` for what are no texts; `ValueError` for another number of names, one
    that stands twice, and others than those of the checkpoint.
    """
    found = _names(argument, given, count)
    if found is not None and kept is not None and found != kept:
        raise ValueError(
            f"Daemon: `{argument}` are {kept} in {checkpoint}, got {found}; its weights belong to "
            "its names, in their order."
        )
    return kept if found is None else found


def _names(argument: str, names: Sequence[str] | None, count: int) -> list[str] | None:
    if names is None:
        return None
    found: list[Any] = list(names)
    if not all(isinstance(name, str) for name in found):
        raise TypeError(f"Daemon: `{argument}` must be texts, got {found}.")
    if not count:
        raise ValueError(f"Daemon: `{argument}` must be None for an agent, got {found}.")
    if len(found) != count or len(set(found)) != count:
        raise ValueError(f"Daemon: `{argument}` must be {count} different names, got {found}.")
    return found
