"""A second learner that learns beside the one that answers, so that the two can be compared."""

import os
from pathlib import Path
from typing import Any

import jax

from ..checkpoints import CheckpointError, checkpoint_header
from ..components.component import from_config
from ..control import AbstractAgent
from .daemon import Daemon


def shadow_of(learner_daemon: Daemon, path: str | os.PathLike) -> Daemon:
    """A daemon that begins with the checkpoint at `path`, and learns on by itself, to be told the
    events of another; nothing is ever saved of it, and the checkpoint is only read.

    **Raises:** `CheckpointError` for a checkpoint without a learner, and for one whose observations
    or targets are not those of `learner_daemon`; `TypeError` for agents, of which only one acts.
    """
    path = Path(path)
    header = checkpoint_header(path)
    if header["learner"] is None or header["init"] is None:
        raise CheckpointError(path, "holds no learner that could be a shadow")
    learner = from_config(header["learner"])
    if learner_daemon.acts or isinstance(learner, AbstractAgent):
        raise TypeError("Daemon: `shadow` is for learners; of two agents only one can act.")
    told: dict[str, Any] = header["metadata"].get("daemon", {})
    found = Daemon(
        learner,
        header["init"]["feature_dim"],
        key=jax.random.key(0),
        checkpoint=path,
        frozen=True,
        gamma=told.get("gamma"),
    )
    for name in ("feature_dim", "n_targets", "learns_transitions", "feature_names", "head_names"):
        ours, its = getattr(learner_daemon, name), getattr(found, name)
        if ours != its and None not in (ours, its):
            raise CheckpointError(
                path, f"is no shadow of this learner: {name} is {its}, not {ours}"
            )
    found.live_apart()
    return found
