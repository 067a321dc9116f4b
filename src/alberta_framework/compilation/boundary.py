"""The boundary of the library: annotations checked while tracing, programs compiled once."""

import functools as ft
import inspect
import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import AbstractArray, TypeCheckError

from ..components.labelled import is_labelled, without_mask
from ..components.numbers import action_number, is_traced
from ..components.state import AbstractState, require_state
from ..components.types import ActionLike, IntegerLike, KeyLike
from .execution_plan import SMALL_OPTIONS, execution_plan, fits_one_kernel, nothing_traced
from .flattened import Output, Structure, flattened, remembered
from .one_kernel import ZERO, one_kernel
from .packing import Packing, packed

# So many numbers of a component enter a program as one array.
_FEW_NUMBERS = 64
_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


def checked(fn: Callable) -> Callable:
    """Check jaxtyping annotations with beartype; the checker is built on the first call."""
    checker = None

    @ft.wraps(fn)
    def call(*args, **kwargs):
        nonlocal checker
        if checker is None:
            from beartype import beartype
            from jaxtyping import jaxtyped

            checker = jaxtyped(typechecker=beartype)(fn)
        try:
            return checker(*args, **kwargs)
        except TypeCheckError as error:
            raise TypeError(_explained(fn, args, kwargs) or str(error)) from None

    return call


def _explained(fn: Callable, args: tuple, kwargs: dict) -> str | None:
    """One line per argument of the wrong shape or dtype: name, expected, found."""
    bound = inspect.signature(fn).bind(*args, **kwargs)
    wrong = []
    for name, value in bound.arguments.items():
        annotation = fn.__annotations__.get(name)
        if isinstance(annotation, type) and issubclass(annotation, AbstractState):
            require_state(fn.__qualname__, name, value, annotation)
        options = getattr(annotation, "__args__", (annotation,))
        options = [o for o in options if isinstance(o, type) and issubclass(o, AbstractArray)]
        if not options or (value is None and type(None) in getattr(annotation, "__args__", ())):
            continue
        expected = [(_dims(o.dim_str, bound.arguments), o.dtypes) for o in options]
        if not any(_fits(value, dims, dtypes) for dims, dtypes in expected):
            shapes = " or ".join(dict.fromkeys(f"({dims})" for dims, _ in expected))
            keys = any("prng_key" in str(o.dtypes) for o in options)
            kind = "typed key (jax.random.key)" if keys else "real array"
            wrong.append(f"`{name}` must be a {kind} of shape {shapes}, got {_found(value)}")
    return f"{fn.__qualname__}: {'; '.join(wrong)}." if wrong else None


def _dims(dim_str: str, arguments: dict) -> str:
    """`{state.feature_dim}` as the number that it stands for."""
    try:
        return eval(f"f{dim_str.strip()!r}", {}, dict(arguments))
    except (AttributeError, NameError, TypeError):
        return dim_str.strip()


def _fits(value: Any, dims: str, dtypes: Any) -> bool:
    if not isinstance(value, np.ndarray | np.generic | jax.Array | int | float):
        return False
    shape, dtype = np.shape(value), jax.dtypes.result_type(value)
    dtype = "prng_key" if jnp.issubdtype(dtype, jax.dtypes.prng_key) else str(dtype)
    names = dims.split()
    if "..." in names:
        return True
    if len(shape) != len(names) or (isinstance(dtypes, list | tuple) and dtype not in dtypes):
        return False
    return all(not n.isdigit() or int(n) == size for n, size in zip(names, shape, strict=True))


def _found(value: Any) -> str:
    if isinstance(value, np.ndarray | jax.Array | np.generic):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    return f"{type(value).__name__} {value!r}"


_strong_components: dict[int, tuple[weakref.ref, Any]] = {}


def strong(component: Any) -> Any:
    """The component with strong numbers: float32, and int32 where a field counts steps.

    A Python float, an int, a float64 scalar and an array of one number would be four cache entries
    of `jax.jit`. Converted once per object, to device arrays, which a call takes in a tenth of the
    time of a NumPy scalar; tracers are left alone.
    """
    entry = _strong_components.get(id(component))
    if entry is not None and entry[0]() is component:
        return entry[1]
    paths, treedef = jax.tree_util.tree_flatten_with_path(component)
    traced = any(is_traced(leaf) for _, leaf in paths)
    leaves = [_strong_number(leaf, _counts_steps(component, path)) for path, leaf in paths]
    if not traced:
        with jax.ensure_compile_time_eval():
            leaves = [jnp.asarray(leaf) if _is_numpy(leaf) else leaf for leaf in leaves]
    converted = jax.tree.unflatten(treedef, leaves)
    if isinstance(component, eqx.Module) and not traced:
        key = id(component)
        finalizer = ft.partial(_strong_components.pop, key, None)
        _strong_components[key] = (weakref.ref(component, lambda _: finalizer()), converted)
    return converted


