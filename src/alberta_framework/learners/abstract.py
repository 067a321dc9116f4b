"""What a loop asks of a learner, and what everything else may ask it."""

import abc
import functools as ft
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..components.component import AbstractComponent
from ..components.state import AbstractState
from .disallowed import Disallowed
from .metrics import MetricParts, Metrics, own_names
from .trunk import Network

State = TypeVar("State", bound=AbstractState)
Experience = TypeVar("Experience", bound=AbstractState)


class AbstractMeasured(AbstractComponent):
    """A component with a state, whose steps give numbers that a loop records, each by name.

    A class may say of itself:

    - `draws_weights`: whether `init` draws from its key; then a loop that has one key splits it
      into that of the experience and that of the weights. None, the default: if it takes a key.
    """

    draws_weights: ClassVar[bool | None] = None

    @abc.abstractmethod
    def init(self, feature_dim: int, key: Any = None) -> Any:
        """The state before the first step, for observations of `feature_dim` numbers.

        `key` is for what is drawn; what draws nothing ignores it, or takes none.
        """

    def metrics(self, outputs: Any) -> Metrics:
        """What a step gave, by name: numbers, or arrays of one number for each part.

        `metrics.columns()` is what the documented loops return.

        The numbers of a dictionary, a NamedTuple or a Module keep its names, a lone array's columns
        are `output_0`, `output_1`, ... The learners of the library name the arrays that their
        `learn` gives and the loops return; those may have axes of lanes and steps in front.

        **Raises:** `TypeError` for several arrays that have no names.
        """
        named = self._named(outputs)
        return named if isinstance(named, Metrics) else Metrics(named)

    @property
    def metric_parts(self) -> MetricParts:
        """What the last axis of a metric counts, where it has one: heads, demons, or parts."""
        return self._parts()

    def reset_traces(self, state: Any, mask: Bool[Array, " parts"] | None = None) -> Any:
        """The state with its eligibility traces at 0, as at the end of an episode, and with nothing
        else carried on into the next; of a learner without traces the state as it is.

        **Arguments:** `mask`: of which heads or demons; None: of all, and of the trunk.

        **Raises:** `TypeError` for a mask that is not boolean with one entry for each of them.
        """
        return self._cut(state) if mask is None else self._cut_of(state, mask)

    def network_of(self, state: Any) -> Network | None:
        """The weights, as diagnostics look at them; None of a learner that does not tell."""
        return self._network(state)

    # How a component whose outputs are arrays names them; one that names them itself has nothing to
    # say here.
    def _named(self, outputs: Any) -> Mapping[str, Array]:
        return own_names(outputs)

    def _parts(self) -> MetricParts:
        return MetricParts()

    def _cut(self, state: Any) -> Any:
        return state

    def _network(self, state: Any) -> Network | None:
        return None

    def _cut_of(self, state: Any, mask: Any) -> Any:
        raise TypeError(
            f"{type(self).__name__}.reset_traces: `mask` must be None, for it has no heads, got "
            f"{mask!r}."
        )


