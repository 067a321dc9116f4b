"""Axes of a sweep: which values a learner or a stream is given, by dotted paths."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import numpy as np

from ..components.known import require_known
from ..components.ranges import require_choice

# What a path may begin with, and the component that it leads to: a life, which is the learner of
# a sweep over agents in environments, holds an agent and an environment.
_ROOTS = {
    "learner": ("learner",),
    "stream": ("stream",),
    "agent": ("learner", "agent"),
    "environment": ("learner", "environment"),
}


def root_of(path: str) -> str:
    """`"learner"` or `"stream"`: to which of the two a path belongs."""
    head = path.split(".")[0]
    return _ROOTS.get(head, (head,))[0]


def _names(path: str) -> list[str]:
    """The fields to go through from the learner or the stream."""
    head, *names = path.split(".")
    return [*_ROOTS.get(head, (head,))[1:], *names]


@dataclass(frozen=True)
class Axes:
    """The values of each path, and how they are combined to points.

    **Arguments:**

    - `values`: dotted path, beginning with `learner` or `stream`, to the values to try there.
    - `combine`: `"product"`, every combination, the last path fastest; `"zip"`, the first values
      together, the second ones, and so on.

    **Raises:** `ValueError` for no or repeated values, and for values of unequal number to zip.
    """

    values: Mapping[str, Sequence[Any]]
    combine: str = "product"

    def __post_init__(self):
        require_choice("sweep", "combine", self.combine, ("product", "zip"))
        values = {path: _listed(path, given) for path, given in self.values.items()}
        counts = {path: len(given) for path, given in values.items()}
        if self.combine == "zip" and len(set(counts.values())) > 1:
            found = ", ".join(f"{count} for {path!r}" for path, count in counts.items())
            raise ValueError(f"sweep: `axes` must be of equal length to be zipped, got {found}.")
        object.__setattr__(self, "values", values)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values lie along each dimension of the grid; one dimension if zipped."""
        counts = tuple(map(len, self.values.values()))
        return counts if self.combine == "product" else counts[:1]

    @property
    def positions(self) -> list[tuple[int, ...]]:
        """Of each point, the position of its value along each path."""
        if self.combine == "zip":
            count = self.shape[0] if self.values else 1
            return [(place,) * len(self.values) for place in range(count)]
        return list(itertools.product(*map(range, self.shape)))

    def point(self, positions: Sequence[int]) -> dict[str, Any]:
        """The value of each path at a point."""
        pairs = zip(self.values.items(), positions, strict=True)
        return {path: given[place] for (path, given), place in pairs}

    def labels(self, path: str) -> list[Any]:
        """The values of a path as numbers or distinct strings, for a coordinate."""
        given = self.values[path]
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in given):
            return list(given)
        labels = [_label(value) for value in given]
        repeated = {label for label in labels if labels.count(label) > 1}
        return [f"{text} {i}" if text in repeated else text for i, text in enumerate(labels)]


def at_paths(component: Any, root: str, point: Mapping[str, Any]) -> Any:
    """The component with the values of those paths that begin with `root`, outer ones first.

    **Raises:** `ValueError` for an unknown path, naming the nearest and all, and for a value that
    the component refuses.
    """
    for path in sorted(point, key=lambda path: path.count(".")):
        names = _names(path)
        if root_of(path) != root:
            continue
        if names and not _has(component, names):
            require_known(f"path {path!r} in `axes`", path, _known(component, root))
        try:
            component = _replaced(component, names, point[path])
        except (TypeError, ValueError) as error:
            raise ValueError(f"sweep: {path}: {error}") from error
    return component


def known_paths(component: Any, path: str) -> Iterator[str]:
    """Every path that an axis may name, from `path` itself down to single numbers."""
    yield path
    for name, part in _parts(component).items():
        yield from known_paths(part, f"{path}.{name}")


def _parts(component: Any) -> dict[str, Any]:
    """What a path may go on with: the fields of a component, the places in a tuple of several."""
    if isinstance(component, eqx.Module):
        return {
            field.name: getattr(component, field.name) for field in dataclasses.fields(component)
        }
    if isinstance(component, tuple) and any(isinstance(part, eqx.Module) for part in component):
        return {str(place): part for place, part in enumerate(component)}
    return {}


def _known(component: Any, root: str) -> list[str]:
    held = getattr(component, "axes_begin_with", None)
    if held is None:
        return [*known_paths(component, root)]
    return [path for name in held for path in known_paths(getattr(component, name), name)]


def require_roots(paths: Mapping[str, Any], learner: Any, stream: Any) -> None:
    """`ValueError` for a path that begins with none of what the sweep varies."""
    known = [*_known(learner, "learner"), *_known(stream, "stream")]
    heads = {path.split(".")[0] for path in known}
    for path in paths:
        if path.split(".")[0] not in heads:
            require_known(f"path {path!r} in `axes`", path, known)


def _has(component: Any, names: Sequence[str]) -> bool:
    for name in names:
        parts = _parts(component)
        if name not in parts:
            return False
        component = parts[name]
    return True


def _replaced(component: Any, names: Sequence[str], value: Any) -> Any:
    if not names:
        return _like(component, value)
    inner = _replaced(_parts(component)[names[0]], names[1:], value)
    if isinstance(component, tuple):
        place = int(names[0])
        return (*component[:place], inner, *component[place + 1 :])
    # Through the constructor, so that a component checks what it is given.
    return dataclasses.replace(component, **{names[0]: inner})


def _like(old: Any, value: Any) -> Any:
    """The value; a number in the place of an array stands for all of its elements."""
    is_array = isinstance(old, np.ndarray | jax.Array) and old.ndim > 0
    if is_array and np.ndim(value) == 0:
        return np.full(old.shape, value, np.asarray(old).dtype)
    return value


def _listed(path: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, np.ndarray | jax.Array) and given.ndim > 0:
        given = [value.item() if value.ndim == 0 else value for value in np.asarray(given)]
    if isinstance(given, str) or not isinstance(given, Sequence) or not given:
        raise ValueError(f"sweep: `axes` must list the values of {path!r}, got {given!r}.")
    values = tuple(v.item() if isinstance(v, np.generic) else v for v in given)
    numbers = [v for v in values if isinstance(v, int | float)]
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"sweep: `axes` must list each value of {path!r} once, got {given!r}.")
    return values


def _label(value: Any) -> str:
    if isinstance(value, eqx.Module):
        return type(value).__name__
    if value is None or isinstance(value, bool | int | float | str | tuple | list):
        return str(value)
    return type(value).__name__
