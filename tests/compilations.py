"""Counts how often XLA compiles."""

import contextlib

import jax

EVENT = "/jax/core/compile/backend_compile_duration"


@contextlib.contextmanager
def count_compilations():
    """Yields a list that grows by one entry for each program compiled inside the block."""
    seen = []

    def listen(event, seconds, **_):
        if event == EVENT:
            seen.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
