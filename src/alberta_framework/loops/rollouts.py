"""How a loop draws chunks from a stream, a user's own included."""

import dataclasses
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from ..components.state import AbstractState, require_state
from ..learners import experience_of, learned


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


def next_step(learner: Any, stream: Any, state: Any, stream_state: Any) -> tuple[Any, Any]:
    """The next experience of `rollable(stream)`, and what `learner` gives for it."""
    drawn, _ = stream.rollout(stream_state, 1)
    experience = jax.tree.map(lambda a: a[0], drawn)
    require_fit(learner, stream, experience)
    return experience, learned(learner, state, experience)[1]


_LEARNED_BY = {
    "TimeStep": "a LinearLearner (run_learning_loop) or an MLPLearner (run_mlp_learning_loop)",
    "MultiHeadStep": "a MultiHeadMLPLearner (run_multi_head_learning_loop)",
    "TDTimeStep": "a TDLinearLearner (run_td_learning_loop)",
    "DemonStep": "a HordeLearner (run_horde_learning_loop)",
    "ControlStep": "a SARSAAgent (run_sarsa_from_arrays)",
}


def require_learner_state(learner: Any, state: Any) -> None:
    """Check the state of a learner whose `learn` says which it takes.

    **Raises:** `TypeError` that says what to pass instead.
    """
    wanted = _told_by_learn(learner, "state")
    if wanted is not None:
        require_state(type(learner).__name__, "state", state, wanted)


def require_fit(learner: Any, stream: Any, experience: Any) -> None:
    """Check that a stream yields what a learner learns from, if it says what that is, itself or by
    the annotation of its `learn`.

    **Raises:** `TypeError` that says which learner is for such experience.
    """
    wanted = experience_of(learner) or _told_by_learn(learner, "experience")
    if wanted is None:
        return
    needed = [f.name for f in dataclasses.fields(wanted) if f.default is dataclasses.MISSING]
    missing = [f"`{name}`" for name in needed if not hasattr(experience, name)]
    if missing:
        source, found = getattr(stream, "stream", stream), type(experience).__name__
        hint = f"; a {found} is for {_LEARNED_BY[found]}" if found in _LEARNED_BY else ""
        raise TypeError(
            f"{type(learner).__name__} learns from a {wanted.__name__}, but "
            f"{type(source).__name__} yields a {found} without {', '.join(missing)}{hint}."
        )


def _told_by_learn(learner: Any, name: str) -> type[AbstractState] | None:
    learn = getattr(type(learner), "learn", None)
    annotation = getattr(learn, "__annotations__", {}).get(name)
    told = isinstance(annotation, type) and issubclass(annotation, AbstractState)
    return annotation if told else None
