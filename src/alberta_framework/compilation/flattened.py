"""Modules taken apart once: their leaves, and one object for each structure.

A call of a compiled function that is given Modules flattens them, node by node, in Python, and
hashes and compares their static parts. For a single event this costs more than the arithmetic, so
leaves are remembered as long as their Module lives, and structures are compared by identity.
"""

import dataclasses
import weakref
from typing import Any, ClassVar

import equinox as eqx
import jax

from ..components.numbers import is_traced
from .execution_plan import fits_one_kernel


class Structure:
    """The structure of a tree: one object for all that are equal."""

    known: ClassVar[dict[Any, "Structure"]] = {}

    def __init__(self, treedef: Any):
        self.treedef = treedef
        self.state: tuple[int, int, Structure] | None = None

    @classmethod
    def of(cls, treedef: Any) -> "Structure":
        return cls.known.setdefault(treedef, cls(treedef))

    @classmethod
    def of_result(cls, result: Any) -> "Structure":
        """The structure of what a function returns, and where the leaves of its `state` lie."""
        structure = cls.of(jax.tree.structure(result))
        if structure.state is None and isinstance(result, eqx.Module):
            start = 0
            for field in dataclasses.fields(result):
                if field.metadata.get("static", False):
                    continue
                treedef = jax.tree.structure(getattr(result, field.name))
                if field.name == "state":
                    structure.state = start, start + treedef.num_leaves, cls.of(treedef)
                start += treedef.num_leaves
        return structure


class _Reference(weakref.ref):
    __slots__ = ("key",)


_remembered: dict[int, tuple[_Reference, Structure, list, bool]] = {}


def _forget(reference: Any) -> None:
    entry = _remembered.get(reference.key)
    if entry is not None and entry[0] is reference:
        del _remembered[reference.key]


def remember(module: Any, structure: Structure, leaves: list, fits: bool) -> None:
    """Keep the leaves of a Module as long as it lives, and whether they fit one kernel."""
    reference = _Reference(module, _forget)
    reference.key = id(module)
    _remembered[reference.key] = reference, structure, leaves, fits


def remembered(value: Any) -> tuple[Structure, list, bool] | None:
    """Structure and leaves of a Module that was seen before."""
    entry = _remembered.get(id(value))
    return entry[1:] if entry is not None and entry[0]() is value else None


def flattened(module: Any) -> tuple[Structure, list, bool]:
    """Structure and leaves of a Module; remembered unless it is being traced."""
    found = remembered(module)
    if found is None:
        leaves, treedef = jax.tree.flatten(module)
        traced = any(is_traced(leaf) for leaf in leaves)
        found = Structure.of(treedef), leaves, not traced and fits_one_kernel(leaves)
        if not traced:
            remember(module, *found)
    return found


class Output:
    """What a compiled function returns: leaves, to be put together outside."""

    def __init__(self, leaves: Any, structure: Structure):
        self.leaves, self.structure = leaves, structure

    @classmethod
    def of(cls, result: Any) -> "Output":
        return cls(jax.tree.leaves(result), Structure.of_result(result))

    def result(self, fits: bool) -> Any:
        """The result itself; the leaves of its state are remembered for the next call."""
        structure, leaves = self.structure, self.leaves
        result = jax.tree.unflatten(structure.treedef, leaves)
        if structure.state is not None and not is_traced(leaves[0]):
            start, stop, inner = structure.state
            remember(result.state, inner, leaves[start:stop], fits)
        return result


jax.tree_util.register_pytree_node(
    Output,
    lambda output: (output.leaves, output.structure),
    lambda structure, leaves: Output(list(leaves), structure),
)
