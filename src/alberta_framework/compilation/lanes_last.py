"""Lanes along the last axis of every array, in place of `jax.vmap`'s first.

Processors compute along the last axis. A learner of few inputs has little there, and many lanes
side by side have much: a step whose arrays end in the lanes runs several times faster. `jax.vmap`
takes lanes from any axis, but moves them to the front of most results.
"""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

# JAX 0.12, where it is a `Jaxpr`, does not export it to type checkers.
from jax.extend.core import (
    ClosedJaxpr,  # pyright: ignore[reportPrivateImportUsage]
    Jaxpr,
    Literal,
)

_ELEMENTWISE = (
    r"abs|acos|acosh|add|add_any|and|asin|asinh|atan|atan2|atanh|cbrt|ceil|clamp"
    r"|convert_element_type|copy|copy_p|cos|cosh|div|eq|erf|erf_inv|erfc|exp|exp2|expm1|floor"
    r"|ge|gt|integer_pow|is_finite|le|log|log1p|logistic|lt|max|min|mul|ne|neg|nextafter|not|or"
    r"|pow|reduce_precision|rem|round|rsqrt|select_n|shift_left|shift_right_arithmetic"
    r"|shift_right_logical|sign|sin|sinh|sqrt|square|stop_gradient|sub|tan|tanh|xor"
)
# Their axes count from the front, so that one more at the end changes nothing.
_ALONG_AXES = (
    r"argmax|argmin|cumlogsumexp|cummax|cummin|cumprod|cumsum|reduce_and|reduce_max|reduce_min"
    r"|reduce_or|reduce_prod|reduce_xor|rev|split|squeeze"
)
_CALLS = {"jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr"}
_CALLS |= {"custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}


def over_last_axis(fn: Callable, *args: Any, lanes: int, shared: tuple[bool, ...]) -> Any:
    """`fn` of every lane, of arguments whose arrays end in an axis of lanes.

    **Arguments:** `lanes`: how many; `shared`: of each argument, whether its arrays have no such
    axis and are the same for every lane.

    **Returns:** what `fn` gives, each array with the lanes as its last axis.
    """
    leaves, treedef = jax.tree.flatten(args)
    same = [flag for arg, flag in zip(args, shared, strict=True) for _ in jax.tree.leaves(arg)]
    one = [
        jax.ShapeDtypeStruct(jnp.shape(leaf) if flag else jnp.shape(leaf)[:-1], leaf.dtype)
        for leaf, flag in zip(leaves, same, strict=True)
    ]
    closed, shape = jax.make_jaxpr(fn, return_shape=True)(*jax.tree.unflatten(treedef, one))
    values = [_Value(leaf, not flag) for leaf, flag in zip(leaves, same, strict=True)]
    results = _evaluated(closed.jaxpr, closed.consts, values, lanes)
    pairs = zip(results, closed.jaxpr.outvars, strict=True)
    whole = [_spread(value, _shape(var), lanes) for value, var in pairs]
    return jax.tree.unflatten(jax.tree.structure(shape), whole)


def _shape(atom: Any) -> tuple[int, ...]:
    """The shape of one lane's array."""
    return tuple(atom.aval.shape)


class _Value:
    """An array, and whether it ends in the lanes."""

    def __init__(self, array: Any, has_lanes: bool):
        self.array, self.has_lanes = array, has_lanes
        self._computed: Any = None

    def computed(self) -> Any:
        """A flag of each lane, computed here and not once more for every number it decides on.

        XLA repeats what leads to it in each fusion that reads it, for each of their elements, but
        not what leads to a product of matrices.
        """
        if self._computed is None:
            twice = jnp.stack([self.array.astype(jnp.float32)] * 2)
            self._computed = jnp.ones(2, jnp.float32) @ twice > 0.0
        return self._computed


def _spread(value: _Value, shape: tuple[int, ...], lanes: int) -> Any:
    """The array with the shape and then the lanes; a scalar is repeated."""
    own = jnp.ndim(value.array) - value.has_lanes
    axes = (*range(own), *((len(shape),) if value.has_lanes else ()))
    if value.has_lanes and own == len(shape):
        return value.array
    flags = value.has_lanes and own == 0 and value.array.dtype == jnp.bool_
    array = value.computed() if flags else value.array
    return lax.broadcast_in_dim(array, (*shape, lanes), axes)


def _evaluated(jaxpr: Jaxpr, consts: Any, args: list[_Value], lanes: int) -> list[_Value]:
    environment = dict(
        zip(jaxpr.constvars, [_Value(const, False) for const in consts], strict=True)
    )
    environment |= dict(zip(jaxpr.invars, args, strict=True))

    def read(atom):
        return _Value(atom.val, False) if isinstance(atom, Literal) else environment[atom]

    for eqn in jaxpr.eqns:
        results = _applied(eqn, [read(atom) for atom in eqn.invars], lanes)
        environment |= dict(zip(eqn.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _applied(eqn: Any, values: list[_Value], lanes: int) -> list[_Value]:
    name, params = eqn.primitive.name, eqn.params
    if name in _CALLS:
        inner = params[_CALLS[name]]
        closed = inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())
        return _evaluated(closed.jaxpr, closed.consts, values, lanes)
    if not any(value.has_lanes for value in values):
        return [_Value(array, False) for array in _bound(eqn, [value.array for value in values])]
    shapes = [_shape(var) for var in eqn.outvars]
    if re.fullmatch(_ELEMENTWISE, name):
        arrays = _bound(eqn, [_spread(value, shapes[0], lanes) for value in values])
    elif re.fullmatch(_ALONG_AXES, name):
        arrays = _bound(eqn, [value.array for value in values])
    elif name in _STRUCTURAL:
        arrays = _STRUCTURAL[name](eqn, values, shapes[0], lanes)
    else:
        arrays = None
    if arrays is None:
        axes = tuple(-1 if value.has_lanes else None for value in values)
        batched = jax.vmap(lambda *arrays: _bound(eqn, arrays), in_axes=axes, out_axes=-1)
        arrays = batched(*[value.array for value in values])
    return [_Value(array, True) for array in arrays]


def _bound(eqn: Any, arrays: Any) -> Any:
    bound = eqn.primitive.get_bind_params(eqn.params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)
    found = eqn.primitive.bind(*functions, *arrays, **params)
    return found if eqn.primitive.multiple_results else [found]


def _broadcast_in_dim(eqn, values, shape, lanes):
    axes = (*eqn.params["broadcast_dimensions"], len(shape))
    if shape and not _shape(eqn.invars[0]):
        return [_spread(values[0], shape, lanes)]
    return [lax.broadcast_in_dim(values[0].array, (*shape, lanes), axes)]


def _reshape(eqn, values, shape, lanes):
    return [lax.reshape(values[0].array, (*shape, lanes))]


def _transpose(eqn, values, shape, lanes):
    return [lax.transpose(values[0].array, (*eqn.params["permutation"], len(shape)))]


def _slice(eqn, values, shape, lanes):
    params = eqn.params
    strides = params["strides"] and (*params["strides"], 1)
    start, limit = (*params["start_indices"], 0), (*params["limit_indices"], lanes)
    return [lax.slice(values[0].array, start, limit, strides)]


def _concatenate(eqn, values, shape, lanes):
    shapes = [_shape(atom) for atom in eqn.invars]
    parts = [_spread(value, of, lanes) for value, of in zip(values, shapes, strict=True)]
    return [lax.concatenate(parts, eqn.params["dimension"])]


def _stack(eqn, values, shape, lanes):
    shapes = [_shape(atom) for atom in eqn.invars]
    parts = [_spread(value, of, lanes) for value, of in zip(values, shapes, strict=True)]
    return [jnp.stack(parts, eqn.params["axis"])]


def _pad(eqn, values, shape, lanes):
    operand, filler = values
    if filler.has_lanes:
        return None
    return [lax.pad(operand.array, filler.array, (*eqn.params["padding_config"], (0, 0, 0)))]


def _dynamic_slice(eqn, values, shape, lanes):
    operand, *starts = values
    if any(start.has_lanes for start in starts):
        return None
    return [lax.dynamic_slice(operand.array, _starts(starts), (*shape, lanes))]


def _dynamic_update_slice(eqn, values, shape, lanes):
    operand, update, *starts = values
    if any(start.has_lanes for start in starts):
        return None
    operand = _spread(operand, shape, lanes)
    update = _spread(update, _shape(eqn.invars[1]), lanes)
    return [lax.dynamic_update_slice(operand, update, _starts(starts))]


def _starts(starts: list[_Value]) -> list[Any]:
    return [*(start.array for start in starts), jnp.zeros_like(starts[0].array) if starts else 0]


def _dot_general(eqn, values, shape, lanes):
    """The products of two vectors; a matrix's are left to `jax.vmap`."""
    shapes = [_shape(atom) for atom in eqn.invars]
    if any(len(of) != 1 for of in shapes):
        return None
    if not all(value.has_lanes for value in values):
        lhs, rhs = sorted(values, key=lambda value: value.has_lanes)
        return [lax.dot_general(lhs.array, rhs.array, (((0,), (0,)), ((), ())))]
    lhs, rhs = (_spread(value, of, lanes) for value, of in zip(values, shapes, strict=True))
    return [jnp.sum(lhs * rhs, axis=0).astype(eqn.outvars[0].aval.dtype)]


def _reduce_sum(eqn, values, shape, lanes):
    array = values[0].array
    axes = eqn.params["axes"]
    if shape or not jnp.issubdtype(array.dtype, jnp.floating) or array.size == 0:
        return [lax.reduce(array, jnp.zeros((), array.dtype), lax.add, axes)]
    rows = lax.reshape(array, (array.size // lanes, lanes))
    return [lax.dot_general(jnp.ones(rows.shape[0], rows.dtype), rows, (((0,), (0,)), ((), ())))]


_STRUCTURAL = {
    "reduce_sum": _reduce_sum,
    "broadcast_in_dim": _broadcast_in_dim,
    "concatenate": _concatenate,
    "dot_general": _dot_general,
    "dynamic_slice": _dynamic_slice,
    "dynamic_update_slice": _dynamic_update_slice,
    "pad": _pad,
    "reshape": _reshape,
    "slice": _slice,
    "stack": _stack,
    "transpose": _transpose,
}


def multiplies_matrices(program: ClosedJaxpr) -> bool:
    """Whether some product in the program is that of a matrix; such are best with lanes first."""
    return _multiplies(program.jaxpr)


def _multiplies(jaxpr: Jaxpr) -> bool:
    for eqn in jaxpr.eqns:
        ranks = [len(_shape(atom)) for atom in eqn.invars]
        if eqn.primitive.name == "dot_general" and max(ranks) > 1:
            return True
        inner = jax.tree.leaves(eqn.params, is_leaf=lambda v: isinstance(v, Jaxpr | ClosedJaxpr))
        for value in inner:
            if isinstance(value, ClosedJaxpr):
                value = value.jaxpr
            if isinstance(value, Jaxpr) and _multiplies(value):
                return True
    return False
