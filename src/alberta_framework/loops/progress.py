"""A progress bar over the chunks of a loop."""

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


class ProgressBar:
    """A tqdm bar of the steps that are done.

    A chunk is dispatched before it is computed, so each call waits for the chunk before: the device
    never idles, and the bar is at most one chunk ahead.
    """

    def __init__(self, num_steps: int, description: str | None = None):
        from tqdm.auto import tqdm

        self._bar = tqdm(total=num_steps, unit="step", unit_scale=True, desc=description)
        self._running: Any = None

    def __call__(self, done, states):
        jax.block_until_ready(self._running)
        self._running = states[0]
        self._bar.update(done - self._bar.n)

    def close(self):
        self._bar.close()


def progress_bar(show: bool, num_steps: int) -> AbstractProgress:
    return ProgressBar(num_steps) if show else NoProgress()
