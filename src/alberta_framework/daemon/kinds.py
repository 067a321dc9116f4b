"""Which kind of events a learner has: by its contract, an agent's, or by what it learns from."""

from typing import Any

from ..control import AbstractAgent
from ..experience import DemonStep, MultiHeadStep, TDTimeStep, TimeStep
from ..learners import AbstractLearner, experience_of
from .actions import ActionEvents
from .event_kind import AbstractEventKind
from .examples import ExampleEvents
from .transitions import TransitionEvents

_OF_EXAMPLES = (TimeStep, MultiHeadStep)
_OF_TRANSITIONS = (TDTimeStep, DemonStep)


def require_served(learner: Any, gamma: Any) -> None:
    """Check that there are events for it, and that it has a discount if it needs one.

    **Raises:** `TypeError`, `ValueError` naming the argument.
    """
    if isinstance(learner, AbstractAgent):
        _require_gamma(learner, gamma, needed=False)
        return
    if not isinstance(learner, AbstractLearner):
        raise TypeError(
            f"Daemon: `learner` must be an AbstractLearner or an AbstractAgent, got {learner!r}."
        )
    name, kinds = type(learner).__name__, _OF_EXAMPLES + _OF_TRANSITIONS
    experience = experience_of(learner)
    if experience not in kinds:
        told = "nothing" if experience is None else experience.__name__
        raise TypeError(
            f"Daemon: `learner` must say by its class attribute `experience` that it learns from "
            f"one of {', '.join(each.__name__ for each in kinds)}; {name} says {told}."
        )
    if not callable(getattr(learner, "predict", None)):
        raise TypeError(f"Daemon: `learner` must have a method `predict`; {name} has none.")
    _require_gamma(learner, gamma, needed=experience is TDTimeStep)


def event_kind(learner: Any, state: Any, feature_dim: int, gamma: Any) -> AbstractEventKind:
    """The events of a learner, and their programs, compiled."""
    if isinstance(learner, AbstractAgent):
        return ActionEvents(learner, state, feature_dim)
    if experience_of(learner) in _OF_TRANSITIONS:
        return TransitionEvents(learner, state, feature_dim, gamma)
    return ExampleEvents(learner, state, feature_dim)


def _require_gamma(learner: Any, gamma: Any, needed: bool) -> None:
    name = type(learner).__name__
    if not needed:
        if gamma is not None:
            raise ValueError(
                "Daemon: `gamma` is for a learner of TDTimeSteps, as TDLinearLearner; "
                f"{name} is none."
            )
        return
    real = isinstance(gamma, int | float) and not isinstance(gamma, bool)
    if not real or not 0.0 <= gamma <= 1.0:
        raise ValueError(f"Daemon: `gamma` of a {name} must lie in [0, 1], got {gamma!r}.")
