"""Which weights of a network are made new, with all that was learned of them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from .mlp import MLPParams, from_interleaved, interleaved

# Up to so many units are written one after the other, in place; more of them by a scatter.
_FEW = 4


class Units(eqx.Module):
    """Some units of a hidden layer: those `index` of which are `chosen`; without `index` all of
    them that are `chosen`."""

    chosen: Bool[Array, " count"]
    index: Int[Array, " count"] | None = None

    def written(self, array: Array, values: Any, axis: int) -> Array:
        """The array, with the axis of the units given from the end, with `values` at the units.

        `values` broadcast against the array, of which that axis has the length of `chosen`.
        """
        axis = array.ndim - axis
        of_axis = [1] * array.ndim
        of_axis[axis] = -1
        chosen = jnp.reshape(self.chosen, of_axis)
        if self.index is None:
            return jnp.where(chosen, jnp.broadcast_to(values, array.shape), array)
        below, above = array.shape[:axis], array.shape[axis + 1 :]
        values = jnp.broadcast_to(values, (*below, len(self.chosen), *above))
        if len(self.chosen) > _FEW:
            old = jnp.take(array, self.index, axis)
            place = (slice(None),) * axis + (self.index,)
            return array.at[place].set(jnp.where(chosen, values, old), unique_indices=True)
        for j in range(len(self.chosen)):
            old = jax.lax.dynamic_index_in_dim(array, self.index[j], axis)
            new = jax.lax.slice_in_dim(values, j, j + 1, axis=axis)
            new = jnp.where(self.chosen[j], new, old)
            array = jax.lax.dynamic_update_index_in_dim(array, new, self.index[j], axis)
        return array


class Edit(NamedTuple):
    """Units along an axis of a tensor, counted from its end; each takes `places` numbers of it."""

    units: Units
    axis: int
    places: int = 1

    def written(self, array: Array, values: Any) -> Array:
        if self.places == 1:
            return self.units.written(array, values, self.axis)
        shape = array.shape
        parted = jnp.reshape(array, (*shape[:-1], -1, self.places))
        return jnp.reshape(self.units.written(parted, values, self.axis + 1), shape)


class Renewal(eqx.Module):
    """What was made new in a step: of hidden layers the units, with their incoming weights, their
    bias and their outgoing weights; or all that optimizers know, or all traces, where so.

    What an optimizer knows of a weight that is new is as at first, and its trace is 0.

    **Arguments:** `units`: for each hidden layer; `sizes`: how many units each has; `due`: whether
    anything is new in this step, None if that is not known.
    """

    units: tuple[Units, ...] = ()
    sizes: tuple[int, ...] = eqx.field(static=True, default=())
    everything: Bool[Array, ""] | None = None
    traces: Bool[Array, ""] | None = None
    due: Bool[Array, ""] | None = None

    def where_due(self, change: Callable[[Any], Any], kept: Any) -> Any:
        """`change(kept)` where anything is new at all, else `kept`: a branch, not a choice."""
        if self.due is None:
            return change(kept)
        return jax.lax.cond(self.due, change, lambda kept: kept, kept)

    def of_weights(self, layer: int, fan_in: int) -> tuple[Edit, ...]:
        """Where the weights of a layer are new: of units below it, and of its own."""
        edits = []
        if 0 < layer <= len(self.units):
            edits.append(Edit(self.units[layer - 1], 1, fan_in // self.sizes[layer - 1]))
        if layer < len(self.units):
            edits.append(Edit(self.units[layer], 2))
        return tuple(edits)

    def of_bias(self, layer: int) -> tuple[Edit, ...]:
        return (Edit(self.units[layer], 1),) if layer < len(self.units) else ()

    def edits(self, layers: MLPParams) -> MLPParams:
        """For each tensor where it is new."""
        fan_ins = [w.shape[-1] for w in layers.weights]
        weights = tuple(self.of_weights(layer, fan_in) for layer, fan_in in enumerate(fan_ins))
        return MLPParams(weights, tuple(self.of_bias(layer) for layer in range(len(fan_ins))))

    def edits_in_order(self, params: Any) -> tuple[tuple[Edit, ...], ...]:
        """For each tensor where it is new, in the order of the leaves of `params`, which are layers
        or the tensors w0, b0, w1, b1, ..."""
        if isinstance(params, tuple):
            edits: Any = interleaved(self.edits(from_interleaved(params)))
            return edits
        edits = self.edits(params)
        return (*edits.weights, *edits.biases)

    def reset(self, layers: MLPParams, first: MLPParams) -> MLPParams:
        """Arrays like parameters, with axes in front or not, as at first where units are new.

        `first`: the same of a network with one weight in each tensor.
        """
        if not self.units:
            return layers
        edits = self.edits(layers)

        def each(tensors, where, values):
            return tuple(written(*one) for one in zip(tensors, where, values, strict=True))

        return MLPParams(
            each(layers.weights, edits.weights, first.weights),
            each(layers.biases, edits.biases, first.biases),
        )

    def cut(self, trace: Any) -> Any:
        """A trace, a tree like the parameters, 0 where they are new or all traces end."""
        if self.units:
            trace = self.reset(trace, one_weight_each(trace))
        ended = self.traces
        return trace if ended is None else jax.tree.map(lambda z: jnp.where(ended, 0.0, z), trace)


def written(array: Array, edits: tuple[Edit, ...], values: Any, only: Any = True) -> Array:
    """The array with `values` where the edits say, if it is so at all."""
    for edit in edits:
        if only is not True:
            units = Units(edit.units.chosen & only, edit.units.index)
            edit = edit._replace(units=units)
        array = edit.written(array, values)
    return array


def one_weight_each(params: Any) -> Any:
    """The parameters of a network with one weight in each tensor, all of them 0."""
    return jax.tree.map(lambda w: jnp.zeros((1,) * jnp.ndim(w), jnp.float32), params)