class AbstractLearner(AbstractMeasured, Generic[State, Experience]):
    """Predicts, and learns from one unit of experience at a time.

    `init` and `learn` are all that a loop needs. One that predicts has
    `predict(state, observation)`, a number or one for each head; the true values of a stream, the
    sensitivity of features and a `Daemon` ask for it. A class may say of itself, besides
    `draws_weights`:

    - `experience`: what it learns from, as `TimeStep`; None, the default: it does not say.

    What only some learners have is asked for by a method here, and answered by a hook (`_cut`,
    `_network`, `_demons`, ...) that a learner defines which has it.
    """

    experience: ClassVar[type[AbstractState] | None] = None

    @abc.abstractmethod
    def learn(self, state: State, experience: Experience) -> tuple[State, Any]:
        """The state after learning from `experience`, and what a loop records of the step.

        A dictionary or a Module of numbers is recorded under its own names: see `metrics`.
        """

    def input_step_sizes(self, state: Any) -> Float[Array, " features"] | None:
        """The step size in effect of each input; None of a learner that has none for each."""
        return self._input_step_sizes(state)

    @property
    def demons(self) -> tuple[Any, ...]:
        """The general value functions (`GVFSpec`) that its predictions answer, in their order; none
        of a learner of targets, or of one value whose discount comes with the experience."""
        return self._demons()

    @property
    def target_classes(self) -> int | None:
        """How many classes there are, of which its one target is the number of one; None of a
        learner whose targets are what it predicts."""
        return self._target_classes()

    def with_heads(self, places: Sequence[int | None], names: Sequence[str] | None = None) -> Any:
        """The learner whose head i has the settings of head `places[i]` of this one: of its heads
        some, or all, or more.

        **Arguments:** `places`: None stands for a head with the settings that all have; `names`: of
        demons, which have names of their own, one for each; default those they have.

        **Raises:** `TypeError` for a learner that has no heads, or does not tell how it would have
        others; `ValueError` for a place that is none, for None where heads differ, and for so few
        or so many heads, or such names, as it cannot have.
        """
        owner, demons = f"{type(self).__name__}.with_heads", self.demons
        for place in places:
            if place is None and self.heads_differ:
                raise ValueError(
                    f"{owner}: `places` must tell of each head which one it is like, for its heads "
                    "differ; got None."
                )
        if names is None and demons:
            names = [demons[place or 0].name for place in places]
        if names is not None and (not demons or len(names) != len(places)):
            told = f"{len(places)} names of demons" if demons else "None, for its heads have none"
            raise ValueError(f"{owner}: `names` must be {told}, got {list(names)}.")
        made = self._with_heads(
            tuple(0 if place is None else int(place) for place in places),
            None if names is None else tuple(names),
        )
        if made is None:
            raise TypeError(
                f"{owner}: it does not tell how it would have other heads; a learner that can "
                "defines the hook `_with_heads`."
            )
        return made

    @property
    def heads_differ(self) -> bool:
        """Whether heads have settings of their own, so that one more is like one of them."""
        return bool(self.demons) or self._heads_differ()

    def allows(self, targets: Any) -> Bool[Array, ""]:
        """Whether finite targets [targets] are such as it learns from, probabilities say, or the
        numbers of classes; it rejects others. NaN, no target, it always allows."""
        return self._allows(targets)

    def disallowed(self, targets: np.ndarray) -> Disallowed | None:
        """What is wrong with finite targets [targets] that `allows` does not, in words; None for
        those that it does. On the host: nothing is compiled."""
        return self._disallowed(targets)

    def _input_step_sizes(self, state: Any) -> Float[Array, " features"] | None:
        return None

    def _demons(self) -> tuple[Any, ...]:
        return ()

    def _target_classes(self) -> int | None:
        return None

    def _with_heads(self, places: tuple[int, ...], names: tuple[str, ...] | None) -> Any:
        return None

    def _heads_differ(self) -> bool:
        return False

    def _allows(self, targets: Any) -> Bool[Array, ""]:
        return jnp.asarray(True)

    def _disallowed(self, targets: np.ndarray) -> Disallowed | None:
        return None


def initial_state(learner: Any, feature_dim: int, key: Any = None) -> Any:
    """`learner.init(feature_dim, key)`; of one whose `init` takes no key, without it."""
    return (
        learner.init(feature_dim, key) if _takes_key(type(learner)) else learner.init(feature_dim)
    )


def draws_weights(learner: Any) -> bool:
    """Whether the learner draws its initial weights: what it says, else whether it takes a key."""
    told = getattr(learner, "draws_weights", None)
    return _takes_key(type(learner)) if told is None else bool(told)


def experience_of(learner: Any) -> type[AbstractState] | None:
    """What the learner says it learns from; None of one that does not say."""
    return getattr(learner, "experience", None)


@ft.cache
def _takes_key(kind: type) -> bool:
    return "key" in inspect.signature(kind.init).parameters
