"""The state of a rule that keeps a trace and nothing else."""

from typing import Any

from ..components.state import AbstractState


class TraceState(AbstractState):
    """The eligibility trace, a tree like the parameters."""

    trace: Any
