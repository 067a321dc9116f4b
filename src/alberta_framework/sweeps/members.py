"""Learners and streams whose numbers differ from lane to lane of one program."""

from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from ..experiments.measures import AbstractMeasure
from ..loops.rollouts import begun, rollable


class OwnNumbersLearner(eqx.Module):
    """A learner whose numbers ride in its state, so that each member has its own."""

    measure: AbstractMeasure

    def learn(self, state: tuple[Any, Any], experience: Any) -> tuple[Any, Float[Array, "..."]]:
        """One step; what it gives is the measure."""
        learner, inner = state
        inner, outputs = learner.learn(inner, experience)
        return (learner, inner), self.measure(learner, inner, outputs)


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
