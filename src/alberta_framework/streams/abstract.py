"""What every stream offers, and what a loop asks of a user's own."""

import abc
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import equinox as eqx
from jaxtyping import ArrayLike, PRNGKeyArray

from ..components.component import AbstractComponent
from ..components.state import AbstractState
from ..components.types import IntegerLike
from ..experience import TDTimeStep, TimeStep

State = TypeVar("State", bound=AbstractState)
Experience = TypeVar("Experience", bound=AbstractState)


@runtime_checkable
class ScanStream(Protocol):
    """What `run_learning_loop` consumes; a class needs no base to fit.

    Without a `rollout` it is scanned by its `step`. One that is no PyTree enters the compiled
    program as a static argument, compiled once for each object.
    """

    @property
    def feature_dim(self) -> int: ...

    def init(self, key: PRNGKeyArray) -> Any: ...

    def step(self, state: Any, idx: ArrayLike) -> tuple[TimeStep, Any]: ...


@runtime_checkable
class TDScanStream(Protocol):
    """What `run_td_learning_loop` consumes: as `ScanStream`, with transitions."""

    @property
    def feature_dim(self) -> int: ...

    def init(self, key: PRNGKeyArray) -> Any: ...

    def step(self, state: Any, idx: ArrayLike) -> tuple[TDTimeStep, Any]: ...


class AbstractStream(AbstractComponent, Generic[State, Experience]):
    """Produces experience, one unit at a time or a chunk at once with the same draws."""

    if TYPE_CHECKING:
        # Type checkers take an AbstractVar for a field that every constructor must be given.
        feature_dim: ClassVar[int]
    else:
        feature_dim: eqx.AbstractVar[int]

    @abc.abstractmethod
    def init(self, key: PRNGKeyArray) -> State:
        """The state before the first step; `key` is a typed key (`jax.random.key`)."""

    @abc.abstractmethod
    def step(self, state: State, idx: IntegerLike = 0) -> tuple[Experience, State]:
        """One unit of experience and the next state; pure and traceable."""

    @abc.abstractmethod
    def rollout(self, state: State, num_steps: int) -> tuple[Experience, State]:
        """`num_steps` units, time axis first, and the state after them.

        The random draws are those of repeated `step`, bit for bit; carried values agree to float32
        rounding. Rollouts of two steps or more, one after the other, are bit-identical to a single
        one of their total length; one of a single step is compiled without a loop, and may differ
        in the last bit.
        """
