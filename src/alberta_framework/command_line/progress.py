"""How far a run has come: a bar on a terminal, else a line now and then."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# So that a log of a day stays short, and a run of seconds writes none.
_SECONDS_BETWEEN_LINES = 60.0


@contextlib.contextmanager
def progress_of(name: str, total: int, unit: str, quiet: bool) -> Iterator[Callable]:
    """What is called as `show(done, note)` while something runs; on standard error. A third
    argument is what a terminal shows below the bar."""
    console = Console(stderr=True)
    if quiet:
        yield lambda done, note, below=None: None
    elif not console.is_terminal:
        yield _Lines(name, total, unit)
    else:
        columns: tuple[Any, ...] = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} " + unit),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with _Bar(*columns, console=console) as bar:
            task = bar.add_task(name, total=total, note="")

            def show(done: int, note: str, below: RenderableType | None = None) -> None:
                bar.below = below
                bar.update(task, completed=done, note=note)

            yield show


class _Bar(Progress):
    """A bar, and below it what there is to show."""

    below: RenderableType | None = None

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.below is not None:
            yield self.below


class _Lines:
    """A line whenever there is something to tell and the last one is long ago."""

    def __init__(self, name: str, total: int, unit: str):
        self._form = f"{name}: {{:,}}/{total:,} {unit}"
        self._last = time.monotonic()

    def __call__(self, done: int, note: str, below: Any = None) -> None:
        del below
        if time.monotonic() - self._last < _SECONDS_BETWEEN_LINES:
            return
        self._last = time.monotonic()
        line = self._form.format(done)
        print(f"{line}, {note}" if note else line, file=sys.stderr, flush=True)
