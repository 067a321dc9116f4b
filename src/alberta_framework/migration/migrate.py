"""`migrate`: a checkpoint of a learner, as one of a learner with other inputs, heads or parts."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
from jaxtyping import PRNGKeyArray

from ..checkpoints import list_checkpoints, save_agent
from ..components.component import AbstractComponent
from ..components.ranges import require_key
from ..daemon.migrating import migrated
from ..event_features import EventFeatures
from ..learners import initial_state
from .ancestor import Ancestor
from .fields import migrated_fields
from .heads import heads_and_learner, heads_of
from .placement import Placed, placed
from .places import Places, chosen_places

# What the descendant of a checkpoint tells of how it came to be.
_RECORDED = (
    "added_inputs",
    "dropped_inputs",
    "added_heads",
    "dropped_heads",
    "new_parts",
    "dropped_parts",
)


class Migration(NamedTuple):
    """What became of a checkpoint.

    - `path`: the new one.
    - `inputs`, `heads`: how many there are now, and `feature_names`, `head_names`: what they are
      called; None for numbers.
    - `added_inputs`, `dropped_inputs`, `added_heads`, `dropped_heads`: by name.
    - `kept`: the paths of the leaves of the state that hold what was learned.
    - `new_parts`, `dropped_parts`: the parts of the state that begin anew, and those that are gone.
    - `settings`: what differs in the configuration of the learner: the path, the old value, the new
      one; None where there is none.
    """

    path: Path
    inputs: int
    heads: int
    feature_names: list[str] | None
    head_names: list[str] | None
    added_inputs: tuple[str, ...]
    dropped_inputs: tuple[str, ...]
    added_heads: tuple[str, ...]
    dropped_heads: tuple[str, ...]
    kept: tuple[str, ...]
    new_parts: tuple[str, ...]
    dropped_parts: tuple[str, ...]
    settings: dict[str, tuple[Any, Any]]


def migrate(
    checkpoint: str | os.PathLike,
    to: str | os.PathLike,
    *,
    add_inputs: Sequence[str] = (),
    drop_inputs: Sequence[str] = (),
    add_heads: Sequence[str] | Mapping[str, str | None] = (),
    drop_heads: Sequence[str] = (),
    rename: Mapping[str, str] | None = None,
    learner: Any = None,
    features: EventFeatures | None = None,
    drop_parts: Sequence[str] = (),
    key: PRNGKeyArray | None = None,
) -> Migration:
    r"""Give a learner that lives other inputs, heads or parts, and keep what it learned.

    The new learner begins as its `init` makes it; then every number of the old state takes its
    place there: of an input that is kept its weights, step sizes, traces and statistics, of a head
    that is kept likewise, and all that belongs to neither, as counts and the birth. New inputs come
    after those that are kept, and so do new heads; they have the initial step sizes, and the
    weights that the initializer draws. The old checkpoint is only read.

    While a new input is 0, predictions are what they were, for products that are 0 are added to
    them: bit for bit where the sums are exact in float32. Where they are not, XLA may add the same
    products in another order for another number of inputs, and then the last bits differ, as they
    do between any two orders; at most sizes it does not. Once something is learned the two differ
    more, also while the new input is 0, where a bound or a mean is of all inputs. Of a softmax a
    new class takes a share of the others' probability at once.

    The new inputs of a normalizer begin with mean 0 and variance 1, and the count of the others:
    `EMANormalizer` soon forgets that, and `WelfordNormalizer` with a `memory`; without one it takes
    as many samples as it has seen. A `clip` bounds what comes of it.

    What a `Daemon` told in the checkpoint goes on: names, losses, its last observation, with 0 in
    the new inputs. So does all other metadata. `metadata["migrated_from"]` of the new one tells of
    its ancestor: the name of the file, `payload_sha256`, `created_unix`, its `steps`, what was
    changed, and its own ancestor.

    **Arguments:**

    - `checkpoint`, `to`: the old file, and the new one, which must not be there.
    - `add_inputs`, `drop_inputs`: by the names that the daemon has of them; without names by their
      numbers, `"0"` and so on, a new one by the number it gets.
    - `add_heads`, `drop_heads`: likewise; demons go by their names. Where heads have settings of
      their own, as the discount of a demon, or a loss for each: `{new: old}`, the head that it is
      like.
    - `rename`: old names and new ones, of inputs and heads; `"input:load"` and `"head:load"` where
      both have a "load".
    - `learner`: the new learner, if more is to differ than the inputs and heads: other settings, a
      monitor, another optimizer. What has the same path in the state, and the same class, is kept;
      other parts begin anew, as `new_parts` tells.
    - `features`: the fields of events from now on, where the daemon has `features`. Fields that are
      kept must be as they were, wherever they stand; `drop_inputs` and `rename` take the names of
      fields.
    - `drop_parts`: paths of parts of the state that are to go because the new `learner` has none of
      that class, as `"optimizer_state"`.
    - `key`: for the initial weights; default `jax.random.key(0)`.

    **Raises:** `FileNotFoundError`, `CheckpointError` for the old file; `FileExistsError` for the
    new one; `ValueError` for names that are not there or would be there twice, for something that
    would be lost and was not dropped, and for a learner whose state cannot be told apart by inputs
    or heads, naming the leaf; `TypeError` for a learner that has no heads to add or drop. Nothing
    is written then.

    ```python
    af.migrate("agent.ckpt", "agent-2.ckpt", add_inputs=["wind"], drop_heads=["latency"])
    ```
    """
    for argument, given in (
        ("add_inputs", add_inputs),
        ("drop_inputs", drop_inputs),
        ("add_heads", add_heads),
        ("drop_heads", drop_heads),
        ("drop_parts", drop_parts),
    ):
        if isinstance(given, str) or not all(isinstance(name, str) for name in given):
            raise TypeError(f"migrate: `{argument}` must be a list of texts, got {given!r}.")
    target = _new_file(to)
    key = jax.random.key(0) if key is None else require_key("migrate", key)
    old = Ancestor(checkpoint)
    of_inputs, of_heads = _renamed(old, rename or {}, features)
    inputs, events = _inputs(old, add_inputs, drop_inputs, of_inputs, features)
    added = add_heads if isinstance(add_heads, Mapping) else dict.fromkeys(add_heads)
    if learner is None:
        heads, made = heads_and_learner(old, added, drop_heads, of_heads)
    else:
        _require_component(learner)
        made = learner
        heads = heads_of(old, made, len(inputs.before), added, drop_heads, of_heads)
    axes = [(inputs, old.input_axes(inputs)), (heads, old.head_axes(heads))]
    fresh = initial_state(made, len(inputs.before), key)
    found = placed(old.state, fresh, axes)
    _require_dropped(found, drop_parts, old.state, fresh)
    migration = Migration(
        path=target,
        inputs=len(inputs.before),
        heads=len(heads.before),
        feature_names=inputs.names,
        head_names=heads.names,
        added_inputs=inputs.added,
        dropped_inputs=inputs.dropped,
        added_heads=heads.added,
        dropped_heads=heads.dropped,
        kept=found.kept,
        new_parts=found.new,
        dropped_parts=found.dropped,
        settings=_differences(old.learner.to_config(), made.to_config()),
    )
    changes: dict[str, Any] = {name: list(getattr(migration, name)) for name in _RECORDED}
    changes |= {"renamed_inputs": dict(of_inputs), "renamed_heads": dict(of_heads)}
    metadata = old.metadata | old.record(changes)
    if old.about is not None:
        metadata["daemon"] = migrated(
            old.about,
            type(made).__name__,
            inputs.taken,
            heads.taken,
            inputs.names,
            None if old.about.get("head_names") is None else heads.names,
            events,
        )
    save_agent(made, found.state, target, metadata)
    return migration


def _new_file(to: str | os.PathLike) -> Path:
    target = Path(to)
    for there in (target, *list_checkpoints(target)):
        if os.path.lexists(there):
            raise FileExistsError(f"migrate: `to` must be a new file; {there} is there.")
    return target


def _require_component(learner: Any) -> None:
    if not isinstance(learner, AbstractComponent):
        raise TypeError(f"migrate: `learner` must be a learner or an agent, got {learner!r}.")


def _renamed(
    old: Ancestor, rename: Mapping[str, str], features: EventFeatures | None
) -> tuple[dict[str, str], dict[str, str]]:
    """The new names of inputs, or of the fields that make them, and those of heads."""
    if features is not None:
        inputs = [field["name"] for field in old.features["config"]["fields"]]
    else:
        inputs = old.input_names or []
    known = {"input": inputs, "head": old.head_names or []}
    found: dict[str, dict[str, str]] = {"input": {}, "head": {}}
    for name, new in rename.items():
        if not isinstance(name, str) or not isinstance(new, str):
            raise TypeError(f"migrate: `rename` must map texts to texts, got {name!r}: {new!r}.")
        kinds = [(kind, name) for kind, names in known.items() if name in names]
        if not kinds:
            kind, colon, own = name.partition(":")
            kinds = [(kind, own)] if colon and own in known.get(kind, ()) else []
        if len(kinds) != 1:
            why = "is no input and no head" if not kinds else "is an input and a head"
            way = "" if not kinds else f"; say 'input:{name}' or 'head:{name}'"
            raise ValueError(f"migrate: `rename` has {name!r}, which {why} of the checkpoint{way}.")
        kind, own = kinds[0]
        found[kind][own] = new
    return found["input"], found["head"]


def _inputs(
    old: Ancestor,
    add: Sequence[str],
    drop: Sequence[str],
    rename: Mapping[str, str],
    features: EventFeatures | None,
) -> tuple[Places, tuple[EventFeatures, Any] | None]:
    """The places of the inputs; and the features of events, and their state, if they make them."""
    if features is not None:
        if add:
            raise ValueError(
                f"migrate: `add_inputs` must be none, for `features` makes them, got {list(add)}."
            )
        places, state = migrated_fields(old.features, features, drop, rename)
        return places, (features, state)
    if not (add or drop or rename):
        places = Places.unchanged(old.feature_dim, old.input_names)
        return places, old.unchanged_features
    if old.has_features:
        raise ValueError(
            "migrate: `features` must be given, for the daemon of the checkpoint makes its inputs "
            "of the fields of events; its other fields say what is added."
        )
    return chosen_places("input", old.input_names, old.feature_dim, add, drop, rename), None


def _require_dropped(found: Placed, drop: Sequence[str], old: Any, new: Any) -> None:
    """Check that what is lost is what was to be dropped."""
    if "" in found.dropped:
        raise ValueError(
            f"migrate: `learner` must have the state of the checkpoint's, a {type(old).__name__}; "
            f"it has a {type(new).__name__}."
        )
    parts = [part.lstrip(".") for part in found.dropped]
    for part in parts:
        if part not in drop:
            raise ValueError(
                f"migrate: `learner` has no place for {part} of the checkpoint; name it in "
                f"`drop_parts` if it is to go. It has none for {', '.join(parts)}."
            )
    for part in drop:
        if part not in parts:
            told = ", ".join(parts) or "nothing"
            raise ValueError(f"migrate: `drop_parts` has {part!r}; what would go is {told}.")


def _differences(old: Any, new: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Where two configurations differ: the deepest paths at which both have something, or the
    first at which one has nothing."""
    both = isinstance(old, Mapping) and isinstance(new, Mapping)
    if not both or old.get("type") != new.get("type"):
        return {} if old == new else {path: (old, new)}
    found = {}
    for name in dict.fromkeys([*old, *new]):
        inner = f"{path}.{name}" if path else name
        found |= _differences(old.get(name), new.get(name), inner)
    return found
