"""Names that are not known, and the nearest of those that are."""

import difflib
from collections.abc import Iterable


def require_known(what: str, name: str, known: Iterable[str]) -> None:
    """`ValueError` naming the valid names and the nearest one unless `name` is among `known`."""
    names = list(known)
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown {what}: {hint}Known: {', '.join(names) or 'none'}.")
