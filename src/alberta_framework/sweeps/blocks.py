"""Cutting a batch into blocks of equal shape, for memory, devices and processes."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Drawing a step of experience costs about as much as learning from it at this many points.
_POINTS_PER_DRAW = 2


@dataclass(frozen=True)
class Block:
    """Some lanes (stream and seed) at some points, run at once; the last ones may repeat to pad."""

    lanes: NDArray[np.int64]
    points: NDArray[np.int64]

    def shared_out(self, mesh: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The lanes and the points of each, in the order of the devices of a mesh.

        Along the points of a mesh a lane is there once for every device, each with its points.
        """
        along_lanes, along_points = mesh
        lanes = self.lanes.reshape(along_lanes, 1, -1)
        points = self.points.reshape(1, along_points, 1, -1)
        shape = (along_lanes, along_points, lanes.shape[-1])
        everywhere = np.broadcast_to(points, (*shape, points.shape[-1]))
        return np.broadcast_to(lanes, shape).reshape(-1), everywhere.reshape(-1, points.shape[-1])


@dataclass(frozen=True)
class Cut:
    """The blocks of a batch, and the shape of the mesh of devices that shares each."""

    blocks: tuple[Block, ...]
    mesh: tuple[int, int]


def cut(lanes: int, points: int, *, max_batch: int | None, processes: int, devices: int) -> Cut:
    """Cut `lanes` times `points` members.

    The lanes are divided first: those who share a lane share its experience. Every block has the
    same shape, a multiple of the mesh, so that one program serves all.

    **Arguments:** `max_batch`: members of a block at most, before they are rounded up for the
    devices; None for no limit. `processes` take turns with the blocks, of which there are enough
    for each where the members divide so.
    """
    limit = lanes * points if max_batch is None else max_batch
    rows = points if points <= limit else math.ceil(points / math.ceil(points / limit))
    columns = min(lanes, max(1, limit // rows))
    if math.ceil(lanes / columns) * math.ceil(points / rows) < processes:
        columns = math.ceil(lanes / min(lanes, processes))
        parts = math.ceil(processes / math.ceil(lanes / columns))
        rows = min(rows, math.ceil(points / min(points, parts)))
    # Even out, so that little is padded.
    columns = math.ceil(lanes / math.ceil(lanes / columns))
    rows = math.ceil(points / math.ceil(points / rows))
    mesh = _mesh(columns, rows, devices)
    lane_parts = _parts(lanes, columns, mesh[0])
    point_parts = _parts(points, rows, mesh[1])
    return Cut(tuple(Block(a, b) for a in lane_parts for b in point_parts), mesh)


def _mesh(lanes: int, points: int, devices: int) -> tuple[int, int]:
    """Devices along lanes and along points, so that the one with most work has least."""

    def work(along_lanes: int) -> tuple[int, int]:
        along_points = devices // along_lanes
        members = _POINTS_PER_DRAW + math.ceil(points / along_points)
        return math.ceil(lanes / along_lanes) * members, -along_lanes

    best = min((n for n in range(1, devices + 1) if devices % n == 0), key=work)
    return best, devices // best


def _parts(count: int, size: int, multiple: int) -> list[NDArray[np.int64]]:
    padded = multiple * math.ceil(size / multiple)
    starts = range(0, count, size)
    return [np.minimum(start + np.arange(padded), min(start + size, count) - 1) for start in starts]
