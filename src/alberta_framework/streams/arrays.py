"""Recorded arrays as streams."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt32

from ..compilation.boundary import compiled_by_itself
from ..components.counter import StepCount
from ..components.ranges import require_count
from ..components.state import AbstractState
from ..components.types import IntegerLike
from ..experience import TDTimeStep, TimeStep
from .abstract import AbstractStream, Experience
from .float_arrays import flag_array, float_array, require_array, require_flags
from .synthetic import counted, phase


class ArrayStreamState(AbstractState):
    """The row that comes next, and the steps taken so far."""

    position: Int[Array, ""]
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class AbstractArrayStream(AbstractStream[ArrayStreamState, Experience]):
    """Replays recorded experience of any kind; after the last row it starts again."""

    @abc.abstractmethod
    def _record(self) -> Experience:
        """All rows, time axis first."""

    @compiled_by_itself
    def init(self, key: PRNGKeyArray | None = None) -> ArrayStreamState:
        """Before the first row; `key` is ignored."""
        del key
        return ArrayStreamState(jnp.zeros((), jnp.int32), jnp.zeros(2, jnp.uint32))

    @compiled_by_itself
    def step(self, state: ArrayStreamState, idx: IntegerLike = 0) -> tuple[Any, ArrayStreamState]:
        """The next row and the next state; `idx` is ignored, the state's position acts."""
        del idx
        return self._rows(state, jnp.zeros((), jnp.uint32)), self._after(state, 1)

    def rollout(self, state: ArrayStreamState, num_steps: int) -> tuple[Any, ArrayStreamState]:
        require_count(type(self).__name__, "num_steps", num_steps, low=0, high=2**31)
        return self._rolled(state, int(num_steps))

    @compiled_by_itself
    def _rolled(self, state: ArrayStreamState, num_steps: int) -> tuple[Any, ArrayStreamState]:
        ahead = jnp.arange(num_steps, dtype=jnp.uint32)
        return self._rows(state, ahead), self._after(state, num_steps)

    def _length(self) -> int:
        return jax.tree.leaves(self._record())[0].shape[0]

    def _rows(self, state, ahead):
        length = self._length()
        rows = phase(state.position, ahead, max(length, 1))

        def chosen(array):
            if length == 0:  # a loop over no rows still asks what a row would look like
                return jnp.zeros((*rows.shape, *array.shape[1:]), array.dtype)
            return jnp.asarray(array).at[rows].get(mode="promise_in_bounds")

        return jax.tree.map(chosen, self._record())

    def _after(self, state, num_steps):
        return state.replace(**counted(state, num_steps, position=self._length()))


def _as_column(targets: Any) -> Any:
    targets = float_array(targets)
    return targets[:, None] if jnp.ndim(targets) == 1 else targets


def _optional_floats(values: Any) -> Any:
    return None if values is None else float_array(values)


class ArrayStream(AbstractArrayStream[TimeStep]):
    """Replays recorded examples; after the last one it starts again.

    The arrays are traced: other data of the same shape do not compile again.

    **Arguments:**

    - `observations` [T, d]: real numbers, kept as float32.
    - `targets` [T, k], or [T] for one target per example.
    """

    observations: Float[Array, "steps features"] = eqx.field(converter=float_array)
    targets: Float[Array, "steps targets"] = eqx.field(converter=_as_column)

    def __check_init__(self):
        require_array(self, "observations", ("T", "d"))
        require_array(self, "targets", (self.observations.shape[0], "k"))

    @property
    def feature_dim(self) -> int:
        return self.observations.shape[-1]

    def _record(self):
        return TimeStep(self.observations, self.targets)


class TDArrayStream(AbstractArrayStream[TDTimeStep]):
    """Replays recorded transitions; after the last one it starts again.

    The arrays are traced: other data of the same shape do not compile again.

    **Arguments:**

    - `observations` [T, d]: real numbers, kept as float32, as all of these.
    - `rewards` [T].
    - `next_observations` [T, d].
    - `gammas` [T]: the discount of each transition, 0 where an episode ends.
    - `truncated` [T]: flags, where an episode was cut after the transition: it bootstraps from its
      next observation, the true last one, and traces are cut after it. None, the default: nowhere.
    - `rhos` [T]: the ratio of each action, see `importance_ratio`. None, the default: what was
      recorded is the policy that is learned about.
    """

    observations: Float[Array, "steps features"] = eqx.field(converter=float_array)
    rewards: Float[Array, " steps"] = eqx.field(converter=float_array)
    next_observations: Float[Array, "steps features"] = eqx.field(converter=float_array)
    gammas: Float[Array, " steps"] = eqx.field(converter=float_array)
    truncated: Bool[Array, " steps"] | None = eqx.field(
        converter=flag_array, default=None, metadata={"config": "omit_default"}
    )
    rhos: Float[Array, " steps"] | None = eqx.field(
        converter=_optional_floats, default=None, metadata={"config": "omit_default"}
    )

    def __check_init__(self):
        require_array(self, "observations", ("T", "d"))
        require_array(self, "rewards", self.observations.shape[:1])
        require_array(self, "next_observations", self.observations.shape)
        require_array(self, "gammas", self.observations.shape[:1])
        if self.truncated is not None:
            require_flags(self, "truncated", self.observations.shape[:1])
        if self.rhos is not None:
            require_array(self, "rhos", self.observations.shape[:1])

    @property
    def feature_dim(self) -> int:
        return self.observations.shape[-1]

    def _record(self):
        return TDTimeStep(
            self.observations,
            self.rewards,
            self.next_observations,
            self.gammas,
            self.truncated,
            self.rhos,
        )
