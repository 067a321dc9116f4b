"""Acceptance: a step that would put what is no number into a state is rejected, in one place."""

import functools as ft
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ..components.answers import require_like, require_pair, require_parts
from ..components.numbers import all_finite
from .lifetime import AbstractLearnerState

_RESULT = "object with a `state` and `rejected`, or a pair of state and outputs"
Result = TypeVar("Result")
State = TypeVar("State", bound=AbstractLearnerState)


class Candidate(NamedTuple, Generic[Result]):
    """What a step would give, and what has to be so for it to count.

    **Arguments:** `result`: as if all was well, a Module with fields `state` and `rejected` (whose
    value is filled in), or a pair of state and outputs; the state has a `life`, as it was;
    `witnesses`: a tree whose floats have to be finite, and below 2^123; `acceptable`: what else has
    to hold; `late`: of fields of the state that are too large to be held twice until the verdict is
    there, what makes each of the verdict, choosing every number where it stands.
    """

    result: Result
    witnesses: Any
    acceptable: Any = True
    late: Mapping[str, Callable[[Bool[Array, ""]], Any]] = MappingProxyType({})


def guarded(step: Callable[..., Candidate[Result]]) -> Callable[..., Result]:
    """Method decorator of an `update(self, state, ...)` or `learn(self, state, experience)` that
    gives a `Candidate`.

    What comes back is its result with one more step counted; or, where the step is rejected, the
    old state with one more rejected step, and NaN for every other float.
    """
    told = step.__annotations__.get("return")
    if told is not None:  # for those who check annotations
        (step.__annotations__["return"],) = told.__args__

    @ft.wraps(step)
    def judged(self, state, *args, **kwargs):
        who = f"{type(self).__name__}: `{step.__name__}`"
        return concluded(state, _looked_at(who, state, step(self, state, *args, **kwargs)))

    return judged


def _looked_at(who: str, state: Any, found: Any) -> Candidate:
    """What a guarded step gave, if it is what is to be judged.

    **Raises:** `TypeError` naming the class and the method.
    """
    if not isinstance(found, Candidate):
        raise TypeError(f"{who} is `guarded`, so it must return a `Candidate`, got {found!r:.200}.")
    after = found.result
    if isinstance(after, tuple):
        require_pair(f"{who}: the `Candidate`", after, "outputs")
        after = after[0]
    else:
        require_parts(f"{who}: the `Candidate`", after, ("state", "rejected"), _RESULT)
        after = after.state
    if not found.late:
        require_like(who, state, after)
    return found


def concluded(state: Any, candidate: Candidate[Result]) -> Result:
    """The result of a step from `state` if it is accepted; else that of a rejected one."""
    result: Any = candidate.result
    accepted = all_finite(candidate.witnesses) & candidate.acceptable
    if isinstance(result, tuple):
        after, outputs = result
        found: Any = (_judged(accepted, after, state, candidate), nan_unless(accepted, outputs))
        return found
    outputs = eqx.tree_at(lambda r: (r.state, r.rejected), result, replace=(None, None))
    after = _judged(accepted, result.state, state, candidate)
    return eqx.tree_at(
        lambda r: (r.state, r.rejected),
        nan_unless(accepted, outputs),
        replace=(after, ~accepted),
        is_leaf=lambda leaf: leaf is None,
    )


def _judged(accepted: Any, after: Any, state: Any, candidate: Candidate) -> Any:
    """One of the two states, its late fields apart."""
    late = {name: make(accepted) for name, make in candidate.late.items()}
    if not late:
        return accepted_or_unchanged(accepted, after, state)
    none = dict.fromkeys(late)
    after = accepted_or_unchanged(accepted, after.replace(**none), state.replace(**none))
    return after.replace(**late)


def accepted_or_unchanged(accepted: Bool[Array, ""], candidate: State, state: State) -> State:
    """The candidate state if `accepted`, else `state` as it was; either way its life goes on.

    A branch costs a step less than a choice for each number: one of the two states is passed on.
    """
    chosen = jax.lax.cond(accepted, lambda: candidate, lambda: state)
    return eqx.tree_at(lambda s: s.life, chosen, state.life.advance(accepted))


def nan_unless(accepted: Bool[Array, ""], outputs: Any) -> Any:
    """The outputs of an accepted step; of a rejected one NaN for every float."""

    def judged(value):
        array = jnp.asarray(value)
        floats = jnp.issubdtype(array.dtype, jnp.floating)
        return jnp.where(accepted, array, jnp.nan) if floats else array

    return jax.tree.map(judged, outputs)