def _is_numpy(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic)


def _counts_steps(component: Any, path: tuple) -> bool:
    counts = False
    for key in path:
        if isinstance(key, jax.tree_util.GetAttrKey):
            field = getattr(component, "__dataclass_fields__", {}).get(key.name)
            counts = bool(field is not None and field.metadata.get("counts_steps"))
            component = getattr(component, key.name)
        elif isinstance(key, jax.tree_util.SequenceKey):
            component = component[key.idx]
        elif isinstance(key, jax.tree_util.DictKey):
            component = component[key.key]
        else:
            return False
    return counts


def _strong_number(leaf: Any, counts_steps: bool) -> Any:
    if is_traced(leaf) or isinstance(leaf, bool):
        return leaf
    dtype = np.dtype(np.int32 if counts_steps else np.float32)
    if isinstance(leaf, int | float | np.number):
        if isinstance(leaf, int) and not counts_steps and float(np.float32(leaf)) != leaf:
            raise ValueError(
                f"a whole number that float32 cannot hold must be of a field that counts steps "
                f'(`eqx.field(metadata={{"counts_steps": True}})`), got {leaf}.'
            )
        return dtype.type(leaf)
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "iuf":
        return leaf.astype(dtype)
    if isinstance(leaf, jax.Array) and (leaf.weak_type or leaf.dtype == np.float64 or counts_steps):
        return np.asarray(leaf).astype(dtype)
    return leaf


def _strong_argument(value: Any) -> Any:
    """A call's number as strong float32: 0, 0.5, True and float64 rows share one program."""
    kind = type(value)
    if kind is float or kind is int or kind is bool:
        if -_LARGEST_FLOAT32 <= value <= _LARGEST_FLOAT32:
            return np.float32(value)
        return np.float32(value if value != value else np.inf if value > 0 else -np.inf)
    if kind is np.ndarray:
        if value.dtype == np.float32:
            # JAX may share its memory and read it after the call: what is learned is fixed now.
            return value.copy()
        if value.dtype.kind in "iufb":
            with np.errstate(over="ignore"):  # out of float32's range is infinite, and rejected
                return value.astype(np.float32)
    elif isinstance(value, np.number | np.bool_):
        with np.errstate(over="ignore"):
            return np.float32(value)
    elif kind is list:
        return _strong_argument(np.asarray(value))
    elif kind is tuple:
        return tuple(_strong_argument(one) for one in value)
    elif is_labelled(kind):
        return _strong_argument(without_mask(value))
    return value


class _Static:
    """A value that is part of the structure, told from equal ones of another type."""

    def __init__(self, value: Any):
        self.value, self._key = value, (type(value), value)

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, _Static) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


class _Numbers:
    """The structure of a component that enters as one array of its numbers."""

    known: ClassVar[dict[Packing, "_Numbers"]] = {}

    def __init__(self, packing: Packing):
        self.packing = packing


_numbers: dict[int, tuple[weakref.ref, _Numbers, Any]] = {}


def _numbers_of(component: Any, structure: Structure, leaves: list) -> tuple[Any, Any]:
    """The component as one array, which a call takes in faster than many; or as it is if large."""
    entry = _numbers.get(id(component))
    if entry is not None and entry[0]() is component:
        return entry[1:]
    few = len(leaves) > 1 and sum(leaf.size for leaf in leaves) <= _FEW_NUMBERS
    if not few or not isinstance(component, eqx.Module):
        return structure, leaves
    packing = Packing(component)
    found = _Numbers.known.setdefault(packing, _Numbers(packing)), packed(packing, component)
    finalizer = ft.partial(_numbers.pop, id(component), None)
    _numbers[id(component)] = weakref.ref(component, lambda _: finalizer()), *found
    return found


def _modules(structures: Any, flat: Any) -> list[Any]:
    def one(structure, value):
        if structure is None:
            return value
        if isinstance(structure, _Static):
            return structure.value
        if isinstance(structure, _Numbers):
            return structure.packing.unpack(value)
        return jax.tree.unflatten(structure.treedef, value)

    return [one(*pair) for pair in zip(structures, flat, strict=True)]


# Annotations of arguments that fix shapes.
_STATIC_ANNOTATIONS = (int, tuple[int, ...])


