"""Checkpoints of the reference implementation: a folder that Orbax wrote for a single state."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..components.counter import words_from
from .errors import CheckpointError, not_found
from .orbax import orbax_library

_OURS_ALONE = (
    "words",
    "previous_discounts",
    "previous_gamma",
    "mean_residual",
    "var_residual",
)
_STACKED = ("head_params", "head_optimizer_states", "head_traces")


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


def import_reference_checkpoint(
    path: str | os.PathLike, template: Any
) -> tuple[Any, dict[str, Any]]:
    """A state of the reference implementation as a state of ours, and its metadata.

    Hyperparameters that the reference copies into its states are dropped; heads are stacked; what
    only ours has (rejected steps, discounts of the last transition, residuals of running
    statistics) keeps the value of the template. Counters and clocks go into `life`, with the
    precision that they had.

    **Arguments:** `template`: a state of the same structure, from `learner.init(...)`.

    **Raises:** `FileNotFoundError`; `CheckpointError` for a folder that is none, listing the leaves
    that it lacks, or naming the first of another shape.
    """
    path = Path(path)
    if not path.exists():
        raise not_found(path)
    if not is_reference(path):
        raise CheckpointError(path, "not a checkpoint of the reference implementation")
    found = _restored(path)
    places, treedef = jax.tree_util.tree_flatten_with_path(template)
    leaves, missing = [], []
    for keys, old in places:
        names = [
            getattr(key, "name", getattr(key, "idx", getattr(key, "key", None))) for key in keys
        ]
        spoken = jax.tree_util.keystr(keys)
        try:
            value = old if names[-1] in _OURS_ALONE else _looked_up(found, names)
        except (KeyError, IndexError, TypeError):
            missing.append(spoken)
            continue
        if names[-2:] == ["life", "words"]:
            value = _life(found, names, old)
        leaves.append(value if value is old else _fitted(path, spoken, value, old))
    if missing:
        raise CheckpointError(path, f"lacks {', '.join(missing)}")
    return jax.tree.unflatten(treedef, leaves), metadata_of(path)


def _restored(path: Path) -> Any:
    ocp = orbax_library()
    with ocp.Checkpointer(ocp.CompositeCheckpointHandler()) as reader:
        try:
            items = ocp.args.Composite(state=ocp.args.StandardRestore())
            return reader.restore(path.absolute(), args=items).state
        except Exception as error:  # whatever the storage below Orbax raises
            raise CheckpointError(path, f"cannot be read: {error}") from error


def _looked_up(tree: Any, names: list[Any]) -> Any:
    """The value at a path of ours; heads are a list in the reference, an axis in ours."""
    for i, name in enumerate(names):
        if name in _STACKED:
            heads, rest = tree[name], list(names[i + 1 :])
            if name == "head_params":
                heads, rest = heads[rest[0]], rest[1:]
            else:
                rest[0] = ("w", "b").index(rest[0])
            return np.stack([np.asarray(_looked_up(head, rest)) for head in heads])
        tree = tree[name]
    return tree


def _life(found: Any, names: list[Any], old: Any) -> Any:
    """The template's life with the counters and clocks of the reference."""
    for name in names[:-2]:
        found = found[name]
    words = np.array(old)
    microseconds = [round(float(found[name]) * 1e6) for name in ("birth_timestamp", "uptime_s")]
    words[:3] = [words_from(n) for n in (int(found["step_count"]), *microseconds)]
    return words


def _fitted(path: Path, spoken: str, value: Any, old: Any) -> Any:
    if jnp.issubdtype(old.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(jnp.asarray(value), impl=jax.random.key_impl(old))
    array = np.asarray(value)
    if array.shape != old.shape:
        raise CheckpointError(
            path, f"structure mismatch at {spoken}: expected {old.shape}, found {array.shape}"
        )
    return jnp.asarray(array.astype(old.dtype))
