"""Files learned event by event, by the learner that is recommended where nothing is known."""

from .files import CHECKPOINT as CHECKPOINT
from .files import CONFIG as CONFIG
from .files import plot_fit as plot_fit
from .files import save_fit as save_fit
from .fit import FileFit as FileFit
from .fit import FilePlan as FilePlan
from .fit import plan_fit as plan_fit
from .recommended import recommended_learner as recommended_learner
from .scores import Score as Score
