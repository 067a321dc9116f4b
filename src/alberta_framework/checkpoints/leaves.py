"""The leaves of a state as plain NumPy arrays, and back."""

import functools
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

_PYTHON: dict[type, np.dtype] = {
    bool: np.dtype(np.bool_),
    int: np.dtype(np.int64),
    float: np.dtype(np.float64),
    complex: np.dtype(np.complex128),
}
_KINDS = ("jax", "key", "numpy", "bool", "int", "float", "complex")
_LARGEST_RANK = 64


class Leaf(NamedTuple):
    """Where a leaf stands in the state, and what it is.

    `kind` is "jax", "numpy", "key" (then `dtype` names the generator), or the name of a Python
    number type.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    dtype: str

    def spoken(self) -> str:
        """`float32[64, 32]`."""
        if self.kind in _PYTHON_NAMES:
            return f"Python {self.kind}"
        kind = {"key": "key ", "numpy": "numpy "}.get(self.kind, "")
        return f"{kind}{self.dtype}[{', '.join(map(str, self.shape))}]"

    def stored(self) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and dtype of the array in the file.

        **Raises:** `TypeError`, `ValueError` for a dtype that does not exist.
        """
        if self.kind == "key":
            shape, dtype = _key_data(self.dtype)
            return (*self.shape, *shape), dtype
        if self.kind in _PYTHON_NAMES:
            return (), _PYTHON[_PYTHON_NAMES[self.kind]]
        dtype = jnp.dtype(self.dtype)
        return self.shape, _view(dtype)


_PYTHON_NAMES = {kind.__name__: kind for kind in _PYTHON}


def described(state: Any) -> list[Leaf]:
    """The leaves of a state, or of a template that may hold `jax.ShapeDtypeStruct`s.

    **Raises:** `TypeError` naming the path of a leaf that no checkpoint can hold.
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(state)
    return [_described(jax.tree_util.keystr(path), value) for path, value in paths]


def module_names(state: Any) -> dict[str, str]:
    """The class names of all Modules of a state by path; the root's path is empty."""

    def is_module(value):
        return isinstance(value, eqx.Module)

    names: dict[str, str] = {}

    def visit(tree: Any, path: str) -> None:
        if is_module(tree):
            names[path] = type(tree).__name__
        inner, _ = jax.tree_util.tree_flatten_with_path(
            tree, is_leaf=lambda value: value is not tree and is_module(value)
        )
        for keys, value in inner:
            if keys and is_module(value):
                visit(value, path + jax.tree_util.keystr(keys))

    visit(state, "")
    return names


def encoded(state: Any, leaves: list[Leaf]) -> list[np.ndarray]:
    """The described leaves as arrays of dtypes that every NumPy knows; one transfer from devices.

    **Raises:** `ValueError` for an int outside int64, and for an array on other hosts too.
    """
    plain = [_plain(*pair) for pair in zip(leaves, jax.tree.leaves(state), strict=True)]
    return [_of_known_dtype(np.asarray(array)) for array in jax.device_get(plain)]


def decoded(leaves: list[Leaf], arrays: list[np.ndarray]) -> list[Any]:
    """The leaves that `encoded` took apart; one transfer to the device."""
    typed = [
        array if leaf.kind not in ("jax", "numpy") else array.view(jnp.dtype(leaf.dtype))
        for leaf, array in zip(leaves, arrays, strict=True)
    ]
    on_device = [leaf.kind in ("jax", "key") for leaf in leaves]
    moved = iter(jax.device_put([a for a, wanted in zip(typed, on_device, strict=True) if wanted]))
    return [
        _restored(leaf, next(moved) if wanted else array)
        for leaf, array, wanted in zip(leaves, typed, on_device, strict=True)
    ]


