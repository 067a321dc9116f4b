"""The life of a learner: exact counts, birth and uptime, and the step that is rejected."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, UInt32

from ..components.counter import advanced, count_from, words_from
from ..components.numbers import is_traced
from ..components.state import AbstractState, HostNumber

_STEPS, _BIRTH, _UPTIME, _REJECTED, _REJECTED_IN_A_ROW = _ROWS = range(5)
_MICROSECONDS = 1e6


class Lifecycle(AbstractState):
    """Steps, birth, uptime and rejected steps as 64-bit integers, exact for years.

    One leaf, since each leaf of a state costs a dispatched update one to two microseconds: rows
    steps, birth (microseconds since the Unix epoch), uptime (microseconds), rejected steps,
    rejected steps since the last that was accepted; each row holds the high and the low 32 bits.
    """

    words: UInt32[Array, "5 2"]

    rows: ClassVar[int] = len(_ROWS)

    @classmethod
    def begin(cls) -> "Lifecycle":
        """Born now. Inside compiled code, take one as an argument instead of reading a clock."""
        words = np.zeros((cls.rows, 2), np.uint32)
        words[_BIRTH] = words_from(time.time_ns() // 1000)
        return cls(jnp.asarray(words))

    @property
    def steps(self) -> UInt32[Array, "2"]:
        return self.words[..., _STEPS, :]

    @property
    def birth_us(self) -> UInt32[Array, "2"]:
        return self.words[..., _BIRTH, :]

    @property
    def uptime_us(self) -> UInt32[Array, "2"]:
        return self.words[..., _UPTIME, :]

    @property
    def rejected(self) -> UInt32[Array, "2"]:
        return self.words[..., _REJECTED, :]

    @property
    def rejected_in_a_row(self) -> UInt32[Array, "2"]:
        return self.words[..., _REJECTED_IN_A_ROW, :]

    def advance(self, accepted: Bool[Array, ""]) -> "Lifecycle":
        """One more step, or one more rejected step."""
        accepted = jnp.asarray(accepted)
        nothing = jnp.zeros_like(accepted)
        by = jnp.stack([accepted, nothing, nothing, ~accepted, ~accepted], -1)
        ended = jnp.stack([nothing, nothing, nothing, nothing, accepted], -1)
        return Lifecycle(jnp.where(ended[..., None], jnp.uint32(0), advanced(self.words, by)))

    def lived(self, seconds: float) -> "Lifecycle":
        """`seconds` more of uptime; host side, between compiled calls."""
        words = np.array(jax.device_get(self.words))
        uptime = count_from(words[..., _UPTIME, :]) + round(seconds * _MICROSECONDS)
        words[..., _UPTIME, :] = words_from(uptime)
        return Lifecycle(jnp.asarray(words))


class _LifeNumber(HostNumber):
    """A row of `state.life.words` as a Python number: a count, or microseconds as seconds."""

    field = "life"

    def __init__(self, row: int, unit: float | None = None):
        self.row, self.unit = row, unit

    def read(self, state):
        words = jax.device_get(self.concrete(state.life.words))
        count = count_from(words[..., self.row, :])
        return count if self.unit is None else count / self.unit

    def written(self, state, value):
        if self.unit is not None:
            value = np.rint(np.asarray(value, np.float64) * self.unit).astype(np.uint64)
        words = np.array(jax.device_get(state.life.words))
        words[..., self.row, :] = words_from(value)
        return {"life": Lifecycle(jnp.asarray(words))}


class AbstractLearnerState(AbstractState):
    """A state that has a life.

    Host-side properties, which `.replace` accepts too: `step_count`, `rejected_count` and
    `rejected_in_a_row`, the rejected steps since the last accepted one (`int`), `birth_timestamp`
    (seconds since the Unix epoch) and `uptime_s` (`float`). On a batched state they are NumPy
    arrays of the batch shape; under tracing they raise `TypeError`.
    """

    life: eqx.AbstractVar[Lifecycle]

    step_count = _LifeNumber(_STEPS)
    birth_timestamp = _LifeNumber(_BIRTH, _MICROSECONDS)
    uptime_s = _LifeNumber(_UPTIME, _MICROSECONDS)
    rejected_count = _LifeNumber(_REJECTED)
    rejected_in_a_row = _LifeNumber(_REJECTED_IN_A_ROW)


class _HeldNumber(_LifeNumber):
    """A row of the life of the state that another one holds."""

    field = "life"

    def read(self, state):
        return super().read(living(state))

    def written(self, state, value):
        inner = getattr(state, state.holds)
        return {state.holds: inner.replace(**{self.name: value})}


class AbstractHolderState(AbstractState):
    """A state that holds another one in its field `holds`, and tells its life as its own."""

    holds: eqx.AbstractClassVar[str]

    step_count = _HeldNumber(_STEPS)
    birth_timestamp = _HeldNumber(_BIRTH, _MICROSECONDS)
    uptime_s = _HeldNumber(_UPTIME, _MICROSECONDS)
    rejected_count = _HeldNumber(_REJECTED)
    rejected_in_a_row = _HeldNumber(_REJECTED_IN_A_ROW)


class AbstractAgentState(AbstractHolderState):
    """A state that holds a learner's, and tells its life as its own."""

    learner_state: eqx.AbstractVar[AbstractLearnerState]

    holds: ClassVar[str] = "learner_state"


