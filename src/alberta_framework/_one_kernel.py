"""Small programs that the CPU runs as one kernel.

XLA's CPU backend launches every fusion of a program by itself. The step of a small learner is some
ninety fusions of a few hundred bytes, and their launches cost many times their arithmetic. A call
with the attribute `xla_cpu_small_call`, which XLA gives to small loops of its own accord, is
emitted as one function instead. The results are the same but for rounding.

Only programs of this library's own classes are run so, and only by versions of jaxlib that the
tests have run with: what the emitter does not know it does not always refuse politely.
"""

import re
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import ClosedJaxpr, Jaxpr, get_opaque_trace_state

# Neither library calls nor parallel tasks can be part of one kernel.
COMPILER_OPTIONS = {"xla_disable_hlo_passes": "dot-library-rewriter,cpu-parallel-task-assigner"}

# To be passed to the program, so that the compiler does not know it.
ZERO = np.uint32(0)

_TESTED_JAXLIB = ("0.10.",)
_PACKAGE = __name__.split(".")[0]
# Above this size of a state the arithmetic outweighs the launches, and parallel tasks help.
_LARGEST_BYTES = 1 << 20
_NO_TRACE = get_opaque_trace_state()

# What the emitter of one kernel cannot express: XLA calls out of the program for these.
_CALLED_OUT = (
    r"all_.+|approx_top_k|.*callback|cholesky|conv_general.*|custom_call|eigh?|ffi_call|fft"
    r"|householder.*|infeed|lu|outfeed|ppermute|psum.*|qr|rng_bit_generator|scatter.*|schur|sort"
    r"|svd|top_k|triangular_solve|tridiagonal.*"
)


def nothing_traced() -> bool:
    """Whether this is a plain call, not one inside `jit`, `vmap` or another transformation."""
    return get_opaque_trace_state() == _NO_TRACE


def gains_from_one_kernel(*trees: Any) -> bool:
    """Whether a program of these Modules and arrays is to run as one kernel.

    It is if the backend is the CPU, the arrays are small, and all Modules are of this library.
    """
    return (
        jaxlib.version.__version__.startswith(_TESTED_JAXLIB)
        and jax.default_backend() == "cpu"
        and bytes_of(trees) <= _LARGEST_BYTES
        and _of_the_library(trees)
    )


def one_kernel(zero: Any, fn: Callable, *args: Any) -> Any:
    """`fn(*args)`, while tracing, as one kernel unless it calls out of the program.

    The program around it takes `zero`, which is `ZERO`, as an argument, and is compiled with
    `COMPILER_OPTIONS`, which are for plain calls only.
    """

    def reading_all(zero, *args):
        return _reading(zero, args, fn(*args))

    if any(array.size == 0 for array in jax.tree.leaves(args)):
        return fn(*args)
    called = jax.jit(reading_all)
    if _calls_out(called.trace(zero, *args).jaxpr.jaxpr):
        return fn(*args)
    with set_xla_metadata(xla_cpu_small_call="true", inlineable="false"):
        return called(zero, *args)


def _reading(zero: Any, args: Any, result: Any) -> Any:
    """The result, one of whose arrays seems to depend on every argument.

    The emitter fails on an argument that nothing reads after simplification.
    """
    outputs, treedef = jax.tree.flatten(result)
    for arg in jax.tree.leaves(args):
        zero = zero & _first_word(arg)
    smallest = min(range(len(outputs)), key=lambda i: outputs[i].size, default=None)
    if smallest is not None:
        outputs[smallest] = _with_bits(outputs[smallest], zero)
    return jax.tree.unflatten(treedef, outputs)


def _first_word(array: Any) -> Any:
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        array = jax.random.key_data(array)
    one = array[(0,) * array.ndim]
    if one.dtype.itemsize == 4:
        return jax.lax.bitcast_convert_type(one, jnp.uint32)
    return one.astype(jnp.uint32)


def _with_bits(array: Any, bits: Any) -> Any:
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        data = _with_bits(jax.random.key_data(array), bits)
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(array))
    if array.dtype == jnp.bool_:
        return array | (bits != 0)
    unsigned = jnp.dtype(f"uint{8 * array.dtype.itemsize}")
    words = jax.lax.bitcast_convert_type(array, unsigned) | bits.astype(unsigned)
    return jax.lax.bitcast_convert_type(words, array.dtype)


def bytes_of(trees: Any) -> int:
    """The bytes of all arrays and numbers, or of shapes and dtypes."""
    return sum(np.size(leaf) * jnp.result_type(leaf).itemsize for leaf in jax.tree.leaves(trees))


def _of_the_library(tree: Any) -> bool:
    if isinstance(tree, eqx.Module) and type(tree).__module__.split(".")[0] != _PACKAGE:
        return False
    inner = jax.tree.leaves(
        tree, is_leaf=lambda value: value is not tree and isinstance(value, eqx.Module)
    )
    return all(_of_the_library(value) for value in inner if isinstance(value, eqx.Module))


def _calls_out(jaxpr: Jaxpr) -> bool:
    return any(
        re.fullmatch(_CALLED_OUT, eqn.primitive.name)
        or any(_calls_out(inner) for inner in _inner(eqn.params))
        for eqn in jaxpr.eqns
    )


def _inner(params: dict) -> list[Jaxpr]:
    leaves = jax.tree.leaves(params, is_leaf=lambda v: isinstance(v, Jaxpr | ClosedJaxpr))
    return [
        leaf.jaxpr if isinstance(leaf, ClosedJaxpr) else leaf
        for leaf in leaves
        if isinstance(leaf, Jaxpr | ClosedJaxpr)
    ]
