"""Heads on a trunk as one network, for what keeps it plastic, and what it made new in them."""

from collections.abc import Callable

from jaxtyping import Array, Bool

from ..networks import MLPParams, Renewal, written
from ..optimizers import AbstractOptimizer
from ..step_rules import beginning_where, renewed_tensor
from .network import zeros_like
from .stacked_heads import HeadOptimizerStates, HeadTraces


def whole_network(trunk: MLPParams, heads: MLPParams) -> MLPParams:
    """The whole network, the heads as the rows of its output layer."""
    weights, biases = heads.weights[:, 0, :], heads.biases[:, 0]
    return MLPParams((*trunk.weights, weights), (*trunk.biases, biases))


def trunk_and_heads(layers: MLPParams) -> tuple[MLPParams, MLPParams]:
    """The trunk and the heads of a whole network."""
    (*weights, of_heads), (*biases, of_head_biases) = layers.weights, layers.biases
    heads = MLPParams(of_heads[:, None, :], of_head_biases[:, None])
    return MLPParams(tuple(weights), tuple(biases)), heads


def renewed_heads(
    optimizer: AbstractOptimizer,
    heads: MLPParams,
    renewal: Renewal,
    states: HeadOptimizerStates,
    traces: HeadTraces,
) -> tuple[HeadOptimizerStates, HeadTraces]:
    """What is known of the heads' weights, as at first where units below them are new."""

    def change(known):
        states, traces = known
        weights, below = heads.weights, len(renewal.units)
        edits = renewal.of_weights(below, weights.shape[-1])
        shapes = (1, 1), (1,)
        first = HeadOptimizerStates(*(optimizer.init_for_shape(shape) for shape in shapes))
        w = renewed_tensor(states.w, first.w, weights, edits)
        states = beginning_where(renewal.everything, HeadOptimizerStates(w, states.b), first)
        traces = HeadTraces(written(traces.w, edits, 0.0), traces.b)
        return states, beginning_where(renewal.traces, traces, zeros_like(traces))

    return renewal.where_due(change, (states, traces))


def renewed_trunk_traces(
    after: Callable, renewals: tuple[Renewal, ...], accepted: Bool[Array, ""]
) -> tuple[Array, ...]:
    """The heads' traces of the trunk after a step, 0 where units are new."""
    traces = after(accepted)
    for renewal in renewals:
        edits = renewal.edits_in_order(traces) if renewal.units else ((),) * len(traces)
        each = zip(traces, edits, strict=True)
        traces = tuple(written(z, where, 0.0, only=accepted) for z, where in each)
        if renewal.traces is not None:
            traces = beginning_where(renewal.traces & accepted, traces, zeros_like(traces))
    return traces
