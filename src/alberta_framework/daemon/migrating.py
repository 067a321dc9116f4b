"""What a daemon told in a checkpoint, for a learner of other inputs and heads."""

from collections.abc import Mapping
from typing import Any

from ..event_features import EventFeatures
from .event_rows import stored_features
from .label_window import Taken, migrated_windows
from .losses import migrated_losses


def migrated(
    about: Mapping[str, Any],
    name: str,
    inputs: Taken,
    heads: Taken,
    input_names: list[str] | None,
    head_names: list[str] | None,
    features: tuple[EventFeatures, Any] | None,
) -> dict[str, Any]:
    """What a daemon of the new learner finds in its checkpoint; all else goes on as it was.

    **Arguments:** `about`: what the daemon of the old one told; `name`: of the new learner's class;
    `inputs`, `heads`: what they are taken by; `features`: those of the new events, and their state.
    """
    last, losses = about.get("last_observation"), about.get("losses")
    told = {**about, "learner": name, "feature_names": input_names, "head_names": head_names}
    if last is not None:
        told["last_observation"] = inputs(last, 0.0)
    if losses is not None:
        told["losses"] = migrated_losses(losses, heads)
    same_fields = features is None or (
        (about.get("features") or {}).get("config") == features[0].to_config()
    )
    windows = about.get("label_windows")
    told["label_windows"] = migrated_windows(windows, inputs, heads, same_fields)
    if features is not None:
        told["features"] = stored_features(*features)
    return told
