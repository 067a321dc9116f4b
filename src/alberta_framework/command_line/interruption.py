"""Ctrl-C: once to stop after the segment that is running, twice to drop it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Interruption:
    """Whether a stop was asked for."""

    def __init__(self):
        self.requested = False


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Inside the block the first Ctrl-C only sets `requested`; a second raises as always."""
    interruption = Interruption()

    def stop(number, frame):
        del number, frame
        interruption.requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("alberta: stopping soon; Ctrl-C again to stop at once.", file=sys.stderr)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield interruption
    finally:
        signal.signal(signal.SIGINT, before)
