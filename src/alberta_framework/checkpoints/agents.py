"""A learner with its state: saved together, and rebuilt without the program that saved them."""

import os
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from ..components.component import from_config
from .agent_template import template_from
from .errors import CheckpointError
from .load import checkpoint_header, list_checkpoints, load_checkpoint, load_if
from .meaning import difference
from .save import save_checkpoint


def save_agent(
    learner: Any,
    state: Any,
    path: str | os.PathLike,
    metadata: Mapping[str, Any] | None = None,
    **options: Any,
) -> Future | None:
    """`save_checkpoint` with the learner's configuration; `options` are its keywords."""
    return save_checkpoint(state, path, metadata, learner=learner, **options)


def load_agent(
    path: str | os.PathLike, *, fallback: bool = False
) -> tuple[Any, Any, dict[str, Any]]:
    """The learner, its state and the metadata, from a checkpoint that `save_agent` wrote.

    Learners of your own are found by their name once their class is defined; nothing is imported.

    **Raises:** as `load_checkpoint`; `CheckpointError` too for a checkpoint without a learner, and
    for a configuration that this version cannot build.
    """
    header = _header(path, fallback)
    if header["learner"] is None or header["init"] is None:
        reason = "holds no learner; load it with load_checkpoint and a template"
        raise CheckpointError(os.fspath(path), reason)
    try:
        learner = from_config(header["learner"])
        template = template_from(header["learner"], header["init"])
    except (KeyError, TypeError, ValueError) as error:
        reason = f"the learner cannot be built: {error} (a class of yours: import its module first)"
        raise CheckpointError(os.fspath(path), reason) from error
    state, metadata = load_checkpoint(template, path, fallback=fallback)
    return learner, state, metadata


def load_state_of(
    learner: Any, template: Any, path: str | os.PathLike, *, fallback: bool = False
) -> tuple[Any, dict[str, Any]]:
    """`load_checkpoint` of a state that `learner` goes on with.

    Numbers of the learner may differ from those it was saved with, and take effect at once.

    **Raises:** as `load_checkpoint`; `CheckpointError` too if a leaf would mean something else to
    this learner than to the one that is stored, naming the first field that differs.
    """

    def require(found: Path, header: dict[str, Any]) -> None:
        if header["learner"] is None:
            return
        try:
            stored = from_config(header["learner"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(found, f"its learner cannot be built: {error}") from error
        differs = difference(stored, learner)
        if differs is not None:
            raise CheckpointError(
                found,
                f"is of another learner, for which its numbers mean something else: {differs}",
            )

    return load_if(require, template, path, fallback)


def _header(path: str | os.PathLike, fallback: bool) -> dict[str, Any]:
    try:
        return checkpoint_header(path)
    except (CheckpointError, FileNotFoundError):
        if fallback:
            for older in list_checkpoints(path):
                try:
                    return checkpoint_header(older)
                except (CheckpointError, FileNotFoundError):
                    continue
        raise
