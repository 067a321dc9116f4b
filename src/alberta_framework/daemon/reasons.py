"""Why an event was rejected, for whoever reads its answer; found afterwards, as it is rare."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .actions import in_float32

_NOT_FINITE = "is no finite number of float32"


def reason_of(
    learner: Any,
    observation: np.ndarray,
    features: Sequence[str] | None,
    targets: np.ndarray | None,
    heads: Sequence[str] | None,
) -> str:
    """The reason for a learner's event; without `targets` it was predicted only."""
    wrong = _not_finite("observation", observation, features)
    if wrong is not None:
        return wrong
    if targets is None:
        return "the predictions are not finite"
    infinite = np.isinf(targets)
    if infinite.any():
        return f"{_called('targets', int(np.argmax(infinite)), heads)}: {_NOT_FINITE}"
    found = learner.disallowed(targets)
    if found is None:
        return "the learner's numbers would not be finite after it"
    field = "targets" if found.place is None else _called("targets", found.place, heads)
    return f"{field}: {found.text}"


def reason_of_action(
    observation: np.ndarray, features: Sequence[str] | None, reward: float | None
) -> str:
    """The reason for an agent's event."""
    wrong = _not_finite("observation", observation, features)
    if wrong is not None:
        return wrong
    if reward is not None and not np.isfinite(in_float32("reward", reward)):
        return f"reward: {_NOT_FINITE}"
    return "the agent's numbers would not be finite after it"


def _not_finite(field: str, row: np.ndarray, names: Sequence[str] | None) -> str | None:
    finite = np.isfinite(row)
    if finite.all():
        return None
    return f"{_called(field, int(np.argmin(finite)), names)}: {_NOT_FINITE}"


def _called(field: str, place: int, names: Sequence[str] | None) -> str:
    return f"{field}.{place if names is None else names[place]}"
