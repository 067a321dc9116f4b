"""Values of Gymnasium spaces as vectors."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._ranges import require_choice
from .package import gymnasium_package

ENCODINGS = ("index", "onehot")
SUPPORTED = "Box, Discrete, MultiDiscrete, MultiBinary, Dict and Tuple"


class Flattener(NamedTuple):
    """Writes values of one space into vectors of `size` numbers.

    `write(out, value)` fills `out` [..., size]; its leading axes are those of a batch of values.
    `one(value)` is a new float32 vector, the fast way for what happens at every step.
    """

    size: int
    write: Callable[[np.ndarray, Any], None]
    one: Callable[[Any], np.ndarray]

    def flatten(self, value: Any, lead: tuple[int, ...]) -> np.ndarray:
        """As many new float32 vectors as `lead` says."""
        out = np.empty((*lead, self.size), np.float32)
        self.write(out, value)
        return out


def flatten_space(space: Any, encoding: str = "index") -> int:
    """How many numbers `flatten_value` makes of a value of the Gymnasium space.

    **Raises:** `ValueError` for a space without a vector of fixed length, or another encoding.
    """
    return flattener(space, encoding).size


def flatten_value(value: Any, space: Any, encoding: str = "index") -> np.ndarray:
    """A value of a Gymnasium space as a new float32 vector.

    Box, MultiBinary: all numbers in C order; images are not rescaled (`gymnasium.wrappers` can do
    it). Dict and Tuple: their parts one after the other, Dict in the order of its keys. Discrete
    and MultiDiscrete with `encoding="index"`: the raw values, which tells a linear learner of an
    order that does not exist; with `"onehot"`: a one among zeros for each, as
    `gymnasium.spaces.utils.flatten` gives.

    **Raises:** `ValueError` for a value that does not fit the space.
    """
    return flattener(space, encoding).one(value)


def flattener(space: Any, encoding: str = "index", name: str = "space") -> Flattener:
    """The flattener of a space, for use at every step; `name` says in errors what it is."""
    require_choice(name, "encoding", encoding, ENCODINGS)
    return _flattener(space, encoding, name)


def _flattener(space: Any, encoding: str, where: str) -> Flattener:
    spaces = gymnasium_package().spaces
    if isinstance(space, spaces.Box | spaces.MultiBinary):
        return _numbers(int(np.prod(space.shape)), where)
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        counts = space.n if isinstance(space, spaces.Discrete) else space.nvec
        sizes = np.ravel(np.asarray(counts, np.int64))
        if encoding == "index":
            return _numbers(sizes.size, where)
        start = getattr(space, "start", 0)  # of MultiDiscrete: younger than the space itself
        starts = np.broadcast_to(np.ravel(np.asarray(start, np.int64)), sizes.shape)
        return _one_hot(sizes, starts, where)
    if isinstance(space, spaces.Dict):
        parts = {key: (part, f"{where}[{key!r}]") for key, part in space.spaces.items()}
        return _parts({key: _flattener(part, encoding, at) for key, (part, at) in parts.items()})
    if isinstance(space, spaces.Tuple):
        inner = enumerate(space.spaces)
        return _parts({i: _flattener(part, encoding, f"{where}[{i}]") for i, part in inner})
    if not isinstance(space, spaces.Space):
        raise TypeError(f"{where} must be a Gymnasium space, got {space!r}.")
    raise ValueError(f"{where}: {space} is not supported; supported are {SUPPORTED}.")


def _numbers(size: int, where: str) -> Flattener:
    def refuse(value):
        raise ValueError(f"{where}: a value must hold {size} numbers, got shape {value.shape}.")

    def write(out, value):
        value = np.asarray(value)
        if value.size != out.size:
            refuse(value)
        out[...] = value.reshape(out.shape)

    def one(value):
        if size == 1 and type(value) is int:  # an action, as most policies return it
            out = np.empty(1, np.float32)
            out[0] = value
            return out
        value = np.array(value, np.float32, ndmin=1)
        if value.size != size:
            refuse(value)
        return value if value.ndim == 1 else value.reshape(-1)

    return Flattener(size, write, one)


def _written(size: int, write: Callable[[np.ndarray, Any], None]) -> Flattener:
    def one(value):
        out = np.empty(size, np.float32)
        write(out, value)
        return out

    return Flattener(size, write, one)


def _one_hot(sizes: np.ndarray, starts: np.ndarray, where: str) -> Flattener:
    offsets = np.cumsum(sizes) - sizes

    def write(out, value):
        value = np.asarray(value)
        if value.dtype.kind not in "iub" or value.size != out[..., 0].size * sizes.size:
            raise ValueError(f"{where}: a value must hold {sizes.size} integers, got {value!r}.")
        places = value.reshape(*out.shape[:-1], sizes.size) - starts
        if ((places < 0) | (places >= sizes)).any():
            allowed = f"{starts.tolist()} to {(starts + sizes - 1).tolist()}"
            raise ValueError(f"{where}: a value must lie in {allowed}, got {value}.")
        out[...] = 0.0
        np.put_along_axis(out, offsets + places, 1.0, axis=-1)

    return _written(int(sizes.sum()), write)


def _parts(parts: dict[Any, Flattener]) -> Flattener:
    ends = np.cumsum([part.size for part in parts.values()], dtype=int).tolist()
    begins = [0, *ends]
    pieces = [
        (key, part.write, slice(begin, end))
        for (key, part), begin, end in zip(parts.items(), begins, ends, strict=False)
    ]

    def write(out, value):
        for key, write_part, place in pieces:
            write_part(out[..., place], value[key])

    return _written(begins[-1], write)
