"""`alberta migrate`: a checkpoint of a learner as one with other inputs, heads or parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..checkpoints import CheckpointError
from ..components.component import component_from_config, from_config
from ..event_features import EventFeatures
from ..migration import Migration, migrate
from .catalogue import parsed
from .own_modules import import_own, with_own_modules
from .problems import Problem, UsageProblem, reason


def migrate_checkpoint(
    old: Path,
    new: Path,
    add_inputs: Sequence[str],
    drop_inputs: Sequence[str],
    add_heads: Sequence[str],
    drop_heads: Sequence[str],
    rename: Sequence[str],
    config: Path | None,
    drop_parts: Sequence[str],
    imports: Sequence[str],
) -> int:
    """Write the new checkpoint, and print what was kept, what is new and what was dropped, and what
    the daemon's configuration must say of it.

    **Raises:** `Problem` for what a user can mend.
    """
    for name in imports:
        import_own(name, "--import")
    given = {} if config is None else _given(config, imports)
    try:
        found = migrate(
            old,
            new,
            add_inputs=add_inputs,
            drop_inputs=drop_inputs,
            add_heads=dict(map(_with_model, add_heads)),
            drop_heads=drop_heads,
            rename=dict(map(_renaming, rename)),
            drop_parts=drop_parts,
            **given,
        )
    except FileNotFoundError as error:
        raise UsageProblem(f"no checkpoint was found at {old.absolute()}.") from error
    except FileExistsError as error:
        raise UsageProblem(f"{new} is there, or older files of it; choose a new one.") from error
    except OSError as error:
        raise Problem(f"cannot migrate {old} to {new}: {reason(error)}.") from error
    except (CheckpointError, KeyError, TypeError, ValueError) as error:
        told = str(error)
        if "`features` must be given" in told:
            told += " On the command line they are those of the new configuration: --config FILE."
        raise UsageProblem(f"cannot migrate {old}: {told}") from error
    print("\n".join(_told(old, found, "features" in given)))
    return 0


def _given(config: Path, imports: Sequence[str]) -> dict[str, Any]:
    """The new learner, and the features of events, as a daemon's configuration has them."""
    found = with_own_modules(parsed(config), str(config), config.parent, imports)
    if not isinstance(found.get("learner"), dict):
        raise UsageProblem(f"{config}: missing key 'learner'.")
    try:
        given: dict[str, Any] = {"learner": from_config(found["learner"])}
        if "features" in found:
            given["features"] = component_from_config(
                found["features"], (EventFeatures,), path="features"
            )
    except (TypeError, ValueError) as error:
        raise UsageProblem(f"{config}: {error}") from error
    return given


def _with_model(text: str) -> tuple[str, str | None]:
    name, equals, model = text.partition("=")
    return name, model if equals else None


def _renaming(text: str) -> tuple[str, str]:
    name, equals, new = text.partition("=")
    if not (name and equals and new):
        raise UsageProblem(f"--rename must be OLD=NEW, got {text!r}.")
    return name, new


def _told(old: Path, found: Migration, by_fields: bool) -> list[str]:
    lines = [f"{old} -> {found.path}"]
    for kind, count, added, dropped in (
        ("inputs", found.inputs, found.added_inputs, found.dropped_inputs),
        ("heads", found.heads, found.added_heads, found.dropped_heads),
    ):
        if count:
            lines.append(f"{kind}: {count - len(added)} kept{_named(new=added, dropped=dropped)}")
    parts = _named(new=found.new_parts, dropped=found.dropped_parts)
    lines.append(f"state: {len(found.kept)} leaves kept{parts}")
    return lines + _configuration(found, by_fields)


def _named(**groups: Sequence[str]) -> str:
    told = (f"{group}: {', '.join(names)}" for group, names in groups.items() if names)
    return "".join(f"; {one}" for one in told)


def _configuration(found: Migration, by_fields: bool) -> list[str]:
    """What the daemon's configuration must say from now on."""
    lines = [
        f"  learner.{path}: {new!r}, was {old!r}" for path, (old, new) in found.settings.items()
    ]
    if by_fields:
        lines.append("  features: as in the configuration that was given")
    elif found.feature_names is not None:
        lines.append(f"  feature_names: {found.feature_names}")
    elif found.added_inputs or found.dropped_inputs:
        lines.append(f"  feature_dim: {found.inputs}")
    if found.head_names is not None:
        lines.append(f"  head_names: {found.head_names}")
    return ["the daemon's configuration says:", *lines] if lines else []
