"""The checkpoint of a sweep: a folder that Orbax writes."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .batch import Keys
from .blocks import Cut
from .plan import Program

_LISTS = ("finished", "segments")


def fingerprint(
    plan: Sequence[Program],
    keys: Keys,
    how: tuple[Any, ...],
    cuts: Sequence[Cut],
) -> str:
    """Tells apart sweeps that a checkpoint must not mix up: other numbers, keys, steps or cuts.

    `how` they are run and recorded is told by its `repr`.
    """
    digest = hashlib.sha256()
    digest.update(repr((*how, jax.process_count())).encode())
    for program, each in zip(plan, cuts, strict=True):
        members = (*program.learners, *program.streams)
        shapes = (program.points.tolist(), len(each.blocks), each.blocks[0], each.mesh)
        digest.update(repr(([type(member).__name__ for member in members], shapes)).encode())
        for path, leaf in jax.tree_util.tree_leaves_with_path(members):
            array = np.asarray(leaf)
            digest.update(f"{jax.tree_util.keystr(path)} {array.shape} {array.dtype}".encode())
            digest.update(array.tobytes())
    digest.update(keys.kind.encode() + keys.streams.tobytes() + keys.learners.tobytes())
    return digest.hexdigest()


def holds_save(folder: str | PathLike[str]) -> bool:
    """Whether a save of some process of a sweep is complete in `folder`."""
    # An unfinished one has a longer name.
    return any(path.name.isdecimal() for path in Path(folder).glob("process-*/*"))


class SweepCheckpoint:
    """Saves what a sweep has done into a folder, and gives it back.

    Each save is complete before the one before it is removed, so that a kill at any moment leaves
    one of the two. Every process of a distributed run has a folder of its own inside.

    **Arguments:** `folder`; `mark`: of the sweep, from `fingerprint`; `every_s`: seconds between
    saves at least.
    """

    def __init__(self, folder: str | PathLike[str], mark: str, every_s: float):
        if not every_s >= 0.0:
            raise ValueError(f"sweep: `checkpoint_every_s` must be at least 0, got {every_s}.")
        self._folder = Path(folder).absolute() / f"process-{jax.process_index()}"
        self._mark, self._every_s = mark, every_s
        self._saved_at = time.monotonic()
        self._manager: Any = None

    def load(self) -> dict[str, Any] | None:
        """What the last save held; None if there is none.

        **Raises:** `ValueError` if it is of another sweep.
        """
        manager = self._opened()
        step = manager.latest_step()
        if step is None:
            return None
        import orbax.checkpoint as ocp

        found = manager.restore(
            step,
            args=ocp.args.Composite(
                arrays=ocp.args.StandardRestore(), notes=ocp.args.JsonRestore()
            ),
        )
        notes, arrays = found["notes"], found["arrays"]
        if notes["sweep"] != self._mark:
            raise ValueError(
                f"sweep: the checkpoint in {str(self._folder)!r} is of another sweep (other axes, "
                "numbers, keys, steps, metrics, recording, devices or processes) or of an earlier "
                "version; choose another folder."
            )
        carry = [np.asarray(arrays[f"carry_{i}"]) for i in range(notes["carry"])]
        lists = {
            name: [
                {entry: np.asarray(arrays[place]) for entry, place in entries.items()}
                for entries in notes[name]
            ]
            for name in _LISTS
        }
        return {"steps": notes["steps"], "carry": carry} | lists

    @property
    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._saved_at >= self._every_s

    def save(self, done: int, now: Mapping[str, Any]) -> None:
        """Save what there is at `done` steps, unless that is saved already."""
        import orbax.checkpoint as ocp

        if self._opened().latest_step() == done:
            return
        arrays = {f"carry_{i}": array for i, array in enumerate(now["carry"])}
        notes = {"carry": len(now["carry"]), "steps": now["steps"], "sweep": self._mark}
        for name in _LISTS:
            # Names of metrics are none that every file system would take.
            notes[name] = [
                {entry: f"{name}_{i}_{j}" for j, entry in enumerate(entries)}
                for i, entries in enumerate(now[name])
            ]
            for places, entries in zip(notes[name], now[name], strict=True):
                arrays |= {places[entry]: array for entry, array in entries.items()}
        self._opened().save(
            done,
            args=ocp.args.Composite(
                arrays=ocp.args.StandardSave(arrays), notes=ocp.args.JsonSave(notes)
            ),
        )
        self._manager.wait_until_finished()
        self._saved_at = time.monotonic()

    def _opened(self) -> Any:
        if self._manager is None:
            self._manager = _manager(self._folder)
        return self._manager


def _manager(folder: Path) -> Any:
    try:
        import orbax.checkpoint as ocp
    except ImportError as error:
        raise ImportError(
            "checkpoints of sweeps need Orbax: pip install 'alberta_framework[orbax]'",
            name="orbax",
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    process = jax.process_index()
    # Each process saves what it has done by itself, without waiting for the others.
    alone = ocp.options.MultiprocessingOptions(
        primary_host=process, active_processes={process}, barrier_sync_key_prefix=f"sweep-{process}"
    )
    options = ocp.CheckpointManagerOptions(
        max_to_keep=1, create=False, multiprocessing_options=alone, enable_async_checkpointing=False
    )
    return ocp.CheckpointManager(folder, options=options)
