"""Metrics and points of a grid in words."""

import re
from collections.abc import Mapping, Sequence
from typing import Any


def spoken_metric(name: str) -> str:
    """A metric in words: `Squared TD error` for `squared_td_error`."""
    words = re.sub(r"\btd\b", "TD", name.replace("_", " "))
    return words[:1].upper() + words[1:]


def spoken_point(point: Mapping[str, Any]) -> str:
    """`meta step size 0.01, optimizer LMS`; the last name of each path."""
    return ", ".join(
        f"{spoken_path(path)} {value:g}"
        if isinstance(value, int | float)
        else f"{spoken_path(path)} {value}"
        for path, value in point.items()
    )


def spoken_points(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each point in words; all of them in full if two would be called the same."""
    names = [spoken_point(point) for point in points]
    if len(set(names)) == len(names):
        return names
    return [", ".join(f"{path} {value}" for path, value in point.items()) for point in points]


def spoken_path(path: str) -> str:
    """The last name of a path, in words."""
    return path.rpartition(".")[2].replace("_", " ")
