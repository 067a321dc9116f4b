"""A step of a learner, of which a compiled loop carries the state on."""

from typing import Any

from ..components.answers import require_like, require_pair


def learned(learner: Any, state: Any, experience: Any) -> tuple[Any, Any]:
    """`learner.learn(state, experience)`, with what it returned looked at where it is traced.

    **Raises:** `TypeError` naming the class, for what is no pair, and for a state unlike the one
    before.
    """
    who, found = f"{type(learner).__name__}: `learn`", learner.learn(state, experience)
    require_pair(who, found, "what a loop records of the step")
    require_like(who, state, found[0])
    return found
