"""Which inputs matter: relevance of features to heads, from a learner's state alone."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..components.state import AbstractState
from ..learners import AbstractHeadsState, AbstractLearner, Network, Trunk
from ..optimizers import (
    AutostepParamState,
    FADEParamState,
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
    state: Any, learner: AbstractLearner | None = None
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

    **Arguments:** `state`; `learner`: may be left out for the state of a multi-head learner or a
    Horde whose optimizer is one of the library's `LMS`, `IDBD`, `Autostep`, `FADE`, which tells its
    step sizes by itself.

    **Raises:** `TypeError` for another state without `learner`, and for a learner that does not
    tell its weights by `network_of`.
    """
    network = _network(state) if learner is None else learner.network_of(state)
    if network is None:
        raise TypeError(f"`learner` must tell its weights, got a {type(learner).__name__}.")
    trunk, statistics = network.trunk, network.normalizer_state
    weights = () if trunk is None else trunk.params.weights
    reliance = jnp.abs(network.head_weights)
    relevance = reduce(lambda r, w: r @ jnp.abs(w), reversed(weights), reliance)
    step_size_activity = trace_activity = jnp.zeros(relevance.shape[-1], jnp.float32)
    if trunk is not None and weights:
        step_sizes = jnp.abs(trunk.step_sizes[0])
        step_size_activity = jnp.mean(jnp.broadcast_to(step_sizes, weights[0].shape), 0)
        trace_activity = jnp.mean(jnp.abs(trunk.traces[0]), 0)
    head_mean = None
    if network.head_step_sizes is not None:
        sizes = jnp.reshape(network.head_step_sizes, (reliance.shape[0], -1))
        head_mean = jnp.mean(sizes, -1)
    mean = std = None
    if statistics is not None:
        mean, std = statistics.mean, jnp.sqrt(statistics.var + 1e-8)
    return FeatureRelevance(
        weight_relevance=relevance,
        step_size_activity=step_size_activity,
        trace_activity=trace_activity,
        normalizer_mean=mean,
        normalizer_std=std,
        head_reliance=reliance,
        head_mean_step_size=head_mean,
    )


def _network(state: AbstractHeadsState) -> Network:
    """The network of a multi-head learner, from its state alone."""
    if not hasattr(state, "head_params"):
        raise TypeError(
            f"`state` must be that of a multi-head learner, got a {type(state).__name__}; pass the "
            "`learner` as well."
        )
    heads = state.head_optimizer_states.w
    # How the layers are computed is not known, and not asked.
    trunk = Trunk(
        params=state.trunk_params,
        step_sizes=tuple(_step_sizes(own) for own in state.trunk_optimizer_states),
        traces=state.trunk_traces,
        leaky_relu_slope=jnp.nan,
        use_layer_norm=False,
    )
    return Network(
        head_weights=state.head_params.weights[:, 0, :],
        head_step_sizes=None if isinstance(heads, LMSState) else _step_sizes(heads),
        trunk=trunk,
        normalizer_state=state.normalizer_state,
    )


def _step_sizes(optimizer_state: Any) -> Float[Array, "..."]:
    match optimizer_state:
        case LMSState():
            return optimizer_state.step_size
        case IDBDParamState() | FADEParamState():
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
