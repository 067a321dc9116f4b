"""The file format, version 1.

    ALBERTA-CKPT 1 <header bytes> <sha256 of the header>      one line of ASCII
    <header: JSON, UTF-8, one line>
    payload: the `.npy` blocks that `equinox.tree_serialise_leaves` writes for a list of arrays

Everything is checked before anything is built, and nothing in a file is executed.
"""

import functools
import hashlib
import io
import json
import os
import platform
import re
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import equinox as eqx
import numpy as np

from ..components.strict_json import in_words
from .errors import CheckpointError, not_found
from .leaves import Leaf, decoded, encoded, leaf_from_header, module_names
from .metadata import NOT_FINITE, in_words_at, with_numbers_at

FORMAT_VERSION = 1
MAGIC = b"ALBERTA-CKPT "
_FIRST_LINE = re.compile(rb"ALBERTA-CKPT ([1-9]\d{0,8}) (0|[1-9]\d{0,17}) ([0-9a-f]{64})\n")
_LONGEST_FIRST_LINE = 128
_LARGEST_HEADER = 256 * 2**20
_PACKAGES = ("alberta_framework", "jax", "equinox", "numpy")
_KEYS: dict[str, type | tuple[type, ...]] = {
    "format_version": int,
    "created_unix": (int, float),
    "versions": dict,
    "metadata": dict,
    "learner": (dict, type(None)),
    "init": (dict, type(None)),
    "nodes": dict,
    "leaves": list,
    "payload_bytes": int,
    "payload_sha256": str,
}


class Header(NamedTuple):
    """What a file says of itself, and where its payload begins."""

    fields: dict[str, Any]
    leaves: list[Leaf]
    payload_start: int

    @property
    def metadata(self) -> dict[str, Any]:
        return self.fields["metadata"]


def header_fields(
    state: Any, leaves: list[Leaf], metadata: Mapping[str, Any], learner: Any, init: Any
) -> dict[str, Any]:
    """The header but for what it says of the payload."""
    said, places = in_words_at(metadata)
    return {
        "format_version": FORMAT_VERSION,
        "created_unix": time.time(),
        "versions": _versions(),
        "metadata": said,
        **({NOT_FINITE: places} if places else {}),
        "learner": in_words(learner),
        "init": init,
        "nodes": module_names(state),
        "leaves": [leaf._asdict() | {"shape": list(leaf.shape)} for leaf in leaves],
    }


@functools.cache
def _versions() -> dict[str, str]:
    return {name: version(name) for name in _PACKAGES} | {"python": platform.python_version()}


def file_bytes(state: Any, leaves: list[Leaf], fields: dict[str, Any]) -> list[bytes]:
    """The whole file, in pieces, of a state and `header_fields`.

    **Raises:** `TypeError`, `ValueError` naming the path of a leaf that no file can hold.
    """
    buffer = io.BytesIO()
    eqx.tree_serialise_leaves(buffer, encoded(state, leaves))
    payload = buffer.getvalue()
    fields = fields | {
        "payload_bytes": len(payload),
        "payload_sha256": hashlib.sha256(payload).hexdigest(),
    }
    header = json.dumps(fields, ensure_ascii=False, allow_nan=False)
    header = header.encode("utf-8", "surrogatepass")
    digest = hashlib.sha256(header).hexdigest()
    first = f"ALBERTA-CKPT {FORMAT_VERSION} {len(header)} {digest}\n".encode()
    return [first, header, b"\n", payload]


def is_checkpoint(path: Path) -> bool:
    """Whether the file begins as a checkpoint does, however it goes on."""
    try:
        with _opened(path) as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, CheckpointError):
        return False


def read_header(path: Path) -> Header:
    """The header, checked against its checksum and against the size of the file.

    **Raises:** `FileNotFoundError`; `CheckpointError` for anything wrong.
    """
    with _opened(path) as file:
        return _header(path, file)


def read(path: Path) -> tuple[Header, list[np.ndarray]]:
    """The header and the arrays of the payload, all checked.

    **Raises:** `FileNotFoundError`; `CheckpointError` for anything wrong.
    """
    with _opened(path) as file:
        header = _header(path, file)
        file.seek(header.payload_start)
        payload = file.read(header.fields["payload_bytes"])
    if hashlib.sha256(payload).hexdigest() != header.fields["payload_sha256"]:
        raise CheckpointError(path, "the checksum of the payload is wrong; the file is damaged")
    return header, _arrays(path, header.leaves, payload)


