"""What the benchmarks share: warm medians, interleaved so that a noisy machine hits all alike."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping

import jax


def machine() -> str:
    return (
        f"{os.cpu_count()} CPU cores, {platform.machine()}, Python {platform.python_version()}, "
        f"jax {jax.__version__}, {jax.default_backend()}"
    )


def first_call(fn: Callable) -> float:
    """Seconds of one call, compilation included."""
    start = time.perf_counter()
    jax.block_until_ready(fn())
    return time.perf_counter() - start


def interleaved_medians(fns: Mapping[str, Callable], repeats: int = 7) -> dict[str, float]:
    """Median seconds of each warm call; the calls take turns."""
    for fn in fns.values():
        jax.block_until_ready(fn())
    times = {name: [] for name in fns}
    for _ in range(repeats):
        for name, fn in fns.items():
            times[name].append(first_call(fn))
    return {name: statistics.median(values) for name, values in times.items()}


def table(header: tuple[str, ...], rows: list[tuple]) -> None:
    cells = [header, *[tuple(str(cell) for cell in row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
