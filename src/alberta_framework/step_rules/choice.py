"""The rule that an agent's `optimizer` stands for."""

from typing import Any

import numpy as np

from ..components.numbers import is_traced
from ..optimizers import AbstractOptimizer, Hybrid, ObGD
from .abstract import AbstractStepRule
from .obgd import StreamObGD
from .per_tensor import PerTensor


def step_rule_of(owner: str, name: str, chosen: Any) -> AbstractStepRule:
    """A rule itself; of an optimizer or a `Hybrid` `PerTensor(optimizer)`; of `ObGD`, whose bound
    spans all tensors, `StreamObGD` with its numbers.

    **Raises:** `TypeError` that names the argument for anything else; `ValueError` for an `ObGD`
    with a trace of its own, since the agent says how traces decay.
    """
    if isinstance(chosen, AbstractStepRule):
        return chosen
    if isinstance(chosen, ObGD):
        for field in ("gamma", "lamda"):
            value = getattr(chosen, field)
            if not is_traced(value) and np.any(np.asarray(value) != 0.0):
                raise ValueError(
                    f"{owner}: `{name}.{field}` must be 0, for the agent says how traces decay, "
                    f"got {value}."
                )
        return StreamObGD(chosen.step_size, chosen.kappa)
    if isinstance(chosen, AbstractOptimizer | Hybrid):
        return PerTensor(chosen)
    raise TypeError(
        f"{owner}: `{name}` must be a step rule or an optimizer, got {type(chosen).__name__}."
    )
