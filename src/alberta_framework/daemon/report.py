"""What a daemon tells of its learner, as JSON values."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..diagnostics import compute_feature_relevance, compute_plasticity, relevance_to_dict
from ..learners import (
    AbstractLearner,
    AbstractLearnerState,
    AbstractMeasured,
    MetricParts,
    agent_age_s,
    living,
)


def has_life(state: Any) -> bool:
    """Whether the state counts its steps and knows its age."""
    return isinstance(living(state), AbstractLearnerState)


def life(state: Any, steps: int, rejected_events: int | None) -> dict[str, Any]:
    """Counts and ages of a state after so many events; `rejected_events`: as its kind of events
    counts them, for a state that does not."""
    alive = has_life(state)
    rejected = state.rejected_count if alive else rejected_events
    return {
        "steps": steps,
        "step_count": state.step_count if alive else None,
        "rejected_count": state.rejected_count if alive else None,
        "rejected_events": rejected,
        "share_rejected": rejected / steps if steps and rejected is not None else None,
        "age_s": float(agent_age_s(state)) if alive else None,
        "uptime_s": float(state.uptime_s) if alive else None,
    }


def relevance(
    learner: AbstractLearner,
    state: Any,
    features: Sequence[str] | None,
    heads: Sequence[str] | None,
) -> dict[str, Any] | None:
    """What the predictions rest on: of heads or demons as `relevance_to_dict`, of one prediction by
    feature; None of a learner that does not tell its weights."""
    network = learner.network_of(state)
    if network is None:
        return None
    if learner.metric_parts != MetricParts() or len(network.head_weights) > 1:
        return relevance_to_dict(compute_feature_relevance(state, learner), features, heads)
    layers = () if network.trunk is None else network.trunk.params.weights
    found = _sizes(network.head_weights)[0]
    for weights in reversed(layers):
        found = found @ _sizes(weights)
    names = features or [f"feature_{i}" for i in range(found.size)]
    return {"weight_relevance": dict(zip(names, found.tolist(), strict=True))}


def _sizes(weights: Any) -> np.ndarray:
    return np.abs(np.asarray(weights, np.float64))


def plasticity(
    learner: AbstractMeasured, state: Any, observations: np.ndarray, samples: int
) -> dict[str, Any] | None:
    """`compute_plasticity` by what the learner's monitor saw, else on the latest observations; None
    without a network, and where neither is there.

    Fewer than `samples` are repeated up to that number, so that there is one program.
    """
    network = learner.network_of(state)
    if network is None:
        return None
    if network.watched is not None:
        return watched_plasticity(learner, state)
    if network.trunk is None:
        return None
    if not len(observations):
        return None
    repeated = np.resize(observations, (samples, observations.shape[1]))
    return compute_plasticity(learner, state, repeated).to_dict()


def watched_plasticity(learner: AbstractMeasured, state: Any) -> dict[str, Any] | None:
    """`compute_plasticity` by what the monitor of the learner, or of the agent, saw; None without
    one."""
    network = learner.network_of(state)
    if network is None or network.watched is None:
        return None
    return compute_plasticity(learner, state).to_dict()


def plain(value: Any) -> Any:
    """The value with None in place of what is not finite, which JSON cannot say."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
