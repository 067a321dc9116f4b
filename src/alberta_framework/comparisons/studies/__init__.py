"""Studies: agents in several environments, in several variants, cell by cell."""

from .configuration import control_study_from_config as control_study_from_config
from .figure import plot_control_study as plot_control_study
from .files import save_control_study as save_control_study
from .result import ControlStudyResult as ControlStudyResult
from .result import SameUntilCut as SameUntilCut
from .result import StudyCell as StudyCell
from .result import StudyDifference as StudyDifference
from .run import ControlStudyRun as ControlStudyRun
from .run import run_control_study as run_control_study
from .study import ControlStudy as ControlStudy
