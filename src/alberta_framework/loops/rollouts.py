"""How a loop draws chunks from a stream, a user's own included."""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from .._state import AbstractState


@runtime_checkable
class _RolloutStream(Protocol):
    def rollout(self, state: Any, num_steps: int) -> tuple[Any, Any]: ...


class _Identity:
    """A static argument that equals itself alone, whatever its object says of equality."""

    def __init__(self, value: Any):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Identity) and self.value is other.value

    def __hash__(self):
        return id(self.value)


class SteppedState(AbstractState):
    """The state of a stream that is stepped, and the number of its next step in this call."""

    inner: Any
    idx: Int[Array, ""]


class SteppedStream(eqx.Module):
    """A stream that has no `rollout`, scanned by its `step`.

    A PyTree is kept as one, so that its numbers are traced; anything else enters compiled programs
    by identity.
    """

    tree: Any
    opaque: _Identity | None = eqx.field(static=True)

    def __init__(self, stream: Any):
        is_tree = not any(leaf is stream for leaf in jax.tree.leaves(stream))
        self.tree = stream if is_tree else None
        self.opaque = None if is_tree else _Identity(stream)

    @property
    def stream(self) -> Any:
        return self.tree if self.opaque is None else self.opaque.value

    def init(self, key):
        return self.stream.init(key)

    def rollout(self, state: SteppedState, num_steps: int) -> tuple[Any, SteppedState]:
        def one(state, _):
            experience, inner = self.stream.step(state.inner, state.idx)
            return SteppedState(inner, state.idx + 1), experience

        state, experience = jax.lax.scan(one, state, length=num_steps)
        return experience, state


def rollable(stream: Any) -> Any:
    """The stream itself if it draws chunks, else one that steps it."""
    return stream if isinstance(stream, _RolloutStream) else SteppedStream(stream)


def begun(stream: Any, stream_state: Any, lanes: int | None = None) -> Any:
    """The state that `rollable(stream)` carries, at the start of a call."""
    if not isinstance(stream, SteppedStream):
        return stream_state
    return SteppedState(stream_state, jnp.zeros(() if lanes is None else (lanes,), jnp.int32))


def ended(stream: Any, stream_state: Any) -> Any:
    """The stream's own state."""
    return stream_state.inner if isinstance(stream, SteppedStream) else stream_state


def outputs_of_a_step(learner: Any, stream: Any, state: Any, stream_state: Any) -> Any:
    """What `learner` gives for the next step of `rollable(stream)`."""
    experience, _ = stream.rollout(stream_state, 1)
    return learner.learn(state, jax.tree.map(lambda a: a[0], experience))[1]