def leaves_of(path: Path, header: Header, arrays: list[np.ndarray]) -> list[Any]:
    """The leaves of the state."""
    try:
        return decoded(header.leaves, arrays)
    except (TypeError, ValueError) as error:
        raise CheckpointError(path, f"cannot be decoded: {error}") from error


def _opened(path: Path) -> BinaryIO:
    """The file, if it is one: to open a pipe would be to wait for ever."""
    if path.exists() and not path.is_file():
        raise CheckpointError(path, "not a checkpoint: no regular file")
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise not_found(path) from None


def _header(path: Path, file: BinaryIO) -> Header:
    first = file.readline(_LONGEST_FIRST_LINE)
    if not first:
        raise CheckpointError(path, "not a checkpoint: it is empty")
    if not first.startswith(MAGIC):
        raise CheckpointError(path, "not a checkpoint: the first line is another one")
    found = _FIRST_LINE.fullmatch(first)
    if found is None:
        raise CheckpointError(path, "the first line is damaged")
    format_version, size, digest = int(found[1]), int(found[2]), found[3].decode()
    if format_version > FORMAT_VERSION:
        reason = f"written by a newer version (format {format_version}); upgrade alberta_framework"
        raise CheckpointError(path, reason)
    actual = os.fstat(file.fileno()).st_size
    if size > _LARGEST_HEADER or len(first) + size + 1 > actual:
        raise CheckpointError(path, f"declares a header of {size:,} bytes, which is not there")
    text = file.read(size)
    if hashlib.sha256(text).hexdigest() != digest:
        raise CheckpointError(path, "the checksum of the header is wrong; the file is damaged")
    if file.read(1) != b"\n":
        raise CheckpointError(path, "the line of the header does not end; the file is damaged")
    fields, leaves = _parsed(path, text)
    start, payload = len(first) + size + 1, fields["payload_bytes"]
    if start + payload != actual:
        raise CheckpointError(
            path, f"has {actual - start:,} bytes of payload where the header declares {payload:,}"
        )
    return Header(fields, leaves, start)


def _parsed(path: Path, text: bytes) -> tuple[dict[str, Any], list[Leaf]]:
    try:
        fields = json.loads(text.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(path, f"the header is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise CheckpointError(path, "the header is no JSON object")
    for key, kind in _KEYS.items():
        if not isinstance(fields.get(key), kind) or isinstance(fields[key], bool):
            found = repr(fields.get(key, "nothing"))[:100]
            raise CheckpointError(path, f"the header has a bad {key!r}: {found}")
    if fields["format_version"] != FORMAT_VERSION or fields["payload_bytes"] < 0:
        raise CheckpointError(path, "the header contradicts the first line")
    try:
        fields = with_numbers_at(fields)
        leaves = [leaf_from_header(entry) for entry in fields["leaves"]]
        declared = sum(_block_bytes(leaf) for leaf in leaves)
    except (ValueError, OverflowError) as error:
        raise CheckpointError(path, f"the header is damaged: {error}") from None
    if declared != fields["payload_bytes"]:
        found = f"{fields['payload_bytes']:,}"
        raise CheckpointError(path, f"has leaves of {declared:,} bytes in a payload of {found}")
    return fields, leaves


def _npy_header(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    buffer = io.BytesIO()
    described = {"descr": dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, described)
    return buffer.getvalue()


def _block_bytes(leaf: Leaf) -> int:
    shape, dtype = leaf.stored()
    size = dtype.itemsize
    for n in shape:
        size *= n
    return len(_npy_header(shape, dtype)) + size


def _arrays(path: Path, leaves: list[Leaf], payload: bytes) -> list[np.ndarray]:
    """The arrays of the `.npy` blocks, whose own headers must say what the file's header says."""
    arrays, start = [], 0
    for leaf in leaves:
        shape, dtype = leaf.stored()
        head = _npy_header(shape, dtype)
        if payload[start : start + len(head)] != head:
            raise CheckpointError(path, f"the block of {leaf.path} is not {leaf.spoken()}")
        start += len(head)
        count = int(np.prod(shape, dtype=object))
        block = np.frombuffer(payload, dtype, count, start) if count else np.zeros(0, dtype)
        arrays.append(block.reshape(shape).copy())
        start += block.nbytes
    return arrays