def leaf_from_header(entry: Any) -> Leaf:
    """A leaf as the header of a file tells it.

    **Raises:** `ValueError` for an entry that makes no sense.
    """
    if not isinstance(entry, dict) or set(entry) != {"path", "kind", "shape", "dtype"}:
        raise ValueError(f"a leaf must have path, kind, shape and dtype, got {entry!r:.100}")
    shape = entry["shape"]
    sound = isinstance(shape, list) and len(shape) <= _LARGEST_RANK
    if not sound or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"the shape of a leaf must be a list of sizes, got {shape!r:.100}")
    for name in ("path", "kind", "dtype"):
        if not isinstance(entry[name], str):
            raise ValueError(f"the {name} of a leaf must be a string, got {entry[name]!r:.100}")
    if entry["kind"] not in _KINDS:
        raise ValueError(f"a leaf has the unknown kind {entry['kind']!r:.100}")
    leaf = Leaf(entry["path"], entry["kind"], tuple(shape), entry["dtype"])
    try:
        leaf.stored()
    except (TypeError, ValueError, AttributeError):
        raise ValueError(f"a leaf has the unknown dtype {leaf.dtype!r:.100}") from None
    return leaf


def _described(path: str, value: Any) -> Leaf:
    if type(value) in _PYTHON:
        return Leaf(path, type(value).__name__, (), "")
    if isinstance(value, np.ndarray | np.generic):
        # The dtypes that other packages add are those of JAX: bfloat16, float8, int4.
        if value.dtype.kind not in "biufc" and value.dtype.isbuiltin != 2:
            raise TypeError(f"{path}: a checkpoint holds no array of dtype {value.dtype}.")
        return Leaf(path, "numpy", value.shape, value.dtype.name)
    if isinstance(value, jax.Array | jax.ShapeDtypeStruct):
        if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
            return Leaf(path, "key", value.shape, _generator(path, value.dtype))
        return Leaf(path, "jax", value.shape, jnp.dtype(value.dtype).name)
    raise TypeError(f"{path}: a checkpoint holds no {type(value).__name__}.")


@functools.cache
def _key_data(generator: str) -> tuple[tuple[int, ...], np.dtype]:
    data = jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0, impl=generator)))
    return data.shape, np.dtype(data.dtype)


@functools.cache
def _generators() -> dict[Any, str]:
    names = ("threefry2x32", "rbg", "unsafe_rbg")
    return {jax.eval_shape(lambda n=n: jax.random.key(0, impl=n)).dtype: n for n in names}


def _generator(path: str, dtype: Any) -> str:
    if dtype not in _generators():
        raise TypeError(f"{path}: a checkpoint holds no key of the generator {dtype}.")
    return _generators()[dtype]


def _plain(leaf: Leaf, value: Any) -> Any:
    if leaf.kind in _PYTHON_NAMES:
        if leaf.kind == "int" and not -(2**63) <= value < 2**63:
            raise ValueError(f"{leaf.path}: a checkpoint holds ints of 64 bits, got {value}.")
        return np.asarray(value, leaf.stored()[1])
    if isinstance(value, jax.Array) and not value.is_fully_addressable:
        raise ValueError(f'{leaf.path}: lies on several hosts; save with backend="orbax".')
    return jax.random.key_data(value) if leaf.kind == "key" else value


def _of_known_dtype(array: np.ndarray) -> np.ndarray:
    known = _view(array.dtype)
    if array.dtype.kind == known.kind:
        return array.astype(known, order="C", copy=False)
    return np.ascontiguousarray(array).view(known).reshape(array.shape)


def _view(dtype: np.dtype) -> np.dtype:
    """The dtype itself, or unsigned integers of its size where NumPy's files do not know it."""
    if dtype.kind in "biufc" and dtype.isbuiltin != 2:
        return dtype.newbyteorder("=")
    return np.dtype(f"uint{8 * dtype.itemsize}")


def _restored(leaf: Leaf, value: Any) -> Any:
    if leaf.kind == "jax" and value.dtype != jnp.dtype(leaf.dtype):
        raise ValueError(f"{leaf.path} is {leaf.spoken()}, which needs jax_enable_x64")
    if leaf.kind == "key":
        return jax.random.wrap_key_data(value, impl=leaf.dtype)
    if leaf.kind in _PYTHON_NAMES:
        return _PYTHON_NAMES[leaf.kind](value.item())
    return value
