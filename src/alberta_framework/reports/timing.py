"""Elapsed time: a context manager, and durations in words."""

import math
import time
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

import jax

Tree = TypeVar("Tree")


def format_duration(seconds: float) -> str:
    """A duration as `S.SSs`, from a minute on `Mm S.SSs`, from an hour on `Hh Mm S.SSs`.

    The value is rounded to hundredths before it is split, so seconds and minutes stay below 60:
    59.999 is `1m 0.00s`. Hours are unbounded. A negative duration has a leading minus;
    NaN and infinity give `nan` and `inf`.
    """
    seconds = float(seconds)
    if not math.isfinite(seconds):
        return str(seconds)
    # Exact arithmetic: the nearest hundredth of the float as it is, at any size.
    hundredths = round(Fraction(abs(seconds)) * 100)
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes_of_hour = divmod(minutes, 60)
    tail = f"{rest // 100}.{rest % 100:02d}s"
    if hours:
        return f"{sign}{hours}h {minutes_of_hour}m {tail}"
    return f"{sign}{minutes}m {tail}" if minutes else sign + tail


class Timer:
    """Measures the wall-clock time of a `with` block, in seconds, and says so at its end.

    JAX returns before its results are ready; pass them to `Timer.block` inside the `with` to
    time the computation and not its dispatch:

    ```python
    with Timer("Training") as timer:
        state, metrics = timer.block(run_learning_loop(learner, stream, 10_000, key))
    ```

    `start_time` and `end_time` are readings of `time.perf_counter` (None before), `duration` is
    their difference (0.0 before the end). A timer can be entered again.

    **Arguments:** `name`: what is timed; `verbose`: whether to report at the end, also when the
    block raised; `print_fn`: where to, `print` by default.
    """

    def __init__(
        self,
        name: str = "Operation",
        verbose: bool = True,
        print_fn: Callable[[str], object] | None = None,
    ):
        self.name = name
        self.verbose = verbose
        self.print_fn = print_fn
        self.start_time: float | None = None
        self.end_time: float | None = None
        self.duration = 0.0

    def __enter__(self) -> "Timer":
        self.end_time, self.duration = None, 0.0
        self.start_time = time.perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end_time = time.perf_counter()
        self.duration = self.elapsed()
        if self.verbose:
            report = print if self.print_fn is None else self.print_fn
            report(f"{self.name} completed in {format_duration(self.duration)}")

    def elapsed(self) -> float:
        """Seconds since the start, or of the whole block once it has ended; 0.0 before it."""
        if self.start_time is None:
            return 0.0
        end = time.perf_counter() if self.end_time is None else self.end_time
        return end - self.start_time

    @staticmethod
    def block(tree: Tree) -> Tree:
        """`tree`, once every JAX array in it is ready (`jax.block_until_ready`)."""
        return jax.block_until_ready(tree)

    def __repr__(self) -> str:
        end = "" if self.end_time is None else f", duration={format_duration(self.duration)}"
        return f"Timer(name={self.name!r}{end})"
