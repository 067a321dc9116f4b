"""What is raised where an environment fails."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


class EnvironmentFailure(RuntimeError):
    """An environment raised an error, or returned what no environment may, in a loop.

    `result` is what the loop would have returned if it had been asked to stop before the step that
    failed, the learned state included; None where there is nothing to hand back. `__cause__` is the
    environment's own error, if it raised one; what it returned wrongly is a `TypeError` and a
    `ValueError` as well.
    """

    result: Any = None


class ContractBroken(EnvironmentFailure, TypeError, ValueError):
    """An environment returned what no environment may: the wrong kind, or a wrong value."""


@contextmanager
def handing_back(result: Callable[[], Any]) -> Iterator[None]:
    """Inside the block an `EnvironmentFailure` takes `result()` with it."""
    try:
        yield
    except EnvironmentFailure as failure:
        failure.result = result()
        raise


def close_all(what: Iterable[Any]) -> None:
    """Close each of them; then raise the first failure, if there was one."""
    failures = []
    for each in what:
        try:
            each.close()
        except EnvironmentFailure as failure:
            failures.append(failure)
    if failures:
        raise failures[0]
