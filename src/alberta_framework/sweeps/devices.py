"""Placing blocks on the devices of this process, and gathering from all processes."""

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from numpy.typing import NDArray


class Placement:
    """Where the arrays of a block lie: lanes and points each along one axis of a mesh.

    With a single device nothing is moved, unless another than JAX's default was asked for.
    """

    def __init__(self, devices: Sequence[Any], shape: tuple[int, int]):
        alone = len(devices) == 1 and devices[0] == jax.local_devices()[0]
        mesh = np.array(devices).reshape(shape)
        self._mesh = None if alone else Mesh(mesh, ("lanes", "points"))

    def put(self, tree: Any, *axes: str | None) -> Any:
        """The tree with the leading axes of its arrays divided along `axes` of the mesh."""
        if self._mesh is None:
            return tree
        return jax.device_put(tree, NamedSharding(self._mesh, PartitionSpec(*axes)))


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
