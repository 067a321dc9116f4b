"""Small comparisons."""

import alberta_framework as af
from alberta_framework.comparisons import Comparison, Contender


def small(**changes):
    """Two learners on a random walk of 3 inputs: LMS at three step sizes, IDBD at two points."""
    arguments = {
        "name": "small",
        "stream": af.RandomWalkStream(3, drift_rate=0.01),
        "learners": {
            "LMS": Contender(
                af.LinearLearner(af.LMS()), {"optimizer.step_size": [0.01, 0.05, 0.1]}
            ),
            "IDBD": Contender(
                af.LinearLearner(af.IDBD(0.05), use_bias=False),
                {"optimizer.meta_step_size": [0.0, 0.02]},
            ),
        },
        "num_steps": 200,
        "evaluate_last": 80,
        "window": 10,
        "seeds": 2,
    }
    return Comparison(**arguments | changes)


def config(**changes):
    """What `small` reads from a file."""
    return small().to_config() | changes
