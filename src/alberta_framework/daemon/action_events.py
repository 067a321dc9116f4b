"""Events of agents: observations and rewards in, actions out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..event_features import FieldError
from .daemon import Daemon
from .json_lines import (
    AbstractEventSchema,
    EventError,
    flag_in,
    observation_in,
    of_observation,
    places_of,
    require_number,
    require_sayable,
)
from .reasons import reason_of_action
from .report import plain


class ActionEvent(NamedTuple):
    """One event of an agent, as `Daemon.act` takes it."""

    id: Any
    observation: Any
    reward: float | None
    terminated: bool
    truncated: bool
    learn: bool


class ActionEventSchema(AbstractEventSchema[ActionEvent]):
    """What the lines for an agent must look like: how many numbers an observation has, and their
    names, without which events give lists alone.

    A null reward is none. Integers, and what is `featured`, are as in `EventSchema`.
    """

    fields = ("id", "observation", "reward", "terminated", "truncated", "learn")

    def __init__(
        self, feature_dim: int, feature_names: Sequence[str] | None = None, featured: bool = False
    ):
        self.feature_dim, self.features = feature_dim, places_of(feature_names)
        self.featured = featured

    def _event(self, found: dict[str, Any]) -> ActionEvent:
        if found.get("observation") is None:
            raise EventError("observation: is missing")
        observation = observation_in(
            found["observation"], self.feature_dim, self.features, self.featured
        )
        reward = found.get("reward")
        if reward is not None:
            require_number("reward", reward, "a number or null")
        terminated, truncated = flag_in(found, "terminated"), flag_in(found, "truncated")
        learn = flag_in(found, "learn", True)
        if reward is None and (terminated or truncated):
            raise EventError("reward: is missing; what ends an episode is a step, and has one")
        if reward is not None and not learn:
            raise EventError("reward: must be left out where nothing is learned")
        require_sayable(found.get("id"))
        reward = None if reward is None else float(reward)
        return ActionEvent(found.get("id"), observation, reward, terminated, truncated, learn)


class ActionAnswers:
    """Answers events of an agent."""

    def __init__(self, daemon: Daemon):
        self.daemon = daemon
        featured = daemon.features is not None
        self.schema = ActionEventSchema(daemon.feature_dim, daemon.feature_names, featured)

    def answer(self, line: str | bytes) -> dict[str, Any]:
        """The answer to a line.

        **Raises:** `EventError` for a bad one.
        """
        event = self.schema.parsed(line)
        _, observation, reward, terminated, truncated, learn = event
        try:
            found = self.daemon.act(observation, reward, terminated, truncated, learn=learn)
        except FieldError as error:
            raise of_observation(error, event.id) from None
        metrics = {name: _listed(value) for name, value in found.metrics.items()}
        answer = {
            "id": event.id,
            "step": found.step,
            "action": _listed(found.action),
            "rejected": found.rejected,
            "began": found.began,
            "metrics": plain(metrics),
        }
        if found.rejected:
            row = observation
            if self.schema.featured:
                row = self.daemon.event_row(observation).features
            told = reason_of_action(row, self.daemon.feature_names, reward)
            answer["reason"] = told
        return answer


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value
