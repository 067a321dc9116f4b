"""Whether a file holds the structure that a template asks for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import CheckpointError
from .leaves import Leaf, described, module_names


def require_structure(
    path: Path, template: Any, leaves: list[Leaf], nodes: Mapping[str, str]
) -> None:
    """Check leaves in order, then the classes of the Modules.

    **Raises:** `CheckpointError` naming the first difference.
    """
    expected = described(template)
    if leaves != expected:
        raise CheckpointError(path, f"structure mismatch{_difference(expected, leaves)}")
    wanted = module_names(template)
    for at in [*wanted, *nodes]:
        if wanted.get(at) != nodes.get(at):
            raise CheckpointError(
                path,
                f"structure mismatch at {at or 'the root'}: expected {wanted.get(at, 'no Module')} "
                f"(template), found {nodes.get(at, 'no Module')} (file)",
            )


def _difference(expected: list[Leaf], found: list[Leaf]) -> str:
    by_path = {leaf.path: leaf for leaf in expected}, {leaf.path: leaf for leaf in found}
    others = sum(by_path[0].get(p) != by_path[1].get(p) for p in by_path[0] | by_path[1]) - 1
    more = f" ({others} more differences)" if others > 0 else ""
    for leaf in found:
        if leaf.path not in by_path[0]:
            return f": file has {leaf.path}, the template does not{more}"
        if leaf != by_path[0][leaf.path]:
            wanted = by_path[0][leaf.path].spoken()
            return (
                f" at {leaf.path}: expected {wanted} (template), found {leaf.spoken()} (file){more}"
            )
    for leaf in expected:
        if leaf.path not in by_path[1]:
            return f": template has {leaf.path}, the file does not{more}"
    for wanted, leaf in zip(expected, found, strict=True):
        if wanted != leaf:
            break
    return (
        f": the leaves stand in another order, first {wanted.path} (template), {leaf.path} (file)"
    )
