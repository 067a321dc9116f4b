"""The machine that this runs on, as a row of signals."""

import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray


class SignalRecord(NamedTuple):
    """Signals that were measured one after the other.

    `names` [n]; `times` [T]: seconds since the first; `values` [T, n], NaN where one is missing.
    """

    names: tuple[str, ...]
    times: Float[np.ndarray, " steps"]
    values: Float[np.ndarray, "steps signals"]

    @property
    def dt(self) -> float:
        """The usual time between two rows, in seconds: the median."""
        if len(self.times) < 2:
            raise ValueError(f"a record of {len(self.times)} rows has no time between two.")
        return float(np.median(np.diff(self.times)))


class SystemStream:
    """Measures this machine `1 / interval` times a second; needs psutil, the extra `system`.

    The signals, in this order: the use of each core in percent (`cpu0`, ...), the load averages
    (`load_1`, `load_5`, `load_15`), memory and swap in percent, log(1 + bytes per second) read from
    and written to disks and sent to and received from the network (`disk_read`, `disk_write`,
    `net_out`, `net_in`), log(1 + context switches per second), and the number of processes.
    Counters are differenced over the time that passed; one that went back counts as 0. What a
    system does not tell is left out. No name, address or path is read.

    A row that is late does not delay the next; rows that would all be late are left out, so a row
    stands for the time at which it was measured, `times` tells.

    It lives on the host: there is nothing to trace. `record` gives arrays, `save_record` and
    `load_record` keep them, and what has been recorded is learned from without psutil.

    **Arguments:** `interval` > 0: seconds between two rows, default 0.1.

    ```python
    stream = SystemStream(0.1)
    record = stream.record(600)  # one minute
    save_record(record, "minute.npz")
    ```
    """

    def __init__(self, interval: float = 0.1):
        if not (isinstance(interval, int | float) and 0.0 < interval < math.inf):
            raise ValueError(f"SystemStream: `interval` must be above 0, got {interval!r}.")
        self.interval = float(interval)
        self._psutil = _psutil()
        self._psutil.cpu_percent(percpu=True)  # the first one looks back on nothing
        self._counters = self._counted()
        self._measured = time.monotonic()
        self._next = self._measured + self.interval
        self._began: float | None = None
        told = self._told(self._counters, self.interval)
        self.names: tuple[str, ...] = tuple(told)

    def rows(self) -> Iterator[tuple[float, NDArray[np.float32]]]:
        """Seconds since the first row, and the signals, each when its time has come; no end."""
        while True:
            yield self.measure()

    def measure(self) -> tuple[float, NDArray[np.float32]]:
        """Wait for the next row's time, and measure it."""
        wait = self._next - time.monotonic()
        if wait > 0.0:
            time.sleep(wait)
        now = time.monotonic()
        self._next = max(self._next + self.interval, now)
        counters = self._counted()
        told = self._told(counters, max(now - self._measured, 1e-6))
        self._counters, self._measured = counters, now
        self._began = now if self._began is None else self._began
        row = [told.get(name, math.nan) for name in self.names]
        return now - self._began, np.asarray(row, np.float32)

    def record(self, n: int) -> SignalRecord:
        """The next `n` rows; takes n times the interval."""
        rows = [self.measure() for _ in range(int(n))]
        times = np.asarray([t for t, _ in rows], np.float64)
        values = np.asarray([row for _, row in rows], np.float32)
        return SignalRecord(self.names, times, values.reshape(len(rows), len(self.names)))

    def _counted(self) -> dict[str, float]:
        ps, counted = self._psutil, {}
        disk = _tried(ps.disk_io_counters)
        if disk is not None:
            counted |= {"disk_read": disk.read_bytes, "disk_write": disk.write_bytes}
        net = _tried(ps.net_io_counters)
        if net is not None:
            counted |= {"net_out": net.bytes_sent, "net_in": net.bytes_recv}
        return counted | {"context_switches": ps.cpu_stats().ctx_switches}

    def _told(self, counters: dict[str, float], seconds: float) -> dict[str, float]:
        ps = self._psutil
        told = {f"cpu{i}": use for i, use in enumerate(ps.cpu_percent(percpu=True))}
        loads = _tried(ps.getloadavg)
        told |= (
            {} if loads is None else dict(zip(("load_1", "load_5", "load_15"), loads, strict=True))
        )
        memory = ps.virtual_memory()
        told["memory"] = 100.0 * (1.0 - memory.available / memory.total)
        told["swap"] = ps.swap_memory().percent
        for name, count in counters.items():
            # Of a device that came or went since, or a counter that began anew, there is no rate.
            rate = (count - self._counters.get(name, count)) / seconds
            told[name] = math.log1p(max(rate, 0.0))
        told["processes"] = len(ps.pids())
        return told


def save_record(record: SignalRecord, path: str | os.PathLike) -> None:
    """Write a record as a compressed .npz of `names`, `times` and `values` in float32."""
    names, times, values = record
    with Path(path).open("wb") as file:
        np.savez_compressed(file, names=np.asarray(names), times=times, values=np.float32(values))


def load_record(path: str | os.PathLike) -> SignalRecord:
    """A record that `save_record` wrote.

    **Raises:** `ValueError` for a file that holds none.
    """
    with np.load(Path(path), allow_pickle=False) as stored:
        if not {"names", "times", "values"} <= set(stored.files):
            raise ValueError(f"{os.fspath(path)!r} holds no record of signals.")
        names = tuple(str(name) for name in stored["names"])
        times = np.asarray(stored["times"], np.float64)
        values = np.asarray(stored["values"], np.float32)
    if values.shape != (len(times), len(names)):
        raise ValueError(
            f"{os.fspath(path)!r}: `values` must have shape {(len(times), len(names))}, got "
            f"{values.shape}."
        )
    return SignalRecord(names, times, values)


def _tried(ask: Any) -> Any:
    """What a system tells; None where it does not."""
    try:
        return ask()
    except (OSError, RuntimeError, AttributeError, NotImplementedError):
        return None


def _psutil() -> Any:
    try:
        import psutil
    except ImportError as error:
        raise ImportError(
            "SystemStream needs `psutil`. It comes with the system extra: "
            "pip install 'alberta_framework[system]'",
            name="psutil",
        ) from error
    return psutil
