"""How units are made new: what every method that replaces units has in common."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..components.numbers import f32
from ..networks import MLPParams, Renewal, Units
from .abstract import FreshWeights, NetworkStep

# An age as large as this stays: a bias that it would correct is gone long before.
_OLDEST = 2**30


def hidden_sizes(params: MLPParams) -> tuple[int, ...]:
    """How many units each hidden layer has; a filter is one unit."""
    return tuple(w.shape[0] for w in params.weights[:-1])


def of_units(activations: Float[Array, " numbers"], units: int) -> Float[Array, " units"]:
    """The activation of each unit: of a filter the mean over its places."""
    if activations.shape[-1] == units:
        return activations
    return jnp.mean(jnp.reshape(activations, (units, -1)), -1)


def grown(ages: Int[Array, " units"]) -> Int[Array, " units"]:
    """One step older."""
    return jnp.minimum(ages + 1, _OLDEST)


def seen(decay: Any, ages: Int[Array, " units"]) -> Float[Array, " units"]:
    """Which share of an exponential average that began at 0 its samples are: 1 - decay^age."""
    return 1.0 - jnp.power(f32(decay), f32(ages))


def outgoing_sizes(weights: Float[Array, "next inputs"], units: int) -> Float[Array, " units"]:
    """The mean |w| of the weights that lead out of each unit."""
    return jnp.mean(jnp.abs(jnp.reshape(weights, (weights.shape[0], units, -1))), (0, 2))


def made_new(
    step: NetworkStep,
    units: tuple[Units, ...],
    key: PRNGKeyArray,
    fresh: FreshWeights,
    gain: Any,
    means: tuple[Float[Array, " units"], ...] | None,
) -> tuple[MLPParams, Renewal, PRNGKeyArray]:
    """The parameters after the step with some units of each hidden layer made new.

    Layer by layer: the incoming weights are drawn, the bias is 0, the outgoing weights are 0. With
    `means`, the mean activation of each unit, what left it on average goes into the biases of the
    layer above. Nothing is drawn, and the key stays, where no unit is chosen.
    """
    weights, biases = list(step.after.weights), list(step.after.biases)
    sizes = hidden_sizes(step.after)
    any_chosen = jnp.any(jnp.stack([jnp.any(one.chosen) for one in units]))
    shapes = [(len(one.chosen), w.shape[-1]) for one, w in zip(units, weights, strict=False)]

    def drawn():
        following, *keys = jr.split(key, 1 + len(shapes))
        rows = [fresh(own, shape) for own, shape in zip(keys, shapes, strict=True)]
        return following, [f32(gain) * row for row in rows]

    def nothing():
        return key, [jnp.zeros(shape, jnp.float32) for shape in shapes]

    key, rows = jax.lax.cond(any_chosen, drawn, nothing)
    renewal = Renewal(units, sizes)
    for layer, one in enumerate(units):
        above = weights[layer + 1]
        last = layer + 2 == len(weights)
        if means is not None and (step.output_bias or not last):
            biases[layer + 1] = biases[layer + 1] + _left(above, one, means[layer])
        *below, own = renewal.of_weights(layer, weights[layer].shape[-1])
        del below  # its columns are 0 already
        weights[layer] = own.written(weights[layer], rows[layer])
        (of_bias,) = renewal.of_bias(layer)
        biases[layer] = of_bias.written(biases[layer], 0.0)
        columns, *_ = renewal.of_weights(layer + 1, above.shape[-1])
        weights[layer + 1] = columns.written(above, 0.0)
    return MLPParams(tuple(weights), tuple(biases)), renewal, key


def _left(
    above: Float[Array, "next inputs"], units: Units, means: Float[Array, " units"]
) -> Float[Array, " next"]:
    """What the chosen units gave to the layer above on average."""
    per_unit = jnp.reshape(above, (above.shape[0], means.shape[0], -1))
    if units.index is None:
        share = jnp.where(units.chosen, means, 0.0)
        return jnp.sum(per_unit, -1) @ share
    share = jnp.where(units.chosen, means[units.index], 0.0)
    left = jnp.zeros(above.shape[0], jnp.float32)
    for j in range(len(units.chosen)):
        column = jax.lax.dynamic_index_in_dim(per_unit, units.index[j], 1, keepdims=False)
        left = left + share[j] * jnp.sum(column, -1)
    return left


def lowest(scores: Float[Array, " units"], eligible: Any, count: int, chosen: Callable) -> Units:
    """The `count` eligible units of the smallest score, ties to the first; `chosen` of their ranks
    0, 1, ... says which of them are."""
    ranked = jnp.where(eligible, scores, jnp.inf)
    if count == 1:
        index = jnp.argmin(ranked)[None].astype(jnp.int32)
    else:
        index = jax.lax.top_k(-ranked, count)[1].astype(jnp.int32)
    return Units(chosen(jnp.arange(count)), index)
