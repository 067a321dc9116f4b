"""Checkpoints of the reference implementation: a folder that Orbax wrote for a single state."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import CheckpointError


def is_reference(path: Path) -> bool:
    """Whether `state/` and `metadata/` lie directly in the folder."""
    return (path / "state").is_dir() and (path / "metadata").is_dir()


def metadata_of(path: Path) -> dict[str, Any]:
    """The user's metadata.

    **Raises:** `CheckpointError` if it cannot be read.
    """
    try:
        found = json.loads((path / "metadata" / "metadata").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(path, f"its metadata cannot be read: {error}") from error
    if not isinstance(found, Mapping):
        raise CheckpointError(path, "its metadata is no JSON object")
    return {key: value for key, value in found.items() if key != "_format_version"}
