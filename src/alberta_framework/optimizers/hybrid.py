"""`Hybrid`: the optimizer of a network, one of its hidden layers and one of its output layer."""

from typing import Any

from ..components.component import AbstractComponent
from ..components.ranges import require_part
from .abstract import AbstractOptimizer


class Hybrid(AbstractComponent):
    r"""One optimizer for the hidden layers of a network, another for its output layer.

    The output layer is linear in the features that the layers below it make, so what is meant for
    linear learners is good for it: `Hybrid(trunk=LMS(0.01), head=FADE())`. Bounds hold for both
    together, where a bounder bounds the whole network.

    Learners and agents with a network take it as their `optimizer`, and `PerTensor` for parameters
    that know their output layer. A learner without a network takes none. `head_optimizer` of a
    learner is the same by another name.

    **Arguments:** `trunk`, of the hidden layers; `head`, of the output layer, its bias included.
    """

    trunk: AbstractOptimizer
    head: AbstractOptimizer

    def __check_init__(self):
        require_part(self, "trunk", AbstractOptimizer)
        require_part(self, "head", AbstractOptimizer)

    @property
    def takes_traces(self) -> bool:
        """Whether both may be given eligibility traces."""
        return self.trunk.takes_traces and self.head.takes_traces


def network_optimizer(owner: str, optimizer: Any, head_optimizer: Any = None) -> Hybrid:
    """The `Hybrid` of a network's optimizer and, if it is given, that of its output layer.

    **Raises:** `TypeError` for what are no optimizers; `ValueError` for a `Hybrid` and another
    optimizer of the output layer beside it.
    """
    if isinstance(optimizer, Hybrid):
        if head_optimizer is not None:
            raise ValueError(
                f"{owner}: `head_optimizer` must be None beside a Hybrid, which has a `head` of "
                f"its own, got {head_optimizer!r}."
            )
        return optimizer
    for name, value in (("optimizer", optimizer), ("head_optimizer", head_optimizer)):
        optional = name == "head_optimizer" and value is None
        if not isinstance(value, AbstractOptimizer) and not optional:
            told = "AbstractOptimizer or None" if name == "head_optimizer" else "AbstractOptimizer"
            raise TypeError(f"{owner}: `{name}` must be an {told}, got {value!r}.")
    return Hybrid(optimizer, optimizer if head_optimizer is None else head_optimizer)


def require_layers(owner: str, optimizer: Hybrid, hidden_layers: bool) -> None:
    """Check that what is meant for the output layer alone does not learn hidden layers.

    **Raises:** `ValueError` that names it.
    """
    if hidden_layers and optimizer.trunk.output_layer_alone:
        name = type(optimizer.trunk).__name__
        raise ValueError(
            f"{owner}: `optimizer` of hidden layers must not be {name}, which is meant for the "
            f"output layer alone: take Hybrid(trunk=LMS(...), head={name}(...))."
        )
