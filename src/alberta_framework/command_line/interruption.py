"""Ctrl-C or SIGTERM: once to stop after the segment that is running, twice to drop it."""

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
    """Inside the block the first Ctrl-C, or SIGTERM, only sets `requested`; a second raises as
    Ctrl-C always does."""
    interruption = Interruption()

    def stop(number, frame):
        del number, frame
        interruption.requested = True
        for each in before:
            signal.signal(each, signal.default_int_handler)
        print("alberta: stopping soon; Ctrl-C again to stop at once.", file=sys.stderr)

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
