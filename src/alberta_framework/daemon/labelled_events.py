"""Events of learners: observations, and the labels that may follow later."""

import json
import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .daemon import Daemon
from .json_lines import (
    AbstractEventSchema,
    EventError,
    flag_in,
    numbers_in,
    observation_in,
    places_of,
    require_sayable,
    short,
    told_of_observation,
)


class Event(NamedTuple):
    """One event of a learner.

    `observation` is None for a label that comes later, `targets` for no label. A null target is
    NaN. Where features are made of it, it is an object of fields. With `relabel` a head that has
    learned the label of this event learns this one too.
    """

    id: Any
    observation: Any
    targets: np.ndarray | None
    terminated: bool
    relabel: bool = False


class EventSchema(AbstractEventSchema[Event]):
    """What the lines must look like: how many numbers, and their names.

    An integer that float32 cannot hold is an error, since its last digits, which an identifier or a
    time is told by, would be lost; as a fraction, `16777217.0`, it is rounded like any other.

    **Arguments:** the number of features and of targets; their names, without which events give
    lists alone; `featured`: an observation is an object of fields, of which features are made;
    `class_names`: of a learner of classes, whose target may then be a class's name.
    """

    fields = ("id", "observation", "targets", "terminated", "relabel")

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

    def _event(self, found: dict[str, Any]) -> Event:
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
        if self.classes is None or not isinstance(found, str):
            return numbers_in("targets", found, self.n_targets, self.targets, True)
        if found not in self.classes:
            known = ", ".join(self.classes)
            raise EventError(f"targets: no class is called {short(found)}; known: {short(known)}")
        return np.array([self.classes[found]], np.float32)


class _Remembered:
    """An observation that labels may follow to, and the heads that have learned theirs, if any."""

    __slots__ = ("learned", "observation")

    def __init__(self, observation: Any):
        self.observation = observation
        self.learned: np.ndarray | None = None


class LabelledAnswers:
    """Answers events of a learner, and remembers as many observations as `label_window` says."""

    def __init__(self, daemon: Daemon, label_window: int):
        self.daemon, self.label_window = daemon, label_window
        self.schema = EventSchema(
            daemon.feature_dim,
            daemon.n_targets,
            daemon.feature_names,
            daemon.target_names,
            daemon.features is not None,
            daemon.class_names,
        )
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    def answer(self, line: str | bytes) -> dict[str, Any]:
        """The answer to a line.

        **Raises:** `EventError` for a bad one.
        """
        event = self.schema.parsed(line)
        with told_of_observation(event.id):
            if self.schema.featured and event.observation is not None:
                event = event._replace(observation=self.daemon.event_row(event.observation))
            return self._answered(event)

    def _answered(self, event: Event) -> dict[str, Any]:
        remembered = self._remembered_for(event)
        observation = event.observation if remembered is None else remembered.observation
        labelled = None if event.targets is None else ~np.isnan(event.targets)
        no_label = labelled is None or not labelled.any()
        once = not no_label and not event.relabel
        if once and remembered is not None and remembered.learned is not None:
            self._require_unlearned(event.id, labelled & remembered.learned)
        # An unlabelled event is a step of an episode all the same.
        learns = not no_label or self.daemon.learns_transitions
        targets = event.targets if learns else None
        predictions, rejected, step = self.daemon.step(observation, targets, event.terminated)
        if not no_label and remembered is not None and not rejected:
            before = remembered.learned
            remembered.learned = labelled if before is None else before | labelled
            if self.schema.featured:  # what its features carry on has moved past it
                remembered.observation = remembered.observation._replace(event=None)
        values = [value if math.isfinite(value) else None for value in predictions.tolist()]
        heads = self.daemon.head_names
        named = values if heads is None else dict(zip(heads, values, strict=True))
        return {"id": event.id, "step": step, "predictions": named, "rejected": rejected}

    def _remembered_for(self, event: Event) -> _Remembered | None:
        """What is remembered under the event's id: from now on, or since an earlier event."""
        if event.observation is None:
            return self._earlier(event)
        if event.id is None or not self.label_window:
            return None
        name = json.dumps(event.id, sort_keys=True)
        self._remembered[name] = found = _Remembered(event.observation)
        self._remembered.move_to_end(name)
        if len(self._remembered) > self.label_window:
            self._remembered.popitem(last=False)
        return found

    def _earlier(self, event: Event) -> _Remembered:
        if self.daemon.learns_transitions:
            raise EventError("observation: is missing; a learner of transitions needs it", event.id)
        found = self._remembered.get(json.dumps(event.id, sort_keys=True))
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
