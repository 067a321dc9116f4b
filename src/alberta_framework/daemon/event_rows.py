"""Events of named fields in a daemon: the features that are made of them."""

import datetime
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ..checkpoints.meaning import difference
from ..event_features import EventFeatures, EventFeaturesState

# What stands in a recording for a time of NumPy, which may be finer than a text says to Python.
_DATETIME64 = "datetime64"
# And for a number that JSON does not know.
_FLOAT = "float"


class EventRow(NamedTuple):
    """The features of an event as they were when it came, to be learned from later.

    `event`: its fields, by which the state of the features moves on when it is learned from; None
    if it has moved on already.
    """

    features: Float[np.ndarray, " features"]
    event: Mapping[str, Any] | None


def feature_dim_of(feature_dim: int | None, features: EventFeatures | None) -> int | None:
    """How long an observation is, as is said or as the features say.

    **Raises:** `TypeError` for no `EventFeatures`; `ValueError` if the two differ.
    """
    if features is None:
        return feature_dim
    if not isinstance(features, EventFeatures):
        raise TypeError(f"Daemon: `features` must be an EventFeatures, got {features!r}.")
    if feature_dim not in (None, features.feature_dim):
        raise ValueError(
            f"Daemon: `feature_dim` must be {features.feature_dim}, as many as `features` makes, "
            f"got {feature_dim}."
        )
    return features.feature_dim


def names_of(features: EventFeatures | None, given: Any) -> Any:
    """The names that were given, or else those of the features.

    **Raises:** `ValueError` if the two differ.
    """
    if features is None or given is None:
        return given if features is None else features.feature_names
    if list(given) != features.feature_names:
        raise ValueError(
            f"Daemon: `feature_names` must be those of `features`, {features.feature_names}, got "
            f"{list(given)}."
        )
    return given


def stored_features(
    features: EventFeatures | None, state: EventFeaturesState | None
) -> dict[str, Any] | None:
    """The features and their state as JSON values for the checkpoint."""
    if features is None or state is None:
        return None
    return {"config": features.to_config(), "state": features.stored(state)}


def resumed_features(
    features: EventFeatures | None, kept: dict[str, Any] | None
) -> tuple[EventFeatures | None, EventFeaturesState | None]:
    """The features given, or else those of the checkpoint, and their state.

    **Raises:** `ValueError` for fields that make other numbers than those of the checkpoint.
    """
    if kept is None:
        return features, None if features is None else features.init()
    if features is None:
        features = EventFeatures.from_config(kept["config"])
    theirs = EventFeatures.from_config(kept["config"]).fields
    told = difference(theirs, features.fields, "features.fields")
    if told is not None:
        raise ValueError(
            f"Daemon: {told}; the weights of the checkpoint belong to its fields, in their order."
        )
    return features, features.restored(kept["state"])


def recorded_fields(features: EventFeatures, event: Mapping[str, Any]) -> str:
    """The fields of an event as JSON, of which `event_recorded` makes what moves the features on by
    the same bits. Of fields that nobody declared only their names do.

    **Raises:** `TypeError`, `ValueError` for a value that JSON cannot say.
    """
    declared = {field.name for field in features.fields}
    told = {
        str(name): _in_json(value) if name in declared else None for name, value in event.items()
    }
    return json.dumps(told, allow_nan=False, separators=(",", ":"), default=_said)


def event_recorded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The event that `recorded_fields` tells of."""
    return {name: _meant(value) for name, value in fields.items()}


def _in_json(value: Any) -> Any:
    special = isinstance(value, float | np.floating) and not np.isfinite(value)
    return {_FLOAT: str(float(value))} if special else value


def _said(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        return {_DATETIME64: str(value)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} cannot be recorded")


def _meant(value: Any) -> Any:
    if isinstance(value, dict) and list(value) == [_DATETIME64]:
        return np.datetime64(value[_DATETIME64])
    if isinstance(value, dict) and list(value) == [_FLOAT]:
        return float(value[_FLOAT])
    return value
