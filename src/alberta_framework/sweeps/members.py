"""Learners and streams whose numbers differ from lane to lane of one program."""

from typing import Any

import equinox as eqx

from ..learners import Metrics, learned, metrics_of_step, rejections
from ..loops.rollouts import begun, rollable


class OwnNumbersLearner(eqx.Module):
    """A learner whose numbers ride in its state, so that each member has its own.

    A step gives those of its metrics that are listed, by name.
    """

    recorded: tuple[str, ...] = eqx.field(static=True)

    def learn(self, state: tuple[Any, Any], experience: Any) -> tuple[Any, Metrics]:
        """One step."""
        learner, inner = state
        inner, outputs = learned(learner, inner, experience)
        found = metrics_of_step(learner, outputs)
        return (learner, inner), Metrics((name, found[name]) for name in self.recorded)


def rejections_of_member(state: tuple[Any, Any]) -> Any:
    """`rejections` in the state that an `OwnNumbersLearner` carries."""
    return rejections(state[1])


class OwnNumbersStream(eqx.Module):
    """A stream whose numbers ride in its state, so that each lane has its own."""

    def rollout(self, state: tuple[Any, Any], num_steps: int) -> tuple[Any, tuple[Any, Any]]:
        """A chunk of the lane's own stream."""
        stream, inner = state
        experience, inner = stream.rollout(inner, num_steps)
        return experience, (stream, inner)


class SharedStream(eqx.Module):
    """A stream for all lanes; one that is stepped keeps its step number from call to call."""

    stream: Any

    def rollout(self, state: Any, num_steps: int) -> tuple[Any, Any]:
        """A chunk of the stream."""
        return self.stream.rollout(state, num_steps)


def stream_begun(stream: Any, key: Any) -> Any:
    """The state of `rollable(stream)` before the first step."""
    stream = rollable(stream)
    return begun(stream, stream.init(key))
