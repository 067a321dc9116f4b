"""The one learner for data that nobody has looked at yet."""

from ..components.ranges import require_count
from ..learners import LinearLearner, SoftmaxLinearLearner
from ..normalizers import WelfordNormalizer
from ..optimizers import Autostep

# What is older than so many events is slowly forgotten: means and scales that drift are followed.
_MEMORY = 10_000


def recommended_learner(n_classes: int | None = None) -> LinearLearner | SoftmaxLinearLearner:
    """The learner to begin with: of a number, or of one of `n_classes` classes.

    It is linear, finds its own step sizes, and takes inputs and targets of any scale. It was chosen
    by the data sets of `benchmarks/prequential.py`, event by event:

    - a number: `LinearLearner(Autostep(0.05, 0.1), scaled, target_normalizer=scaled)` with
      `scaled = WelfordNormalizer(clip=10.0, memory=10_000)`;
    - a class: `SoftmaxLinearLearner(n_classes, Autostep(0.1, 0.1), WelfordNormalizer(clip=3.0,
      memory=10_000))`.

    **Arguments:** `n_classes` >= 2; None, the default: the target is a number.
    """
    if n_classes is None:
        scaled = WelfordNormalizer(clip=10.0, memory=_MEMORY)
        return LinearLearner(Autostep(0.05, 0.1), scaled, target_normalizer=scaled)
    require_count("recommended_learner", "n_classes", n_classes, low=2)
    # An input that is rarely anything is far away when it is: on such a step size would stay small.
    inputs = WelfordNormalizer(clip=3.0, memory=_MEMORY)
    return SoftmaxLinearLearner(n_classes, Autostep(0.1, 0.1), inputs)
