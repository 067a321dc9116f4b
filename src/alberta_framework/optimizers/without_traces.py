"""Optimizers that take no eligibility traces."""

from typing import Any

import numpy as np

from ..components.numbers import is_traced


def require_no_traces(owner: str, optimizer: Any, told: str, *factors: Any) -> None:
    """Check that an optimizer or a step rule that takes no traces is given none.

    **Arguments:** `told`: what the product of `factors` is, by which traces decay: one of them must
    be 0. What is being traced by JAX may be any number.

    **Raises:** `ValueError` that names the optimizer.
    """
    may_differ = [is_traced(n) or bool(np.any(np.asarray(n, np.float64) != 0.0)) for n in factors]
    if optimizer.takes_traces or not all(may_differ):
        return
    raise ValueError(
        f"{owner}: `{told}` must be 0 with {optimizer!r}, which takes no eligibility traces: it "
        "differentiates what one step does to the weights, and of steps along traces no such form "
        f"is known. Got {' and '.join(map(str, factors))}."
    )
