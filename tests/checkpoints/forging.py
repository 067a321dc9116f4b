"""Checkpoint files written and taken apart by hand, with checksums that agree with themselves.

The bytes are as the format says, by another hand than the library's:

    ALBERTA-CKPT 1 <header bytes> <sha256 of the header>
    <header: JSON>
    <payload: one .npy block after another>
"""

import hashlib
import io
import json

import numpy as np

# A state of one leaf of three numbers, and its file.
TEMPLATE = {"x": np.zeros(3)}
VALUES = np.float64([1.0, 2.0, 3.0])


def block(array, **options):
    """One array as .npy."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def forged(header, payload=None, version="1", **changes):
    """A file of this header; a payload has its size and checksum entered into the header."""
    if payload is not None:
        header = header | {
            "payload_bytes": len(payload),
            "payload_sha256": hashlib.sha256(payload).hexdigest(),
        }
    text = header | changes
    return sealed(json.dumps(text).encode(), payload or b"", version)


def sealed(header, payload=b"", version="1", length=None):
    """A file of these header bytes, whatever they are, and a first line that fits them."""
    length = str(len(header)) if length is None else length
    line = f"ALBERTA-CKPT {version} {length} {hashlib.sha256(header).hexdigest()}\n"
    return line.encode() + header + b"\n" + payload


def taken_apart(data):
    """First line as text, header, payload of a file."""
    line, rest = data.split(b"\n", 1)
    size = int(line.split()[2])
    assert rest[size : size + 1] == b"\n"
    return line.decode("ascii"), json.loads(rest[:size]), rest[size + 1 :]


def payload_start(data):
    """Where the payload begins."""
    return len(data) - len(taken_apart(data)[2])


def arrays(payload):
    """The .npy blocks of a payload."""
    file, found = io.BytesIO(payload), []
    while file.tell() < len(payload):
        found.append(np.load(file, allow_pickle=False))
    return found
