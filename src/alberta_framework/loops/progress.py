"""What is told of the chunks of a loop, and a progress bar over them."""

from collections.abc import Callable
from typing import Any, Protocol

import jax


class AbstractProgress(Protocol):
    """Told of every chunk, and closed at the end."""

    def __call__(self, done: int, states: tuple[Any, Any]) -> None: ...

    def close(self) -> None: ...


class NoProgress:
    """Shows nothing."""

    def __call__(self, done, states):
        del done, states

    def close(self):
        pass


def one_chunk_ahead(report: Callable[[int], Any]) -> Callable[[int, Any], None]:
    """An `after_chunk` of `drive` that calls `report(done)` when the chunk before is computed.

    A chunk is dispatched before it is computed. So the device never idles, the count is at most
    one chunk ahead, and an interrupt comes through.
    """
    running: Any = None

    def after_chunk(done: int, states: Any) -> None:
        nonlocal running
        jax.block_until_ready(running)
        running = states
        report(done)

    return after_chunk


class ProgressBar:
    """A tqdm bar of the steps that are done, at most one chunk ahead."""

    def __init__(self, num_steps: int, description: str | None = None):
        from tqdm.auto import tqdm

        self._bar = tqdm(total=num_steps, unit="step", unit_scale=True, desc=description)
        self._after_chunk = one_chunk_ahead(lambda done: self._bar.update(done - self._bar.n))

    def __call__(self, done, states):
        self._after_chunk(done, states[0])

    def close(self):
        self._bar.close()


def progress_bar(show: bool, num_steps: int) -> AbstractProgress:
    return ProgressBar(num_steps) if show else NoProgress()
