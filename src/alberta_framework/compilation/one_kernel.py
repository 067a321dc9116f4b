"""Small programs that the CPU runs as one kernel.

A call with the attribute `xla_cpu_small_call`, which XLA gives to small loops of its own accord, is
emitted as one function in place of one for every fusion. The results are the same but for rounding.
"""

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.xla_metadata import set_xla_metadata

# JAX 0.12, where it is a `Jaxpr`, does not export it to type checkers.
from jax.extend.core import ClosedJaxpr, Jaxpr  # pyright: ignore[reportPrivateImportUsage]

from .execution_plan import SMALL_OPTIONS, execution_plan

# To be passed to the program, so that the compiler does not know it.
ZERO = np.uint32(0)

# What the emitter of one kernel cannot express: XLA calls out of the program for these.
_CALLED_OUT = (
    r"all_.+|approx_top_k|.*callback|cholesky|conv_general.*|custom_call|eigh?|ffi_call|fft"
    r"|householder.*|infeed|lu|outfeed|ppermute|psum.*|qr|rng_bit_generator|scatter.*|schur|sort"
    r"|svd|top_k|triangular_solve|tridiagonal.*"
)


def one_kernel(zero: Any, fn: Callable, *args: Any) -> Any:
    """`fn(*args)`, while tracing, as one kernel unless it calls out of the program.

    The program around it takes `zero`, which is `ZERO`, as an argument, and is compiled with
    `SMALL_OPTIONS`.
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


def small_loop(zero: Any, fn: Callable, *args: Any) -> Any:
    """`fn(*args)`, a loop over small arrays, as one kernel; by XLA's own choice where it has it."""
    if execution_plan().uses("small loops"):
        return fn(*args)
    return one_kernel(zero, fn, *args)


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


def compare_forms() -> None:
    """Run a small program in the plain form and in the special ones.

    **Raises:** `AssertionError` if the numbers differ by more than rounding.
    """
    weights, x = jnp.linspace(-1.0, 1.0, 96).reshape(8, 12), jnp.linspace(-2.0, 3.0, 12)

    def loss(w, x):
        u = w @ x
        u = (u - jnp.mean(u)) / jnp.sqrt(jnp.var(u) + 1e-5)
        return jnp.sum(jnp.where(u >= 0.0, u, 0.01 * u) * jnp.exp(-jnp.arange(8.0) / 4.0))

    def step(carry, x):
        w, steps = carry
        y, gradient = jax.value_and_grad(loss)(w, x)
        sound = jnp.all(jnp.isfinite(gradient))
        w = jnp.where(sound, w - 0.01 * (y - 1.0) * gradient, w)
        return (w, steps + sound.astype(jnp.uint32)), y

    def loop(w, xs):
        return jax.lax.scan(step, (w, jnp.uint32(0)), xs)

    def once(zero, w, x):
        return one_kernel(zero, lambda w, x: step((w, jnp.uint32(0)), x), w, x)

    xs = jnp.sin(jnp.outer(jnp.arange(50.0), x))
    pairs = [
        (jax.jit(loop)(weights, xs), jax.jit(loop, compiler_options=SMALL_OPTIONS)(weights, xs)),
        (
            jax.jit(lambda w, x: step((w, jnp.uint32(0)), x))(weights, x),
            jax.jit(once, compiler_options=SMALL_OPTIONS)(ZERO, weights, x),
        ),
    ]
    for plain, special in pairs:
        for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(special), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
