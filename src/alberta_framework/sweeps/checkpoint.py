"""What tells one sweep from another, so that a checkpoint does not mix them up."""

import hashlib
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from .batch import Keys
from .blocks import Cut
from .plan import Program

# In what sweeps differ of which one cannot go on with the checkpoint of the other.
DIFFERS = "axes, numbers, keys, steps, metrics, recording, devices or processes"


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
