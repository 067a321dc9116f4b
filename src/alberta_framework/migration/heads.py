"""The heads of a migrated learner: which they are, and the learner that has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax

from ..learners import AbstractLearner, initial_state
from .ancestor import Ancestor, predictions_of
from .places import Places, chosen_places, require_known

# The heads to add, each with the one that it is like, if it was told.
Added = Mapping[str, str | None]


def heads_and_learner(
    old: Ancestor, add: Added, drop: Sequence[str], rename: Mapping[str, str]
) -> tuple[Places, Any]:
    """The places of the heads, and the learner that has them.

    **Raises:** `TypeError` for a learner that cannot have others; `ValueError` for names, and for a
    head of which it has to be told what it is like.
    """
    if not (add or drop or rename):
        return Places.unchanged(old.n_heads, old.head_names), old.learner
    _require_heads(old)
    heads = chosen_places("head", old.head_names, old.n_heads, list(add), drop, rename)
    own = old.head_names or [str(place) for place in range(old.n_heads)]
    like = dict.fromkeys(heads.added)
    for name, model in add.items():
        if model is not None:
            require_known("head", f"`add_heads[{name!r}]`", model, own)
            like[name] = own.index(model)
    kept = [place for place in heads.before if place is not None]
    return heads, _with_heads(old, [*kept, *like.values()], heads)


def heads_of(
    old: Ancestor,
    learner: Any,
    feature_dim: int,
    add: Added,
    drop: Sequence[str],
    rename: Mapping[str, str],
) -> Places:
    """The places of the heads of a new learner that is given.

    Demons tell by their names which they are, so that none has to be added by name.

    **Raises:** `ValueError` where the learner has not the heads that are kept, in their order, and
    then those that are added.
    """
    if any(model is not None for model in add.values()):
        raise ValueError("migrate: `add_heads` must be names alone; `learner` tells what they are.")
    demons = learner.demons if isinstance(learner, AbstractLearner) else ()
    names = [demon.name for demon in demons]
    if names and old.head_names == old.demon_names and not add:
        known = {rename.get(name, name) for name in old.head_names or () if name not in drop}
        add = dict.fromkeys(name for name in names if name not in known)
    if add or drop or rename:
        _require_heads(old)
        heads = chosen_places("head", old.head_names, old.n_heads, list(add), drop, rename)
    else:
        heads = Places.unchanged(old.n_heads, old.head_names)
    if names and old.head_names == old.demon_names and names != heads.names:
        raise ValueError(
            f"migrate: the demons of `learner` must be {heads.names}, those that are kept in their "
            f"order and then the new ones, got {names}; `drop_heads` and `rename` say what became "
            "of others."
        )
    template = eqx.filter_eval_shape(lambda: initial_state(learner, feature_dim, jax.random.key(0)))
    count = predictions_of(learner, template, feature_dim)
    if count != len(heads.before):
        raise ValueError(
            f"migrate: `learner` must have {len(heads.before)} heads, as many as are kept and "
            f"added, got {count}; name them in `add_heads` and `drop_heads`."
        )
    if heads.changes:
        # That those which are kept can be told apart in its state.
        _with_heads(old, [place or 0 for place in heads.before], heads)
    return heads


def _with_heads(old: Ancestor, places: Sequence[int | None], heads: Places) -> Any:
    """Demons have the names of the heads, unless the daemon has others."""
    names, own = None, old.demon_names
    if own is not None and own == old.head_names:
        names = heads.names
    elif own is not None:
        names = [own[place] for place in heads.before if place is not None] + list(heads.added)
    return old.learner.with_heads(places, names)


def _require_heads(old: Ancestor) -> None:
    if not old.n_heads:
        raise TypeError(
            f"migrate: a {type(old.learner).__name__} has no heads to add, drop or rename."
        )