def living(state: Any) -> Any:
    """The state within `state` that has a life of its own, or may have one."""
    while isinstance(state, AbstractHolderState):
        state = getattr(state, state.holds)
    return state


def _with_life(state: Any, change: Callable[[Lifecycle], Lifecycle]) -> Any:
    """The state with its life, or that of what it holds, changed; as it is without one."""
    if isinstance(state, AbstractHolderState):
        inner = _with_life(getattr(state, state.holds), change)
        return state.replace(**{state.holds: inner})
    if isinstance(state, AbstractLearnerState):
        return eqx.tree_at(lambda s: s.life, state, change(state.life))
    return state


def with_uptime(state: Any, seconds: float) -> Any:
    """The state after `seconds` more of running; unchanged while traced, or without a life."""
    return _with_life(state, lambda life: life if is_traced(life.words) else life.lived(seconds))


def born(state: Any, life: Lifecycle) -> Any:
    """The state with this life; as it is without one.

    For states that are made in compiled code, where a clock would be frozen into the program.
    """
    return _with_life(state, lambda _: life)


def rejections(state: Any) -> UInt32[Array, "..."] | None:
    """The low 32 bits of how many steps were rejected; None for a state that does not tell.

    In compiled code, where the `rejected_count` of a state that has a life cannot be read; a state
    without one may hold an array of that name.
    """
    own = getattr(state, "rejected_words", None)  # of an agent in an environment
    if own is not None:
        return own[..., 1]
    state = living(state)
    if isinstance(state, AbstractLearnerState):
        return state.life.rejected[..., 1]
    told = getattr(state, "rejected_count", None)
    return None if told is None else jnp.asarray(told).astype(jnp.uint32)


def is_judged(before: Any, after: Any) -> bool:
    """Whether the step from one state to the other has judged itself, and counted: by its life,
    which went on, or by rejected steps of its own.

    For the step as it is traced: a life that nobody has touched is the same array in both.
    """
    if rejections(before) is None or rejections(after) is None:
        return False
    before, after = living(before), living(after)
    if isinstance(before, AbstractLearnerState) and isinstance(after, AbstractLearnerState):
        return after.life.words is not before.life.words
    return True


def with_step(state: Any, accepted: Bool[Array, ""]) -> Any:
    """The state after one more step, or one more that was rejected; unchanged without a life."""
    return _with_life(state, lambda life: life.advance(accepted))


def _life_of(state: Any) -> AbstractLearnerState:
    found = living(state)
    if not isinstance(found, AbstractLearnerState):
        raise TypeError(f"`state` must be the state of a learner or agent, got {state!r}.")
    return found


def agent_age_s(state: Any) -> float | np.ndarray:
    """Seconds since the birth of a learner's or agent's state; an array for a batched state.

    **Raises:** `TypeError` for an object without a life.
    """
    return time.time() - _life_of(state).birth_timestamp


def agent_uptime_s(state: Any) -> float | np.ndarray:
    """Seconds that the learning loops have run with this state; an array for a batched state.

    **Raises:** `TypeError` for an object without a life.
    """
    return _life_of(state).uptime_s
