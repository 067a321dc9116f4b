"""Comparisons of agents in an environment."""

from .comparison import ControlComparison as ControlComparison
from .configuration import control_comparison_from_config as control_comparison_from_config
from .figure import plot_control_comparison as plot_control_comparison
from .files import save_control_comparison as save_control_comparison
from .result import AgentResult as AgentResult
from .result import AgentStanding as AgentStanding
from .result import ControlResult as ControlResult
from .run import ControlRun as ControlRun
from .run import run_control_comparison as run_control_comparison
