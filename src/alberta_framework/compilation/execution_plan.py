"""Which form the library's compiled programs take on this machine, decided in one place.

XLA's CPU backend launches every fusion of a program by itself, at about a third of a microsecond
each. The step of a small learner is some ninety fusions of a few hundred bytes, so that their
launches cost many times their arithmetic. Four special forms avoid that, and each gives the numbers
of the plain form to rounding:

- one kernel: a small program that is called by itself is emitted as one function (`one_kernel.py`).
- small loops: XLA makes one kernel of a small loop of its own accord, unless a part of it was
  handed to a library before; loops of small learners are compiled without those libraries.
- lanes last: many small learners side by side lie along the last axis (`lanes_last.py`).
- unrolled keys: random numbers are drawn by straight code (`unrolled_keys.py`).

Which of them gain was measured for some versions of jaxlib (`benchmarks/`). A version that is not
among them is probed: a process of its own compiles and runs a small program in both forms, and the
special ones are used only if the numbers agree (`probe.py`).
"""

import contextlib
import dataclasses
import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jaxlib.version
import numpy as np
from jax.extend.core import get_opaque_trace_state

from ..components.numbers import is_traced
from .probe import fault_of

VARIABLE = "ALBERTA_COMPILATION"
MODES = ("auto", "plain")

# Libraries and parallel tasks cannot be part of one kernel; a sum over 64 numbers is faster in one
# piece than as a tree of two launches. Names that a version of XLA does not know change nothing.
SMALL_OPTIONS = {
    "xla_disable_hlo_passes": (
        "dot-library-rewriter,cpu-parallel-task-assigner,tree_reduction_rewriter"
    )
}

_MEASURED = ("0.10.", "0.11.", "0.12.")
# XLA makes one kernel of loops of this size from here on.
_LOOPS_SINCE = (0, 12)
# Above this size of a state the arithmetic outweighs the launches, and parallel tasks help.
_LARGEST_BYTES = 1 << 20
_FEW_HUNDRED = 256
_PACKAGE = __name__.split(".")[0]
_NO_TRACE = get_opaque_trace_state()
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class ExecutionPlan:
    """The special forms that are in use, and for the others why not.

    - `off`: for each form that is not in use, the reason.
    """

    backend: str
    jaxlib: str
    off: dict[str, str]

    FORMS = ("one kernel", "small loops", "lanes last", "unrolled keys")

    def uses(self, form: str) -> bool:
        """Whether a form is in use at all."""
        return form not in self.off

    def one_kernel(self, *trees: Any) -> bool:
        """Whether a program of these Modules and arrays, called by itself, is to be one kernel.

        It is if the arrays are small and all Modules are of this library: what the emitter does not
        know it does not always refuse politely.
        """
        return self.uses("one kernel") and is_small(trees) and _of_the_library(trees)

    def small_loop(self, *trees: Any) -> bool:
        """Whether a loop of these Modules and arrays is to be one kernel, in either way."""
        if self.uses("small loops"):
            return is_small(trees)
        return self.one_kernel(*trees)


def execution_plan() -> ExecutionPlan:
    """The plan of this process, made when it is first asked for."""
    global _current
    if _current is None:
        _current = _made(os.environ.get(VARIABLE, "auto"))
    return _current


_current: ExecutionPlan | None = None


def _made(mode: str) -> ExecutionPlan:
    if mode not in MODES:
        raise ValueError(f"{VARIABLE} must be one of {MODES}, got {mode!r}.")
    backend, version = jax.default_backend(), jaxlib.version.__version__
    forms = ExecutionPlan.FORMS
    if mode == "plain":
        return ExecutionPlan(backend, version, dict.fromkeys(forms, "turned off"))
    if backend != "cpu":
        why = f"launches are not what a step costs on the backend {backend}"
        return ExecutionPlan(backend, version, dict.fromkeys(forms, why))
    off: dict[str, str] = {}
    if not version.startswith(_MEASURED):
        fault = fault_of(version)
        if fault is not None:
            why = f"the probe of jaxlib {version} failed: {fault}"
            _log.warning("programs take their plain form: %s", why)
            off |= dict.fromkeys(("one kernel", "small loops"), why)
    if tuple(jaxlib.version.__version_info__[:2]) < _LOOPS_SINCE:
        why = f"XLA of jaxlib {version} does not make one kernel of a loop by itself"
        off.setdefault("small loops", why)
    return ExecutionPlan(backend, version, off)


