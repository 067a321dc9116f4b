"""A learner or an agent that lives in a process: one event in, its answer out, one update."""

from .action_events import ActionEventSchema as ActionEventSchema
from .actions import ActionResult as ActionResult
from .daemon import Daemon as Daemon
from .daemon import StepResult as StepResult
from .events import EventProcessor as EventProcessor
from .labelled_events import EventSchema as EventSchema
from .replaying import replay_daemon as replay_daemon
from .shadow import shadow_of as shadow_of
