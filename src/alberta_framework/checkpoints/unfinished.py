"""The checkpoint of a run of many lives under way: a folder that Orbax writes."""

import shutil
import time
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .upgrades import upgraded_arrays

# Stands in the notes for an array, whose place it tells.
_ARRAY = "array"


class UnfinishedRun:
    """Saves what a run has done into a folder, and gives it back.

    Each save is complete before the one before it is removed, so that a kill at any moment leaves
    one of the two. Every process of a distributed run has a folder of its own inside.

    **Arguments:** `owner`: what the run is called in errors; `folder`; `mark`: tells apart runs
    that must not be mixed up; `every_s` >= 0: seconds between saves at least; `differs`: in what
    another run may differ, in words.

    **Raises:** `ValueError` for what is out of range; `ImportError` without Orbax.
    """

    def __init__(
        self,
        owner: str,
        folder: str | PathLike[str],
        mark: str,
        every_s: float,
        differs: str = "numbers",
    ):
        if not every_s >= 0.0:
            raise ValueError(f"{owner}: `checkpoint_every_s` must be at least 0, got {every_s}.")
        self._folder = Path(folder).absolute() / f"process-{jax.process_index()}"
        self._owner, self._mark, self._every_s, self._differs = owner, mark, every_s, differs
        self._saved_at = time.monotonic()
        self._manager: Any = None

    def load(self) -> Any:
        """What the last save held; None if there is none.

        **Raises:** `ValueError` if it is of another run.
        """
        manager = self._opened()
        step = manager.latest_step()
        if step is None:
            return None
        import orbax.checkpoint as ocp

        # Without a template: each array comes back as it was written.
        found = manager.restore(
            step,
            args=ocp.args.Composite(
                arrays=ocp.args.StandardRestore(), notes=ocp.args.JsonRestore()
            ),
        )
        notes = found["notes"]
        if notes.get("mark") != self._mark:
            raise ValueError(
                f"{self._owner}: the checkpoint in {str(self._folder)!r} is of another "
                f"{self._owner} (other {self._differs}) or of an earlier version; choose another "
                "folder."
            )
        return _with_arrays(notes["done"], found["arrays"])

    @property
    def due(self) -> bool:
        """Whether the last save is long enough ago."""
        return time.monotonic() - self._saved_at >= self._every_s

    def save(self, steps: int, done: Any) -> None:
        """Save what was done in so many steps, unless that is saved already: dictionaries and lists
        of arrays of NumPy, numbers and texts."""
        import orbax.checkpoint as ocp

        if self._opened().latest_step() == steps:
            return
        arrays: dict[str, np.ndarray] = {}
        notes = {"mark": self._mark, "done": _without_arrays(done, arrays)}
        # Orbax does not write a tree without leaves.
        arrays["none"] = np.zeros(1, np.uint8)
        self._opened().save(
            steps,
            args=ocp.args.Composite(
                arrays=ocp.args.StandardSave(arrays), notes=ocp.args.JsonSave(notes)
            ),
        )
        self._manager.wait_until_finished()
        self._saved_at = time.monotonic()

    def _opened(self) -> Any:
        if self._manager is None:
            self._manager = _manager(self._owner, self._folder)
        return self._manager


def holds_save(folder: str | PathLike[str]) -> bool:
    """Whether a save of some process, of a run or of one of its parts, is complete in `folder`."""
    return any(_saves(process) for process in Path(folder).glob("**/process-*"))


def _saves(folder: Path) -> list[Path]:
    # One that is being written has a longer name.
    return [path for path in folder.iterdir() if path.name.isdecimal()]


def as_arrays(tree: Any) -> list[np.ndarray]:
    """The leaves of a state as arrays of NumPy, keys as their words."""
    return [np.asarray(jax.random.key_data(a) if _is_key(a) else a) for a in jax.tree.leaves(tree)]


def from_arrays(arrays: Sequence[np.ndarray], like: Any) -> Any:
    """A state of the structure of `like`, each leaf on the devices of its own, from `as_arrays` of
    it today or in an earlier version."""
    leaves, structure = jax.tree.flatten(like)
    pairs = zip(upgraded_arrays(arrays, like), leaves, strict=True)
    return jax.tree.unflatten(structure, [_as_leaf(array, leaf) for array, leaf in pairs])


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _as_leaf(array: Any, like: Any) -> Any:
    if _is_key(like):
        array = jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(like))
    return jax.device_put(array, like.sharding)


def _without_arrays(tree: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The tree with the place of each array in its place; the arrays go to `arrays`."""
    if isinstance(tree, np.ndarray):
        place = f"{_ARRAY}_{len(arrays)}"
        # Orbax writes no array without an element.
        arrays[place] = tree if tree.size else np.zeros(1, np.uint8)
        return {_ARRAY: place} if tree.size else {_ARRAY: place, "empty": _form(tree)}
    if isinstance(tree, dict):
        return {"table": {name: _without_arrays(part, arrays) for name, part in tree.items()}}
    if isinstance(tree, list | tuple):
        return [_without_arrays(part, arrays) for part in tree]
    return tree


def _form(array: np.ndarray) -> list[Any]:
    return [array.dtype.str, list(array.shape)]


def _with_arrays(tree: Any, arrays: Any) -> Any:
    if isinstance(tree, list):
        return [_with_arrays(part, arrays) for part in tree]
    if not isinstance(tree, dict):
        return tree
    if "table" in tree:
        return {name: _with_arrays(part, arrays) for name, part in tree["table"].items()}
    if "empty" in tree:
        dtype, shape = tree["empty"]
        return np.zeros(shape, dtype)
    return np.asarray(arrays[tree[_ARRAY]])


def _manager(owner: str, folder: Path) -> Any:
    try:
        import orbax.checkpoint as ocp
    except ImportError as error:
        raise ImportError(
            f"checkpoints of a {owner} need Orbax: pip install 'alberta_framework[orbax]'",
            name="orbax",
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    # The save before the last one, of which a kill has left a part.
    for part in sorted(_saves(folder), key=lambda path: int(path.name))[:-1]:
        shutil.rmtree(part)
    process = jax.process_index()
    # Each process saves what it has done by itself, without waiting for the others.
    alone = ocp.options.MultiprocessingOptions(
        primary_host=process, active_processes={process}, barrier_sync_key_prefix=f"run-{process}"
    )
    options = ocp.CheckpointManagerOptions(
        max_to_keep=1, create=False, multiprocessing_options=alone, enable_async_checkpointing=False
    )
    return ocp.CheckpointManager(folder, options=options)
