"""Whether what a class of one's own returns is what a compiled loop needs."""

from collections.abc import Iterable
from typing import Any

import jax


def require_parts(who: str, found: Any, parts: Iterable[str], kind: str) -> None:
    """Check that what `who` returned has the attributes of a `kind`.

    **Raises:** `TypeError`.
    """
    missing = [name for name in parts if not hasattr(found, name)]
    if missing:
        raise TypeError(
            f"{who} must return an {kind}; what it returned has no `{missing[0]}`: {found!r:.200}."
        )


def require_like(who: str, before: Any, after: Any) -> None:
    """Check that the state which `who` returned has the leaves of the one that it was given: a
    compiled loop carries one in the place of the other.

    **Raises:** `TypeError` naming the first leaf that differs.
    """
    told = f"{who} must return a state like the one that it was given, made by `init` or `reset`"
    if jax.tree.structure(before) != jax.tree.structure(after):
        raise TypeError(
            f"{told}: expected {jax.tree.structure(before)!s:.300}, got "
            f"{jax.tree.structure(after)!s:.300}."
        )
    leaves = zip(jax.tree_util.tree_leaves_with_path(before), jax.tree.leaves(after), strict=True)
    for (path, expected), found in leaves:
        if _kind(expected) != _kind(found):
            raise TypeError(
                f"{told}: {jax.tree_util.keystr(path)} is {_kind(found)}, not {_kind(expected)}."
            )


def require_pair(who: str, found: Any, second: str) -> None:
    """Check that `who` returned a state and what comes with it, the `second`.

    **Raises:** `TypeError`.
    """
    if not isinstance(found, tuple) or len(found) != 2:
        raise TypeError(
            f"{who} must return a pair, the state after it and {second}, got {found!r:.200}."
        )


def _kind(leaf: Any) -> str:
    found = jax.typeof(leaf)
    return f"{found.dtype}{list(found.shape)}"
