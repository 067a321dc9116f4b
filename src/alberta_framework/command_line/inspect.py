"""`alberta inspect`: what a checkpoint holds, without the program that wrote it."""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ..checkpoints import CheckpointError, checkpoint_header, load_agent, verify_checkpoint
from ..components.strict_json import in_words
from ..daemon.report import plain, relevance
from ..learners import AbstractLearnerState, agent_age_s, agent_uptime_s, living
from .own_modules import import_own
from .problems import Problem, reason

_SHOWN_FEATURES = 20


def inspect(path: Path, as_json: bool, imports: Sequence[str] = ()) -> int:
    """Print metadata, configuration, counts and relevance.

    **Raises:** `Problem` if the checkpoint cannot be read.
    """
    for name in imports:
        import_own(name, "--import")
    try:
        header = checkpoint_header(path)
        found = _described(path, header)
    except FileNotFoundError as error:
        raise Problem(f"no checkpoint was found at {str(path.absolute())!r}.") from error
    except OSError as error:
        raise Problem(f"cannot read {str(path)!r}: {reason(error)}.") from error
    except CheckpointError as error:
        raise Problem(str(error)) from error
    if as_json:
        print(json.dumps(found, indent=2, allow_nan=False))
    else:
        _print(found)
    return 0


def _described(path: Path, header: dict[str, Any]) -> dict[str, Any]:
    created = datetime.datetime.fromtimestamp(header["created_unix"], datetime.UTC)
    found: dict[str, Any] = {
        "path": str(path),
        "created": created.isoformat(timespec="seconds"),
        "versions": header["versions"],
        "metadata": in_words(_without_windows(header["metadata"])),
        "learner": in_words(header["learner"]),
        "leaves": len(header["leaves"]),
    }
    if header["learner"] is None:
        return plain(found)
    verify_checkpoint(path)
    try:
        learner, state, _ = load_agent(path)
    except CheckpointError as error:
        # A class of one's own is known only to the program that defines it.
        found["state"] = f"not read: {error.reason}"
        return plain(found)
    if isinstance(living(state), AbstractLearnerState):
        found["counts"] = {
            "step_count": _listed(state.step_count),
            "rejected_count": _listed(state.rejected_count),
            "age_s": _listed(agent_age_s(state)),
            "uptime_s": _listed(agent_uptime_s(state)),
        }
    about = header["metadata"].get("daemon", {})
    names = about.get("feature_names"), about.get("head_names")
    if not header["init"]["batch_shape"] and hasattr(learner, "predict"):
        found["relevance"] = relevance(learner, state, *names)
    return plain(found)


def _without_windows(metadata: dict[str, Any]) -> dict[str, Any]:
    """Of the events that wait for labels how many there are, of each client."""
    about = metadata.get("daemon")
    if not isinstance(about, dict) or not about.get("label_windows"):
        return metadata
    counts = {client: found["count"] for client, found in about["label_windows"].items()}
    return metadata | {"daemon": about | {"label_windows": counts}}


def _listed(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value


def _print(found: dict[str, Any]) -> None:
    console = Console(markup=False, highlight=False, soft_wrap=True)
    console.print(f"{found['path']}, saved {found['created']}, {found['leaves']} leaves")
    versions = ", ".join(f"{name} {value}" for name, value in found["versions"].items())
    console.print(versions)
    for part in ("metadata", "learner", "counts", "state"):
        if found.get(part):
            console.print(f"\n{part}")
            console.print(json.dumps(found[part], indent=2))
    for table in _relevance_tables(found.get("relevance")):
        console.print(table)


def _relevance_tables(relevance: dict[str, Any] | None) -> list[Table]:
    """The features by weight, the heaviest first; a column for each head."""
    if relevance is None:
        return []
    heads = relevance.get("per_head", {"": relevance})
    weights = {head: entry["weight_relevance"] for head, entry in heads.items()}
    features = next(iter(weights.values()))
    total = {name: sum(column[name] or 0.0 for column in weights.values()) for name in features}
    shown = sorted(total, key=lambda name: -total[name])[:_SHOWN_FEATURES]
    title = f"Weight relevance, {len(shown)} of {len(features)} features"
    table = Table(title=title, title_justify="left")
    table.add_column("Feature")
    for head in weights:
        table.add_column(head or "weight", justify="right")
    for name in shown:
        table.add_row(name, *(f"{column[name]:.3g}" for column in weights.values()))
    return [table]
