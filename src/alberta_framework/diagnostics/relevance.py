"""Which inputs matter: relevance of features to heads, from a learner's state alone."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._state import AbstractState
from ..learners import MultiHeadMLPLearner, MultiHeadMLPState
from ..optimizers import (
    AutostepParamState,
    IDBDParamState,
    LMSState,
)


class FeatureRelevance(AbstractState):
    """How strongly each feature acts, by weights, step sizes, traces and normalizer."""

    weight_relevance: Float[Array, "heads features"]
    step_size_activity: Float[Array, " features"]
    trace_activity: Float[Array, " features"]
    normalizer_mean: Float[Array, " features"] | None
    normalizer_std: Float[Array, " features"] | None
    head_reliance: Float[Array, "heads hidden"]
    head_mean_step_size: Float[Array, " heads"] | None


def compute_feature_relevance(
    state: MultiHeadMLPState, learner: MultiHeadMLPLearner | None = None
) -> FeatureRelevance:
    """The relevance of each input feature; safe under jit and vmap.

    - `weight_relevance` [heads, features]: |w_i| |W_L| ... |W_1|, without a trunk |w_i|. Weights
      act on normalized inputs, so it compares features in units of their standard deviation.
    - `step_size_activity` [features]: mean step size of each column of the first trunk weights; 0
      without a trunk.
    - `trace_activity` [features]: likewise, mean absolute trace.
    - `normalizer_mean`, `normalizer_std` [features], or None.
    - `head_reliance` [heads, hidden]: |w_i|.
    - `head_mean_step_size` [heads]: of the head's weights, for optimizers that learn step sizes;
      None for `LMS`.

    **Arguments:** `learner`: needed only for an optimizer of your own, whose states tell their step
    sizes through it.

    **Raises:** `TypeError` for the state of an unknown optimizer without `learner`.
    """
    trunk, heads = state.trunk_params.weights, state.head_params
    reliance = jnp.abs(heads.weights[:, 0, :])
    relevance = reduce(lambda r, w: r @ jnp.abs(w), reversed(trunk), reliance)
    zeros = jnp.zeros(state.feature_dim, jnp.float32)
    step_size_activity = trace_activity = zeros
    if trunk:
        optimizer = None if learner is None else learner.optimizer
        step_sizes = jnp.abs(_step_sizes(state.trunk_optimizer_states[0], optimizer))
        step_size_activity = jnp.mean(jnp.broadcast_to(step_sizes, trunk[0].shape), 0)
        trace_activity = jnp.mean(jnp.abs(state.trunk_traces[0]), 0)
    head_states = state.head_optimizer_states.w
    head_mean = None
    if not isinstance(head_states, LMSState):
        head_optimizer = None
        if learner is not None:
            head_optimizer = learner.head_optimizer or learner.optimizer
        sizes = _step_sizes(head_states, head_optimizer)
        head_mean = jnp.mean(jnp.reshape(sizes, (state.n_heads, -1)), -1)
    mean = std = None
    if state.normalizer_state is not None:
        mean = state.normalizer_state.mean
        std = jnp.sqrt(state.normalizer_state.var + 1e-8)
    return FeatureRelevance(
        weight_relevance=relevance,
        step_size_activity=step_size_activity,
        trace_activity=trace_activity,
        normalizer_mean=mean,
        normalizer_std=std,
        head_reliance=reliance,
        head_mean_step_size=head_mean,
    )


def _step_sizes(optimizer_state: Any, optimizer: Any) -> Float[Array, "..."]:
    if optimizer is not None:
        return optimizer.step_sizes(optimizer_state)
    match optimizer_state:
        case LMSState():
            return optimizer_state.step_size
        case IDBDParamState():
            return jnp.exp(optimizer_state.log_step_sizes)
        case AutostepParamState():
            return optimizer_state.step_sizes
    raise TypeError(
        f"`state` holds a {type(optimizer_state).__name__}, which does not tell its step sizes by "
        "itself; pass the `learner` as well."
    )


def relevance_to_dict(
    relevance: FeatureRelevance,
    feature_names: Sequence[str] | None = None,
    head_names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The relevance as nested dictionaries of Python floats, ready for JSON.

    `normalized_weight_relevance` is the weight relevance times the standard deviation of the
    feature, kept for files that other programs read.

    **Arguments:** names, default `feature_{f}` and `head_{i}`.

    **Raises:** `ValueError` for the wrong number of names, or a name that stands twice.
    """
    weights = np.asarray(relevance.weight_relevance, np.float64)
    n_heads, n_features = weights.shape
    features = _names("feature_names", feature_names, "feature_{}", n_features)
    heads = _names("head_names", head_names, "head_{}", n_heads)

    def by_feature(values: Any) -> dict[str, float]:
        return dict(zip(features, np.asarray(values, np.float64).tolist(), strict=True))

    trunk = {
        "step_size_activity": by_feature(relevance.step_size_activity),
        "trace_activity": by_feature(relevance.trace_activity),
    }
    std = None
    if relevance.normalizer_mean is not None:
        std = np.asarray(relevance.normalizer_std, np.float64)
        trunk["normalizer_mean"] = by_feature(relevance.normalizer_mean)
        trunk["normalizer_std"] = by_feature(std)
    reliance = np.asarray(relevance.head_reliance, np.float64).tolist()
    per_head: dict[str, Any] = {}
    for i, head in enumerate(heads):
        entry: dict[str, Any] = {"weight_relevance": by_feature(weights[i])}
        if std is not None:
            entry["normalized_weight_relevance"] = by_feature(weights[i] * std)
        entry["head_reliance"] = {f"neuron_{j}": v for j, v in enumerate(reliance[i])}
        if relevance.head_mean_step_size is not None:
            entry["mean_step_size"] = float(relevance.head_mean_step_size[i])
        per_head[head] = entry
    return {"trunk": trunk, "per_head": per_head}


def _names(argument: str, names: Sequence[str] | None, default: str, count: int) -> list[str]:
    if names is None:
        return [default.format(i) for i in range(count)]
    if len(names) != count:
        raise ValueError(f"`{argument}` must have {count} names, got {len(names)}.")
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ValueError(f"`{argument}` must be distinct, got {', '.join(map(repr, twice))} twice.")
    return list(names)
