"""What the paths of a sweep begin with: a learner, a stream, or an agent and an environment."""

from collections.abc import Mapping
from typing import Any

from ..components.known import require_known
from ..hyperparameters.paths import exchanged, known_paths

# What a path may begin with, and which of the two things that a sweep runs it belongs to. A life,
# which is the learner of a sweep over agents in environments, holds an agent and an environment.
_ROOTS = {"agent": "learner", "environment": "learner"}


def root_of(path: str) -> str:
    """`"learner"` or `"stream"`: to which of the two a path belongs."""
    head = path.split(".")[0]
    return _ROOTS.get(head, head)


def at_paths(component: Any, root: str, point: Mapping[str, Any]) -> Any:
    """The component with the values of those paths that begin with `root`.

    **Raises:** `ValueError` as `exchanged`.
    """
    own = {path: value for path, value in point.items() if root_of(path) == root}
    try:
        return exchanged(component, own, "" if _held(component) else root)
    except ValueError as error:
        raise ValueError(f"sweep: {error}") from error


def _held(component: Any) -> tuple[str, ...]:
    """The parts of a life, with which its paths begin."""
    return getattr(component, "axes_begin_with", ())


def _known(component: Any, root: str) -> list[str]:
    if not _held(component):
        return [*known_paths(component, root)]
    parts = ((getattr(component, name), name) for name in _held(component))
    return [path for part in parts for path in known_paths(*part)]


def require_roots(paths: Mapping[str, Any], learner: Any, stream: Any) -> None:
    """`ValueError` for a path that begins with none of what the sweep varies."""
    known = [*_known(learner, "learner"), *_known(stream, "stream")]
    heads = {path.split(".")[0] for path in known}
    for path in paths:
        if path.split(".")[0] not in heads:
            require_known(f"path {path!r} in `axes`", path, known)
