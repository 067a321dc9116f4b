"""A learner that lives in a process: one event in, predictions out, one update."""

from .daemon import Daemon as Daemon
from .daemon import StepResult as StepResult
from .events import EventProcessor as EventProcessor
from .events import EventSchema as EventSchema
