"""The cases of `streams.npz` that belong to this room."""

import functools
import json
import pathlib

import numpy as np

_FILE = pathlib.Path(__file__).parents[1] / "golden" / "streams.npz"


@functools.cache
def _arrays():
    with np.load(_FILE, allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


def cases(kind):
    """Name to manifest entry of every case of one kind."""
    entries = json.loads(str(_arrays()["manifest"]))["cases"]
    return {name: about for name, about in entries.items() if about["kind"] == kind}


def array(case, field):
    return _arrays()[f"{case}/{field}"]
