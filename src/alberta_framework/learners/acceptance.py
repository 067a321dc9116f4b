"""Acceptance: a step that would put what is no number into a state is rejected, in one place."""

import functools as ft
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from ..components.numbers import all_finite
from .lifetime import AbstractLearnerState

Result = TypeVar("Result")
State = TypeVar("State", bound=AbstractLearnerState)


class Candidate(NamedTuple, Generic[Result]):
    """What a step would give, and what has to be so for it to count.

    **Arguments:** `result`: a Module with fields `state` and `rejected`, as if all was well, its
    `rejected` anything; `witnesses`: a tree whose floats have to be finite; `acceptable`: what else
    has to hold.
    """

    result: Result
    witnesses: Any
    acceptable: Any = True


def guarded(update: Callable[..., Candidate[Result]]) -> Callable[..., Result]:
    """Method decorator of an `update(self, state, ...)` that gives a `Candidate`: it becomes one
    that gives its result, or for a step that is rejected the old state with one more rejected step,
    and NaN for every other float.
    """

    # What comes back is the result, for those who check annotations.
    (update.__annotations__["return"],) = update.__annotations__["return"].__args__

    @ft.wraps(update)
    def judged(self, state, *args, **kwargs):
        return concluded(state, update(self, state, *args, **kwargs))

    return judged


def concluded(state: Any, candidate: Candidate[Result]) -> Result:
    """The result of a step from `state` if it is accepted; else that of a rejected one."""
    result: Any = candidate.result
    accepted = all_finite(candidate.witnesses) & candidate.acceptable
    outputs = eqx.tree_at(lambda r: (r.state, r.rejected), result, replace=(None, None))
    outputs = nan_unless(accepted, outputs)
    after = accepted_or_unchanged(accepted, result.state, state)
    return eqx.tree_at(
        lambda r: (r.state, r.rejected),
        outputs,
        replace=(after, ~accepted),
        is_leaf=lambda leaf: leaf is None,
    )


def accepted_or_unchanged(accepted: Bool[Array, ""], candidate: State, state: State) -> State:
    """The candidate state if `accepted`, else `state` as it was; either way its life goes on.

    A branch costs a step less than a choice for each number: one of the two states is passed on.
    """
    chosen = jax.lax.cond(accepted, lambda: candidate, lambda: state)
    return eqx.tree_at(lambda s: s.life, chosen, state.life.advance(accepted))


def nan_unless(accepted: Bool[Array, ""], outputs: Any) -> Any:
    """The outputs of an accepted step; NaN for a rejected one."""
    return jax.tree.map(lambda value: jnp.where(accepted, value, jnp.nan), outputs)
