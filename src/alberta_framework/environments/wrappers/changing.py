"""Environments one of whose numbers changes while they are lived in."""

import dataclasses
import functools as ft
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, UInt32

from ...components.counter import StepCount, advanced
from ...components.ranges import require_part
from ...components.state import AbstractState
from ...components.types import Hyperparameter
from ...interface import ActionSpace
from ...schedules import AbstractSchedule
from ..abstract import AbstractEnvironment, EnvStep


class ChangingState(AbstractState):
    """The state of the environment, and the steps that were taken in it, all episodes together."""

    environment_state: Any
    steps: UInt32[Array, "2"]

    step_count = StepCount()


class Changing(AbstractEnvironment[ChangingState]):
    """The environment with one of its numbers following a schedule.

    Step t = 0, 1, ... of the world's life, all episodes together, is that of an environment whose
    number at `path` is `schedule(t)`. So a pole on a cart that is half a metre and one metre long
    in turn, 20,000 steps each, is

        Changing(CartPole(), "half_length", Periodic([0.25, 0.5], 20_000))

    `reset` begins a life of the world, `restart` an episode of it.

    **Arguments:**

    - `environment`
    - `path`: the name of a numeric field of the environment; with dots, that of a field of a part,
      such as `"environment.half_length"` for an environment in a wrapper. Not one that counts
      steps, which a schedule's number, a float32, is not made for.
    - `schedule`

    **Raises:** `ValueError` for a path that leads to no such number. The schedule's numbers are not
    checked against the range of the field.
    """

    environment: AbstractEnvironment
    path: str = eqx.field(static=True)
    schedule: AbstractSchedule

    def __check_init__(self):
        require_part(self, "environment", AbstractEnvironment)
        require_part(self, "schedule", AbstractSchedule)
        if not isinstance(self.path, str):
            raise TypeError(f"Changing: `path` must be the name of a field, got {self.path!r}.")
        place = self.environment
        *parts, last = self.path.split(".")
        for part in parts:
            if part not in _fields(place):
                raise ValueError(f"Changing: {_unknown(self.path, part, place)}")
            place = getattr(place, part)
        if last not in _numbers(place):
            raise ValueError(f"Changing: {_unknown(self.path, last, place)}")

    @property
    def observation_size(self) -> int:
        return self.environment.observation_size

    @property
    def action_space(self) -> ActionSpace:
        return self.environment.action_space

    def reset(self, key: PRNGKeyArray) -> tuple[ChangingState, Float[Array, " observation"]]:
        steps = jnp.zeros(2, jnp.uint32)
        inner, observation = self._at(steps).reset(key)
        return ChangingState(inner, steps), observation

    def step(
        self, state: ChangingState, action: Any, key: PRNGKeyArray
    ) -> tuple[ChangingState, EnvStep]:
        inner, now = self._at(state.steps).step(state.environment_state, action, key)
        return ChangingState(inner, advanced(state.steps)), now

    def _restart(self, state: ChangingState, key: PRNGKeyArray) -> tuple[ChangingState, Array]:
        inner, observation = self._at(state.steps).restart(state.environment_state, key)
        return ChangingState(inner, state.steps), observation

    def _at(self, steps: UInt32[Array, "2"]) -> AbstractEnvironment:
        def place(environment: Any) -> Any:
            return ft.reduce(getattr, self.path.split("."), environment)

        return eqx.tree_at(place, self.environment, self.schedule(steps))


def _fields(component: Any) -> dict[str, Any]:
    if not dataclasses.is_dataclass(component):
        return {}
    return {field.name: field for field in dataclasses.fields(component)}


def _numbers(component: Any) -> list[str]:
    """The fields that hold one number, or as many as a vmap takes apart."""
    return [
        name
        for name, field in _fields(component).items()
        if not field.metadata.get("static") and not field.metadata.get("counts_steps")
        if field.type == Hyperparameter or _is_number(getattr(component, name))
    ]


def _is_number(value: Any) -> bool:
    return eqx.is_inexact_array_like(value) and np.ndim(value) == 0


def _unknown(path: str, name: str, place: Any) -> str:
    known = ", ".join(_numbers(place))
    return (
        f"`path` must lead to a number that is no count of steps, got {path!r}; "
        f"{type(place).__name__} has {known or 'none'}, and not {name!r}."
    )
