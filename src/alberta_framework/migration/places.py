"""Which inputs, or heads, of a new learner are which of the old one."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple


class Places(NamedTuple):
    """For each input, or head, of the new learner the place it has in the old one; None for one
    that is new.

    `names`: those of the new ones, None if they are only numbered; `added` and `dropped` are told
    by name, or by number: in the new learner, and in the old one.
    """

    before: tuple[int | None, ...]
    count_before: int
    names: list[str] | None
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    @classmethod
    def unchanged(cls, count: int, names: Sequence[str] | None) -> "Places":
        """All as it was."""
        return cls(tuple(range(count)), count, None if names is None else list(names))

    @property
    def changes(self) -> bool:
        """Whether there are others, or in another order."""
        return self.before != tuple(range(self.count_before))

    @property
    def kept(self) -> tuple[list[int], list[int]]:
        """The new places of those that are kept, and their old ones."""
        pairs = [(new, old) for new, old in enumerate(self.before) if old is not None]
        return [new for new, _ in pairs], [old for _, old in pairs]

    def taken(self, values: Sequence[Any], new: Any) -> list[Any]:
        """One value for each of the old ones, as one for each of the new ones."""
        return [new if old is None else values[old] for old in self.before]


def chosen_places(
    kind: str,
    names: Sequence[str] | None,
    count: int,
    add: Sequence[str],
    drop: Collection[str],
    rename: Mapping[str, str],
) -> Places:
    """Those that are kept in their order, then the new ones.

    Without names they are called by their numbers, "0" and so on; a new one is called by the number
    that it gets.

    **Arguments:** `kind`: "input" or "head"; `names`: the old names; `count`: how many there are.

    **Raises:** `ValueError` for a name that is not there, or would be there twice, and where none
    is left.
    """
    own = [str(place) for place in range(count)] if names is None else list(names)
    for name in drop:
        require_known(kind, f"`drop_{kind}s`", name, own)
    if len(set(drop)) < len(drop) or len(set(add)) < len(add):
        raise ValueError(f"migrate: `add_{kind}s`, `drop_{kind}s` must hold each name once.")
    if "" in add or "" in rename.values():
        raise ValueError(f"migrate: a new {kind} must have a name, got ''.")
    require_not_both(drop, rename)
    if names is None and rename:
        raise ValueError(f"migrate: `rename` needs names, and the checkpoint has none of {kind}s.")
    kept = [place for place, name in enumerate(own) if name not in drop]
    if not kept:
        raise ValueError(f"migrate: `drop_{kind}s` must leave one {kind} at least.")
    before = (*kept, *(None for _ in add))
    if names is None:
        wanted = [str(len(kept) + i) for i in range(len(add))]
        if list(add) != wanted:
            raise ValueError(
                f"migrate: `add_{kind}s` must be {wanted}, the numbers that they get, for the "
                f"checkpoint has no names of {kind}s; got {list(add)}."
            )
        return Places(before, count, None, tuple(add), tuple(drop))
    told = [rename.get(own[place], own[place]) for place in kept] + list(add)
    twice = next((name for name in told if told.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"migrate: two {kind}s would have the name {twice!r}.")
    return Places(before, count, told, tuple(add), tuple(drop))


def require_known(kind: str, argument: str, name: str, known: Sequence[str]) -> None:
    """**Raises:** `ValueError` where no `kind` has that name."""
    if name in known:
        return
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(map(repr, known[:20])) + (", ..." if len(known) > 20 else "")
    raise ValueError(
        f"migrate: {argument} has {name!r}, which is no {kind} of the checkpoint.{hint} They are "
        f"{shown}."
    )


def require_not_both(drop: Collection[str], rename: Mapping[str, str]) -> None:
    """**Raises:** `ValueError` for a name that is dropped and renamed."""
    for name in drop:
        if name in rename:
            raise ValueError(f"migrate: {name!r} is dropped and renamed.")
