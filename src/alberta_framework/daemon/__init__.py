"""A learner that lives in a process: one event in, predictions out, one update."""

from .daemon import Daemon as Daemon
from .daemon import StepResult as StepResult
from .events import EventProcessor as EventProcessor
from .events import EventSchema as EventSchema
from .report import plain as plain
from .report import relevance as relevance
from .serving import Stop as Stop
from .serving import serve_socket as serve_socket
from .serving import serve_stream as serve_stream
