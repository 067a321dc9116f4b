"""Loading: everything is checked before anything is built."""

import itertools
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from . import orbax, reference
from .errors import CheckpointError
from .file_format import Header, is_checkpoint, leaves_of, read, read_header
from .pinned import pinned_files
from .structure import require_structure
from .upgrades import upgraded, upgraded_array
from .writing import numbered


def load_checkpoint(
    template: Any, path: str | os.PathLike, *, fallback: bool = False
) -> tuple[Any, dict[str, Any]]:
    """The state that was saved, and its metadata.

    **Arguments:**

    - `template`: a state of the same structure, from `learner.init(...)`, or one of
      `jax.ShapeDtypeStruct`s from `eqx.filter_eval_shape(learner.init, ...)`.
    - `fallback`: if the newest file is damaged or gone, warn and take the next older one.

    **Raises:** `FileNotFoundError`; `CheckpointError` (a `ValueError`) that names the file for a
    damaged one, and the first leaf that differs for one of another structure.
    """
    return load_if(lambda path, header: None, template, path, fallback)


def load_if(
    require: Callable[[Path, dict[str, Any]], None],
    template: Any,
    path: str | os.PathLike,
    fallback: bool,
) -> tuple[Any, dict[str, Any]]:
    """`load_checkpoint`, once `require(path, header)` let the file that is taken pass."""
    path = Path(path)
    if path.is_dir():
        require(path, orbax.header_of(path))
        return orbax.load(template, path)
    found, header, arrays = _sound(path, fallback)
    require(found, header.fields)
    today = upgraded(header.leaves, header.fields["nodes"], template)
    header = header._replace(leaves=today.leaves)
    require_structure(found, template, today.leaves, today.nodes)
    pairs = zip(itertools.compress(arrays, today.kept), today.leaves, strict=True)
    arrays = [upgraded_array(array, leaf.stored()[0]) for array, leaf in pairs]
    leaves = leaves_of(found, header, arrays)
    return jax.tree.unflatten(jax.tree.structure(template), leaves), header.metadata


def load_checkpoint_metadata(path: str | os.PathLike) -> dict[str, Any]:
    """The metadata alone; the payload is not read.

    **Raises:** as `load_checkpoint`.
    """
    path = Path(path)
    if reference.is_reference(path):
        return reference.metadata_of(path)
    return checkpoint_header(path)["metadata"]


def checkpoint_header(path: str | os.PathLike) -> dict[str, Any]:
    """All that a checkpoint says of itself: versions, metadata, learner, leaves; not the payload.

    **Raises:** as `load_checkpoint`.
    """
    path = Path(path)
    return orbax.header_of(path) if path.is_dir() else read_header(path).fields


def checkpoint_exists(path: str | os.PathLike) -> bool:
    """Whether a complete checkpoint lies at `path`: its header is sound and fits the file's size.

    Anything else, a missing path included, is False.
    """
    path = Path(path)
    try:
        if path.is_dir():
            return orbax.exists(path)
        read_header(path)
    except (OSError, ValueError):
        return False
    return True


def list_checkpoints(path: str | os.PathLike) -> list[Path]:
    """The files kept at `path`, newest first: `path`, `path.1`, ..., then those of hours and days;
    the steps of a folder."""
    path = Path(path)
    if path.is_dir():
        return orbax.steps(path)
    newest = [path] if is_checkpoint(path) else []
    # Older files lie beside the target of a symbolic link.
    target = Path(os.path.realpath(path))
    return [*newest, *(older for _, older in numbered(target)), *pinned_files(target)]


def verify_checkpoint(path: str | os.PathLike) -> None:
    """Read and check all of a checkpoint.

    **Raises:** as `load_checkpoint`.
    """
    path = Path(path)
    if path.is_dir():
        orbax.verify(path)
    else:
        leaves_of(path, *read(path))


def _sound(path: Path, fallback: bool) -> tuple[Path, Header, list]:
    """The newest file that can be read: with `fallback` an older one, else `path` itself."""
    try:
        return path, *read(path)
    except (CheckpointError, FileNotFoundError) as error:
        first = error
    if fallback:
        for older in list_checkpoints(path):
            if older == path:
                continue
            try:
                found = older, *read(older)
            except (CheckpointError, FileNotFoundError):
                continue
            warnings.warn(f"{first}; loaded {older} instead", stacklevel=4)
            return found
    raise first
