"""What a daemon tells of its learner, as JSON values."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..diagnostics import compute_feature_relevance, compute_plasticity, relevance_to_dict
from ..horde import HordeLearner
from ..learners import MLPLearner, MultiHeadMLPLearner


def relevance(
    learner: Any, state: Any, features: Sequence[str] | None, heads: Sequence[str] | None
) -> dict[str, Any]:
    """What the predictions rest on: of many heads as `relevance_to_dict`, of one by feature."""
    if isinstance(learner, HordeLearner):
        learner = learner.learner
    if isinstance(learner, MultiHeadMLPLearner):
        return relevance_to_dict(compute_feature_relevance(state, learner), features, heads)
    if isinstance(learner, MLPLearner):
        weights = [np.abs(np.asarray(w, np.float64)) for w in state.params.weights]
        found = weights[-1][0]
        for w in reversed(weights[:-1]):
            found = found @ w
    else:
        found = np.abs(np.asarray(state.weights, np.float64))
    names = features or [f"feature_{i}" for i in range(found.size)]
    return {"weight_relevance": dict(zip(names, found.tolist(), strict=True))}


def plasticity(
    learner: Any, state: Any, observations: np.ndarray, samples: int
) -> dict[str, Any] | None:
    """`compute_plasticity` on the latest observations; None without a network or observations.

    Fewer than `samples` are repeated up to that number, so that there is one program.
    """
    if isinstance(learner, HordeLearner):
        learner = learner.learner
    if not isinstance(learner, MLPLearner | MultiHeadMLPLearner) or not len(observations):
        return None
    repeated = np.resize(observations, (samples, observations.shape[1]))
    return compute_plasticity(learner, state, repeated).to_dict()


def plain(value: Any) -> Any:
    """The value with None in place of what is not finite, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
