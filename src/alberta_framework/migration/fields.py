"""Events of other fields: which inputs they make, and what their fields carry on."""

from collections.abc import Collection, Mapping
from typing import Any

from ..checkpoints.meaning import difference
from ..components.component import from_config
from ..event_features import AbstractEventField, EventFeatures, EventFeaturesState
from .places import Places, require_known, require_not_both


def migrated_fields(
    stored: Mapping[str, Any],
    features: EventFeatures,
    drop: Collection[str],
    rename: Mapping[str, str],
) -> tuple[Places, EventFeaturesState]:
    """The places of the inputs that `features` makes, and its state: a field that was there goes on
    with what it knows, a new one begins.

    **Arguments:** `stored`: the old features and their state, as a daemon stores them; `drop`,
    `rename`: names of old fields.

    **Raises:** `ValueError` for a field that is gone and was not dropped, one that is other than it
    was, and a name that is not there.
    """
    old = EventFeatures.from_config(stored["config"])
    before = old.restored(stored["state"])
    names = [field.name for field in old.fields]
    for argument, given in (("`drop_inputs`", drop), ("`rename`", rename)):
        for name in given:
            require_known("field", argument, name, names)
    require_not_both(drop, rename)
    kept = {rename.get(name, name): place for place, name in enumerate(names) if name not in drop}
    fresh, sources = features.init(), []
    for field in features.fields:
        place = kept.pop(field.name, None)
        if place is not None:
            _require_same(old.fields[place], field)
        sources.append(place)
    if kept:
        gone = names[next(iter(kept.values()))]
        raise ValueError(
            f"migrate: `features` has no field for {gone!r} of the checkpoint; name it in "
            "`drop_inputs` if what was learned of it is to go, or in `rename`."
        )
    first = _first_inputs(old)
    inputs, added = [], []
    for field, place in zip(features.fields, sources, strict=True):
        made = _names(field)
        added += made if place is None else []
        inputs += [None if place is None else first[place] + i for i in range(len(made))]
    state = before._replace(
        fields=tuple(
            own if place is None else before.fields[place]
            for own, place in zip(fresh.fields, sources, strict=True)
        ),
        missing=tuple(0 if place is None else before.missing[place] for place in sources),
    )
    dropped = [name for f in old.fields if f.name in drop for name in _names(f)]
    count = old.feature_dim
    return Places(tuple(inputs), count, features.feature_names, tuple(added), tuple(dropped)), state


def _require_same(old: AbstractEventField, new: AbstractEventField) -> None:
    """A field that makes other numbers than it did is another field."""
    renamed = from_config(new.to_config() | {"name": old.name})
    if difference(old, renamed) is not None:
        raise ValueError(
            f"migrate: the field {new.name!r} of `features` must be as it was, {old!r}, got "
            f"{new!r}; what was learned of it belongs to the numbers that it made. Drop it, and "
            "add the other under a new name."
        )


def _names(field: AbstractEventField) -> list[str]:
    return EventFeatures((field,)).feature_names


def _first_inputs(features: EventFeatures) -> list[int]:
    """The place of the first input of each field."""
    starts, start = [], 0
    for field in features.fields:
        starts.append(start)
        start += len(_names(field))
    return starts
