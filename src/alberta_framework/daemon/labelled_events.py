"""Events of learners: observations, and the labels that may follow later."""

import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..event_features import FieldError
from .daemon import Daemon, StepResult
from .event_rows import EventRow
from .json_lines import (
    AbstractEventSchema,
    EventError,
    flag_in,
    numbers_in,
    observation_in,
    of_observation,
    places_of,
    require_sayable,
    short,
)
from .label_window import LabelWindow, Remembered
from .reasons import reason_of

_LONGEST_NAME = 200


class Event(NamedTuple):
    """One event of a learner.

    `observation` is None for a label that comes later, `targets` for no label. A null target is
    NaN. Where features are made of it, it is an object of fields. With `relabel` a head that has
    learned the label of this event learns this one too. `client` is no event but the name of who
    sends the lines.
    """

    id: Any
    observation: Any
    targets: np.ndarray | None
    terminated: bool
    relabel: bool = False
    client: str | None = None


class EventSchema(AbstractEventSchema[Event]):
    """What the lines must look like: how many numbers, and their names.

    An integer that float32 cannot hold is an error, since its last digits, which an identifier or a
    time is told by, would be lost; as a fraction, `16777217.0`, it is rounded like any other.

    **Arguments:** the number of features and of targets; their names, without which events give
    lists alone; `featured`: an observation is an object of fields, of which features are made;
    `class_names`: of a learner of classes, whose target may then be a class's name.
    """

    fields = ("id", "observation", "targets", "terminated", "relabel", "client")

    def __init__(
        self,
        feature_dim: int,
        n_targets: int,
        feature_names: Sequence[str] | None = None,
        target_names: Sequence[str] | None = None,
        featured: bool = False,
        class_names: Sequence[str] | None = None,
    ):
        self.feature_dim, self.n_targets = feature_dim, n_targets
        self.features, self.featured = places_of(feature_names), featured
        self.targets, self.classes = places_of(target_names), places_of(class_names)
        # Then [2] could mean the third class, or that of the name 2.
        self.numbered = any(map(_is_number, class_names or ()))

    def _event(self, found: dict[str, Any]) -> Event:
        if "client" in found:
            return Event(None, None, None, False, client=_client_in(found))
        observation = targets = None
        if found.get("observation") is not None:
            observation = observation_in(
                found["observation"], self.feature_dim, self.features, self.featured
            )
        if found.get("targets") is not None:
            targets = self._targets(found["targets"])
        terminated = flag_in(found, "terminated")
        require_sayable(found.get("id"))
        if observation is None and targets is None:
            raise EventError("observation: is missing, and there are no targets either")
        if observation is None and found.get("id") is None:
            raise EventError("id: targets without an observation need the id of an earlier event")
        relabel = flag_in(found, "relabel")
        if relabel and observation is not None:
            raise EventError("relabel: is for a label that comes later, without an observation")
        return Event(found.get("id"), observation, targets, terminated, relabel)

    def _targets(self, found: Any) -> np.ndarray:
        if self.classes is None:
            return numbers_in("targets", found, self.n_targets, self.targets, True)
        if isinstance(found, dict):
            raise EventError("targets: must be the name of a class")
        if isinstance(found, list):
            if self.numbered and found != [None]:
                raise EventError(
                    "targets: classes are called by numbers here, so the name has to stand alone, "
                    f"as {json.dumps(next(iter(self.classes)))}"
                )
            return numbers_in("targets", found, self.n_targets, self.targets, True)
        name = found if isinstance(found, str) else json.dumps(found)
        if name not in self.classes:
            known = ", ".join(self.classes)
            raise EventError(f"targets: no class is called {short(name)}; known: {short(known)}")
        return np.array([self.classes[name]], np.float32)


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


