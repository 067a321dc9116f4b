"""What an experiment is called, and told of, by people."""

from pathlib import PurePath
from typing import Any


def require_spoken(experiment: Any) -> None:
    """Check `name`, which folders are called by, `title` and `description`.

    **Raises:** `TypeError` for what is no string, `ValueError` for a name that no folder can have.
    """
    for field in ("name", "title", "description"):
        if not isinstance(getattr(experiment, field), str):
            raise TypeError(f"`{field}` must be a string, got {getattr(experiment, field)!r}.")
    name = experiment.name
    if name in ("", ".", "..") or PurePath(name).name != name:
        raise ValueError(f"`name` must be usable as the name of a folder, got {name!r}.")