@contextlib.contextmanager
def compilation_mode(mode: str) -> Iterator[ExecutionPlan]:
    """Compile in the given mode what follows, in every thread: `"auto"`, or `"plain"` for no
    special form. What was compiled before is dropped on the way in and on the way out.

    The environment variable `ALBERTA_COMPILATION` does the same for a whole process.

    **Raises:** `ValueError` for another mode.

    ```python
    with af.compilation_mode("plain"):
        state, metrics = af.run_learning_loop(learner, stream, 10_000, key)
    ```
    """
    global _current
    if mode not in MODES:
        raise ValueError(f"compilation_mode: `mode` must be one of {MODES}, got {mode!r}.")
    before, _current = _current, _made(mode)
    jax.clear_caches()
    try:
        yield _current
    finally:
        _current = before
        jax.clear_caches()


class ByStructure:
    """What a function finds of trees that it looks at for structure, shapes and dtypes alone;
    found once for each of the last few hundred."""

    def __init__(self, fn: Callable):
        self._fn = fn
        self._found: OrderedDict[Any, Any] = OrderedDict()

    def __call__(self, *trees: Any, **static: Any) -> Any:
        leaves, structure = jax.tree.flatten(trees)
        shapes = tuple((np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
        key = structure, shapes, tuple(static.items()), execution_plan()
        if key not in self._found:
            self._found[key] = self._fn(*trees, **static)
            while len(self._found) > _FEW_HUNDRED:
                self._found.popitem(last=False)
        return self._found[key]


class Program:
    """A function compiled in the plain form, or with the options that one kernel needs."""

    def __init__(self, fn: Callable, **options: Any):
        self.plain = jax.jit(fn, **options)
        self.small = jax.jit(fn, compiler_options=SMALL_OPTIONS, **options)

    def form(self, small: bool) -> Any:
        """The compiled function itself, which Python calls without a frame of its own."""
        return self.small if small else self.plain

    def __call__(self, small: bool, *args: Any, **kwargs: Any) -> Any:
        return self.form(small)(*args, **kwargs)

    def prepare(self, small: bool, *args: Any, **kwargs: Any) -> None:
        """Compile it for such arguments; a call with them finds it done."""
        self.form(small).lower(*args, **kwargs).compile()


def nothing_traced() -> bool:
    """Whether this is a plain call, not one inside `jit`, `vmap` or another transformation."""
    return get_opaque_trace_state() == _NO_TRACE


def is_small(trees: Any) -> bool:
    """Whether launches, not arithmetic, are what a program of these arrays costs."""
    return bytes_of(trees) <= _LARGEST_BYTES


def bytes_of(trees: Any) -> int:
    """The bytes of all arrays and numbers, or of shapes and dtypes."""
    return sum(np.size(leaf) * jnp.result_type(leaf).itemsize for leaf in jax.tree.leaves(trees))


def fits_one_kernel(leaves: Any) -> bool:
    """Whether arrays are small, and each lies whole on one device: a kernel cannot be divided."""
    return is_small(leaves) and on_one_device(leaves)


def on_one_device(trees: Any) -> bool:
    """Whether each array lies whole on one device."""
    shardings = (getattr(leaf, "sharding", None) for leaf in jax.tree.leaves(trees))
    return all(found is None or len(found.device_set) == 1 for found in shardings)


def is_in_memory(array: Any) -> bool:
    """Whether NumPy can read the array without a copy from another memory, or another device."""
    if is_traced(array) or jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        return False
    devices = array.devices()
    return len(devices) == 1 and all(device.platform == "cpu" for device in devices)


def _of_the_library(tree: Any) -> bool:
    if isinstance(tree, eqx.Module) and type(tree).__module__.split(".")[0] != _PACKAGE:
        return False
    inner = jax.tree.leaves(
        tree, is_leaf=lambda value: value is not tree and isinstance(value, eqx.Module)
    )
    return all(_of_the_library(value) for value in inner if isinstance(value, eqx.Module))