class LabelledAnswers:
    """Answers events of a learner, and remembers observations for labels that come later: as many
    as `label_window` and `label_window_bytes` say, and those of a `client` that has a name, or says
    it in its first line, with the state of the daemon."""

    def __init__(
        self, daemon: Daemon, label_window: int, label_window_bytes: int, client: str | None
    ):
        self.daemon = daemon
        self._limits = label_window, label_window_bytes
        self._window, self._begun = self._window_of(client), False
        self.schema = EventSchema(
            daemon.feature_dim,
            daemon.n_targets,
            daemon.feature_names,
            daemon.target_names,
            daemon.features is not None,
            daemon.class_names,
        )

    def answer(self, line: str | bytes) -> dict[str, Any]:
        """The answer to a line.

        **Raises:** `EventError` for a bad one.
        """
        event = self.schema.parsed(line)
        if event.client is not None:
            return self._known_as(event.client)
        self._begun = True
        try:
            return self._answered(event)
        except FieldError as error:
            raise of_observation(error, event.id) from None

    def _known_as(self, client: str) -> dict[str, Any]:
        if self._begun:
            raise EventError("client: must be said before the first event")
        self._window = self._window_of(client)
        return {"client": client, "step": self.daemon.steps, "remembered": len(self._window)}

    def _window_of(self, client: str | None) -> LabelWindow:
        if client is None:
            return LabelWindow(*self._limits)
        sizes = self.daemon.feature_dim, self.daemon.n_targets
        return self.daemon.label_windows.of(client, *self._limits, *sizes)

    def _answered(self, event: Event) -> dict[str, Any]:
        remembered, observation = self._remembered_for(event)
        labelled = None if event.targets is None else ~np.isnan(event.targets)
        if labelled is not None and not labelled.any():
            labelled = None
        if labelled is not None and remembered.learned is not None and not event.relabel:
            self._require_unlearned(event.id, labelled & remembered.learned)
        # An unlabelled event is a step of an episode all the same.
        learns = labelled is not None or self.daemon.learns_transitions
        targets = event.targets if learns else None

        def note(result: StepResult) -> None:
            if labelled is None or result.rejected or remembered.learned is labelled:
                return
            remembered.learn(labelled)

        result = self.daemon.step(observation, targets, event.terminated, before_save=note)
        predictions, rejected, step = result
        note(result)
        values = [value if math.isfinite(value) else None for value in predictions.tolist()]
        heads = self.daemon.head_names
        named = values if heads is None else dict(zip(heads, values, strict=True))
        answer = {"id": event.id, "step": step, "predictions": named, "rejected": rejected}
        return answer | {"reason": self._reason(observation, targets)} if rejected else answer

    def _reason(self, observation: EventRow, targets: np.ndarray | None) -> str:
        ours, row = self.daemon, observation.features
        return reason_of(ours.learner, row, ours.feature_names, targets, ours.target_names)

    def _remembered_for(self, event: Event) -> tuple[Remembered, EventRow]:
        """What is remembered under the event's id, from now on or since an earlier event, and its
        observation."""
        if event.observation is None:
            found = self._earlier(event)
            return found, found.observation()
        observation = EventRow(event.observation, None)
        if self.schema.featured:
            observation = self.daemon.event_row(event.observation)
        fields = None if observation.event is None else json.dumps(observation.event)
        found = Remembered(observation.features, fields)
        if event.id is not None and not self.daemon.learns_transitions:
            self._window.remember(event.id, found)
        return found, observation

    def _earlier(self, event: Event) -> Remembered:
        if self.daemon.learns_transitions:
            raise EventError("observation: is missing; a learner of transitions needs it", event.id)
        found = self._window.find(event.id)
        if found is None:
            text = f"id: no event {short(event.id)} among the latest remembered"
            raise EventError(text, event.id)
        return found

    def _require_unlearned(self, event_id: Any, twice: np.ndarray) -> None:
        if twice.any():
            place = int(np.argmax(twice))
            names = self.schema.targets
            target = place if names is None else list(names)[place]
            text = f"targets.{target}: event {short(event_id)} has learned it already"
            raise EventError(text, event_id)


def _client_in(found: dict[str, Any]) -> str:
    """The name of a line that says who sends the lines, and nothing else."""
    name = found["client"]
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise EventError(
            f"client: must be a text of 1 to {_LONGEST_NAME} characters, got {short(name)}"
        )
    if len(found) > 1:
        other = next(key for key in found if key != "client")
        raise EventError(f"client: stands in a line of its own, got {other} beside it")
    return name
