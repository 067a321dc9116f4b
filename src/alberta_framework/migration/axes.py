"""Which axes of a state count inputs, and which count heads: those that grow with them."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..checkpoints.agent_template import template_from
from ..checkpoints.leaves import Leaf, described

# By the path of a leaf the axes that count something.
Axes = Mapping[str, tuple[int, ...]]


def leaves_of(config: Mapping[str, Any], feature_dim: int) -> list[Leaf]:
    """The leaves of the state that the configured learner makes for so many inputs.

    **Raises:** `ValueError` where it makes none for so many.
    """
    template = template_from(config, {"feature_dim": feature_dim, "batch_shape": []})
    return described(template)


def growing_axes(kind: str, count: int, before: Sequence[Leaf], after: Sequence[Leaf]) -> Axes:
    """The axes of the leaves that are `count` long before, and longer by one after one more.

    **Arguments:** `kind`: "input" or "head", of which there is one more.

    **Raises:** `ValueError` naming a leaf that changes in another way, whose numbers cannot be told
    to belong to one of them each.
    """
    grown = {leaf.path: leaf for leaf in after}
    if [leaf.path for leaf in before] != list(grown):
        raise ValueError(f"migrate: with one more {kind} the state has other leaves.")
    found = {}
    for leaf in before:
        sizes, others = leaf.shape, grown[leaf.path].shape
        moved = [i for i, size in enumerate(sizes) if others[i : i + 1] != (size,)]
        plain = all((sizes[i], others[i : i + 1]) == (count, (count + 1,)) for i in moved)
        if len(sizes) != len(others) or not plain:
            raise ValueError(
                f"migrate: {leaf.path} is {leaf.spoken()} with {count} {kind}s and "
                f"{grown[leaf.path].spoken()} with one more: its numbers do not belong to one "
                f"{kind} each."
            )
        if moved:
            found[leaf.path] = tuple(moved)
    return found
