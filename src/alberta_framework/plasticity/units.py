"""How units are made new: what every method that replaces units has in common."""

import itertools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, Shaped

from ..components.numbers import f32
from ..networks import MLPParams, Renewal, Units, written
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


class MadeNew(eqx.Module):
    """The parameters after some units were made new, which they were, what was kept of all units,
    0 for these, the key to draw on with, and how many there are in each layer."""

    params: MLPParams
    renewal: Renewal
    kept: Any
    key: PRNGKeyArray
    counts: Int[Array, " layers"]


def made_new(
    step: NetworkStep,
    due: Bool[Array, ""],
    choose: Callable[[], tuple[Units, ...]],
    kept: Any,
    key: PRNGKeyArray,
    fresh: FreshWeights,
    gain: Any,
    means: Float[Array, " all_units"] | None = None,
) -> MadeNew:
    """Where `due`, the parameters after the step with the chosen units of each hidden layer new.

    Layer by layer: the incoming weights are drawn, the bias is 0, the outgoing weights are 0. With
    `means`, the mean activation of each unit, what left it on average goes into the biases of the
    layer above. All of it is a branch, so that a step in which nothing is due does not pay for it.

    **Arguments:** `choose`: which units, of each hidden layer; `kept`: arrays with an entry for
    each unit, those of all layers in a row.
    """
    sizes = hidden_sizes(step.after)

    def replaced(params, kept, key):
        units = choose()
        weights, biases = list(params.weights), list(params.biases)
        key, *keys = jr.split(key, 1 + len(units))
        renewal = Renewal(units, sizes)
        of_layers: Any = (None,) * len(units) if means is None else by_layer(means, sizes)
        for layer, one in enumerate(units):
            above = weights[layer + 1]
            if of_layers[layer] is not None and (step.output_bias or layer + 2 < len(weights)):
                biases[layer + 1] = biases[layer + 1] + _left(above, one, of_layers[layer])
            rows = fresh(keys[layer], (len(one.chosen), weights[layer].shape[-1]))
            own = renewal.of_weights(layer, weights[layer].shape[-1])[-1]
            weights[layer] = own.written(weights[layer], f32(gain) * rows)
            biases[layer] = written(biases[layer], renewal.of_bias(layer), 0.0)
            columns = renewal.of_weights(layer + 1, above.shape[-1])[0]
            weights[layer + 1] = columns.written(above, 0.0)

        def forgotten(array):
            parts = zip(by_layer(array, sizes), units, strict=True)
            return jnp.concatenate([one.written(part, 0, 1) for part, one in parts])

        params = MLPParams(tuple(weights), tuple(biases))
        return params, jax.tree.map(forgotten, kept), key, units

    nothing = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(choose))

    def unchanged(params, kept, key):
        return params, kept, key, nothing

    params, kept, key, units = jax.lax.cond(due, replaced, unchanged, step.after, kept, key)
    counts = jnp.stack([jnp.sum(one.chosen) for one in units]).astype(jnp.int32)
    return MadeNew(params, Renewal(units, sizes, due=due), kept, key, counts)


def by_layer(array: Shaped[Array, " all_units"], sizes: tuple[int, ...]) -> tuple[Array, ...]:
    """The parts that belong to each hidden layer."""
    ends = list(itertools.accumulate(sizes))
    return tuple(array[end - size : end] for size, end in zip(sizes, ends, strict=True))


def of_all_units(
    activations: tuple[Float[Array, " numbers"], ...], sizes: tuple[int, ...]
) -> Float[Array, " all_units"]:
    """The activation of each unit, all layers in a row."""
    pairs = zip(activations, sizes, strict=True)
    return jnp.concatenate([of_units(numbers, size) for numbers, size in pairs])


def incoming_sizes(params: MLPParams) -> Float[Array, " all_units"]:
    """The mean |w| of the weights that lead into each unit.

    Sums of rows and columns are products: the processor's vector unit makes these, and reductions
    one number after the other.
    """
    means = [jnp.abs(w) @ jnp.full(w.shape[-1], 1.0 / w.shape[-1]) for w in params.weights[:-1]]
    return jnp.concatenate(means)


def outgoing_sizes(params: MLPParams) -> Float[Array, " all_units"]:
    """The mean |w| of the weights that lead out of each unit."""
    means = []
    for size, w in zip(hidden_sizes(params), params.weights[1:], strict=True):
        columns = jnp.full(w.shape[0], 1.0 / w.shape[0]) @ jnp.abs(w)
        means.append(of_units(columns, size))
    return jnp.concatenate(means)


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
