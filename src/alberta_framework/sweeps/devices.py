"""The devices of this process, and gathering from all processes."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh
from numpy.typing import NDArray


def mesh_of(devices: Sequence[Any]) -> Mesh | None:
    """The devices along one axis, to divide lanes among; None for JAX's default device alone."""
    if len(devices) == 1 and devices[0] == jax.local_devices()[0]:
        return None
    return Mesh(np.array(devices), ("lanes",))


def gathered(array: NDArray) -> NDArray:
    """The arrays of all processes, of one shape, along a new first axis."""
    if jax.process_count() == 1:
        return array[None]
    # As bytes, because JAX narrows 64-bit numbers.
    plain = np.ascontiguousarray(array)
    flat = np.frombuffer(plain.tobytes(), np.uint8)
    everyone = np.asarray(multihost_utils.process_allgather(flat))
    rows = [np.frombuffer(row.tobytes(), plain.dtype) for row in everyone]
    return np.stack([row.reshape(plain.shape) for row in rows])
