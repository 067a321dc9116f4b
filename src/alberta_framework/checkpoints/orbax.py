"""The Orbax backend: a folder of numbered steps, for sharded arrays and those of several hosts."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .errors import CheckpointError, not_found
from .leaves import Leaf, leaf_from_header
from .metadata import with_numbers_at
from .structure import require_structure
from .upgrades import upgraded, upgraded_array

_STEP = re.compile(r"0|[1-9]\d*")


def save(state: Any, path: Path, fields: dict[str, Any], keep: int) -> Callable[[], None]:
    """Start saving the next step; what is returned waits until it is final.

    **Raises:** `ValueError` if something else lies at `path`; what Orbax raises.
    """
    if path.exists() and not (path.is_dir() and (_steps(path) or not any(path.iterdir()))):
        raise ValueError(f"{path}: not a checkpoint, will not overwrite")
    ocp = orbax_library()
    options = ocp.CheckpointManagerOptions(max_to_keep=keep, create=True)
    manager = ocp.CheckpointManager(path, options=options)
    leaves = [_as_array(leaf) for leaf in jax.tree.leaves(state)]
    items = ocp.args.Composite(
        state=ocp.args.StandardSave(_stored(leaves)), metadata=ocp.args.JsonSave(fields)
    )
    manager.save((manager.latest_step() or 0) + 1, args=items)

    def finish() -> None:
        try:
            manager.wait_until_finished()
        finally:
            manager.close()

    return finish


def load(template: Any, path: Path) -> tuple[Any, dict[str, Any]]:
    """The state of the latest step, sharded as the template is, and its metadata."""
    header = header_of(path)
    stored = [leaf_from_header(entry) for entry in header["leaves"]]
    today = upgraded(stored, header["nodes"], template)
    require_structure(path, template, today.leaves, today.nodes)
    values = [_as_shape(leaf) for leaf in jax.tree.leaves(template)]
    of_today = iter(values)
    as_stored = [
        _of_shape(next(of_today), leaf.stored()[0]) if keep else np.zeros(*leaf.stored())
        for leaf, keep in zip(stored, today.kept, strict=True)
    ]
    arrays = itertools.compress(_restored(path, as_stored), today.kept)
    restored = [
        upgraded_array(array, value.shape) for array, value in zip(arrays, values, strict=True)
    ]
    typed = [_as_leaf(leaf, value) for leaf, value in zip(today.leaves, restored, strict=True)]
    return jax.tree.unflatten(jax.tree.structure(template), typed), header["metadata"]


def verify(path: Path) -> None:
    """Read all of the latest step."""
    header = header_of(path)
    shapes = []
    for entry in header["leaves"]:
        shape, dtype = leaf_from_header(entry).stored()
        if entry["kind"] == "jax":
            dtype = jnp.dtype(entry["dtype"])
        shapes.append(np.zeros(shape, dtype))
    _restored(path, shapes)


def header_of(path: Path) -> dict[str, Any]:
    """What the latest step says of itself."""
    ocp, latest = orbax_library(), _latest(path)
    with ocp.CheckpointManager(path.absolute()) as manager:
        try:
            items = ocp.args.Composite(metadata=ocp.args.JsonRestore())
            header = dict(manager.restore(latest, args=items).metadata)
        except Exception as error:  # whatever the storage below Orbax raises
            raise CheckpointError(path, f"cannot be read: {error}") from error
    for key in ("metadata", "leaves", "nodes"):
        if key not in header:
            raise CheckpointError(path, f"is an Orbax folder of another program: no {key!r}")
    try:
        return with_numbers_at(header)
    except ValueError as error:
        raise CheckpointError(path, f"the header is damaged: {error}") from None


def exists(path: Path) -> bool:
    """Whether a final step of ours is there."""
    return bool(_steps(path)) and "leaves" in header_of(path)


def steps(path: Path) -> list[Path]:
    """The folders of the final steps, newest first."""
    return [path / str(step) for step in sorted(_steps(path), reverse=True)]


def _steps(path: Path) -> list[int]:
    found = [p for p in path.iterdir() if _STEP.fullmatch(p.name)]
    return [int(p.name) for p in found if (p / "metadata").exists() and (p / "state").exists()]


def _latest(path: Path) -> int:
    if not path.exists():
        raise not_found(path)
    if not _steps(path):
        raise CheckpointError(path, "not a checkpoint: a folder without a finished step")
    return max(_steps(path))


def _restored(path: Path, values: list[Any]) -> list[Any]:
    ocp = orbax_library()
    with ocp.CheckpointManager(path.absolute()) as manager:
        items = ocp.args.Composite(state=ocp.args.StandardRestore(_stored(values)))
        try:
            found = manager.restore(_latest(path), args=items).state
        except Exception as error:  # whatever the storage below Orbax raises
            raise CheckpointError(path, f"cannot be read: {error}") from error
    return [found.get(_name(i), _empty(value)) for i, value in enumerate(values)]


def _stored(values: list[Any]) -> dict[str, Any]:
    """The values by name; Orbax refuses arrays without elements, and trees without arrays."""
    stored = {_name(i): value for i, value in enumerate(values) if value.size}
    return stored or {"nothing": np.zeros(1)}


def _name(number: int) -> str:
    return f"leaf_{number:05d}"


def _empty(value: Any) -> Any:
    zeros = np.zeros(value.shape if value.size == 0 else 0, value.dtype)
    return jnp.asarray(zeros) if isinstance(value, jax.ShapeDtypeStruct) else zeros


def _as_array(leaf: Any) -> Any:
    if _is_key(leaf):
        return jax.random.key_data(leaf)
    return leaf if isinstance(leaf, jax.Array) else np.asarray(leaf)


def _as_shape(leaf: Any) -> Any:
    """Where and how a leaf of the template wants its array."""
    if _is_key(leaf):
        leaf = jax.eval_shape(jax.random.key_data, leaf)
    if not isinstance(leaf, jax.Array | jax.ShapeDtypeStruct):
        return np.asarray(leaf)
    sharding = getattr(leaf, "sharding", None)
    if sharding is None:
        sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0])
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)


def _of_shape(value: Any, shape: tuple[int, ...]) -> Any:
    """A place for an array of this shape, sharded as `value`."""
    if not isinstance(value, jax.ShapeDtypeStruct):
        return value
    return jax.ShapeDtypeStruct(shape, value.dtype, sharding=value.sharding)


def _as_leaf(leaf: Leaf, value: Any) -> Any:
    if leaf.kind == "key":
        return jax.random.wrap_key_data(value, impl=leaf.dtype)
    if leaf.kind in ("jax", "numpy"):
        return value
    return np.asarray(value).item()


def _is_key(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | jax.ShapeDtypeStruct) and jnp.issubdtype(
        leaf.dtype, jax.dtypes.prng_key
    )


def orbax_library() -> Any:
    """`orbax.checkpoint`, loaded on first use."""
    try:
        import orbax.checkpoint as ocp
    except ImportError as error:
        raise ImportError(
            "This needs orbax-checkpoint; install it with: pip install 'alberta_framework[orbax]'"
        ) from error
    return ocp