def _steps_through() -> bool:
    flags: Any = jax.config  # whose flags are made at run time
    return flags.jax_disable_jit or flags.jax_debug_nans or flags.jax_debug_infs


class compiled:
    """Method decorator: `checked`, and compiled on first use; inlined into outer transformations.

    The program exists once per structure of component and arguments. The component enters as a
    PyTree with strong numbers, so another hyperparameter, state, key or datum of the same shape
    never compiles again. Called by itself, and not inside a transformation, a small method runs
    as one kernel.
    """

    def __init__(self, fn: Callable):
        self.method = method = checked(fn)
        self.signature = inspect.signature(fn)
        annotations = [fn.__annotations__.get(name) for name in self.signature.parameters]
        places = list(enumerate(zip(self.signature.parameters, annotations, strict=True)))
        self.integers = {p for i, (name, a) in places if a is IntegerLike for p in (i, name)}
        actions = [(i, name) for i, (name, a) in places if a is ActionLike]
        self.actions = {p: f"{fn.__qualname__}: `{pair[1]}`" for pair in actions for p in pair}
        self.statics = {i for i, (_, a) in places if a in _STATIC_ANNOTATIONS}
        self.keys = {p for i, (name, a) in places if a is KeyLike for p in (i, name)}

        def program(structures, flat, kwargs):
            return Output.of(method(*_modules(structures, flat), **kwargs))

        def alone(structures, zero, flat, kwargs):
            fn = ft.partial(program, structures)
            if not execution_plan().one_kernel(*_modules(structures, flat)):
                return fn(flat, kwargs)
            return one_kernel(zero, fn, flat, kwargs)

        program.__name__ = program.__qualname__ = fn.__qualname__
        alone.__name__ = alone.__qualname__ = fn.__qualname__
        self.inlined = jax.jit(program, static_argnums=0, inline=True)
        self.alone = jax.jit(alone, static_argnums=0, compiler_options=SMALL_OPTIONS)
        ft.update_wrapper(self, fn)

    def __get__(self, component: Any, owner: Any = None) -> Any:
        # A plain partial: a bound method of a Module is a Module, and costs 20 us to build.
        return self if component is None else ft.partial(self, component)

    def __call__(self, component, *args, **kwargs):
        if kwargs and self.statics:
            bound = self.signature.bind(component, *args, **kwargs)
            args, kwargs = bound.args[1:], bound.kwargs
        component = strong(component)
        structure, leaves, fits = flattened(component)
        structures: list[Structure | _Static | _Numbers | None] = [structure]
        flat: list[Any] = [leaves]
        for i, arg in enumerate(args, 1):
            if i in self.statics:
                structures.append(_Static(arg))
                flat.append(None)
                continue
            found = remembered(arg)
            if found is None and isinstance(arg, eqx.Module):
                found = flattened(arg)
            if found is None:
                structures.append(None)
                flat.append(self._number(component, i, arg))
                if isinstance(arg, jax.Array):
                    fits &= is_traced(arg) or fits_one_kernel((arg,))
                continue
            structures.append(found[0])
            flat.append(found[1])
            fits &= found[2]
        if kwargs:
            kwargs = {name: self._number(component, name, arg) for name, arg in kwargs.items()}
        # For debugging JAX runs what is compiled step by step, where arrays must be its own.
        if _steps_through():
            as_jax = ft.partial(jax.tree.map, lambda v: jnp.asarray(v) if _is_numpy(v) else v)
            flat, kwargs = as_jax(flat), as_jax(kwargs)
        if fits and nothing_traced() and execution_plan().uses("one kernel"):
            structures[0], flat[0] = _numbers_of(component, structure, leaves)
            return self.alone(tuple(structures), ZERO, flat, kwargs).result(True)
        return self.inlined(tuple(structures), flat, kwargs).result(fits)

    def _number(self, component: Any, place: int | str, arg: Any) -> Any:
        if place in self.keys:
            return jnp.asarray(arg) if _is_numpy(arg) else arg
        if place in self.actions:
            return action_number(self.actions[place], arg, component.n_actions)
        integer = place in self.integers and isinstance(arg, int | np.integer)
        return np.int32(arg) if integer else _strong_argument(arg)


class compiled_by_itself(compiled):
    """As `compiled` where a method is called by itself; inside a transformation it is traced as it
    stands. For the parts of which learners are made, and for what draws experience.

    Arguments annotated as `int` or `tuple[int, ...]` fix shapes.
    """

    def __call__(self, component, *args, **kwargs):
        if nothing_traced():
            return super().__call__(component, *args, **kwargs)
        return self.method(component, *args, **kwargs)
