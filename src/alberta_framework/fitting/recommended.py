"""The one learner for data that nobody has looked at yet."""

from ..components.ranges import require_count
from ..learners import LinearLearner, SoftmaxLinearLearner
from ..normalizers import EMANormalizer
from ..optimizers import Autostep


def recommended_learner(n_classes: int | None = None) -> LinearLearner | SoftmaxLinearLearner:
    """The learner to begin with: of a number, or of one of `n_classes` classes.

    It is linear, finds its own step sizes, and takes inputs and targets of any scale. What it was
    chosen by are the data sets of `benchmarks/prequential.py`, event by event.

    **Arguments:** `n_classes` >= 2; None, the default: the target is a number.
    """
    inputs = EMANormalizer(clip=10.0)
    if n_classes is None:
        return LinearLearner(Autostep(), inputs, target_normalizer=EMANormalizer(clip=10.0))
    require_count("recommended_learner", "n_classes", n_classes, low=2)
    return SoftmaxLinearLearner(n_classes, Autostep(), inputs)
