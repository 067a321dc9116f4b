"""Comparisons of learners on a stream."""

from .comparison import Comparison as Comparison
from .configuration import comparison_from_config as comparison_from_config
from .figure import plot_comparison as plot_comparison
from .figure import spoken_point as spoken_point
from .files import save_comparison as save_comparison
from .result import ComparisonResult as ComparisonResult
from .result import LearnerResult as LearnerResult
from .result import Standing as Standing
from .run import ComparisonRun as ComparisonRun
from .run import run_comparison as run_comparison
from .side_by_side import LearnerGrid as LearnerGrid
from .side_by_side import SideBySide as SideBySide
