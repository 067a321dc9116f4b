"""What the parameters of every network say of themselves."""

import abc
from typing import Any

import jax

from ..components.state import AbstractState


class AbstractNetworkParams(AbstractState):
    """The weights of a network, which know those of its output layer."""

    @abc.abstractmethod
    def of_output_layer(self) -> tuple[bool, ...]:
        """For each leaf, in their order, whether it belongs to the output layer."""


def of_output_layer(params: Any) -> tuple[bool, ...] | None:
    """For each leaf of a tree whether it belongs to an output layer; None where a leaf stands
    outside of networks' parameters, and nothing says so."""

    def is_network(node: Any) -> bool:
        return isinstance(node, AbstractNetworkParams)

    nodes = jax.tree.leaves(params, is_leaf=is_network)
    if not all(is_network(node) for node in nodes):
        return None
    return tuple(told for node in nodes for told in node.of_output_layer())
