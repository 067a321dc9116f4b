"""Values of Gymnasium spaces as vectors."""

import math
import reprlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..components.ranges import require_choice
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
        return _numbers(tuple(space.shape), where)
    if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        counts = space.n if isinstance(space, spaces.Discrete) else space.nvec
        counts = np.asarray(counts, np.int64)
        start = getattr(space, "start", 0)  # of MultiDiscrete: younger than the space itself
        starts = np.broadcast_to(np.asarray(start, np.int64), counts.shape)
        return _choices(counts, starts, encoding == "onehot", where)
    if isinstance(space, spaces.Dict):
        parts = {key: (part, f"{where}[{key!r}]") for key, part in space.spaces.items()}
        inner = {key: _flattener(part, encoding, at) for key, (part, at) in parts.items()}
        return _parts(inner, where)
    if isinstance(space, spaces.Tuple):
        each = enumerate(space.spaces)
        return _parts({i: _flattener(p, encoding, f"{where}[{i}]") for i, p in each}, where)
    if not isinstance(space, spaces.Space):
        raise TypeError(f"{where} must be a Gymnasium space, got {space!r}.")
    raise ValueError(f"{where}: {space} is not supported; supported are {SUPPORTED}.")


def _of_shape(value: Any, shape: tuple[int, ...], lead: tuple[int, ...], where: str) -> np.ndarray:
    """The value as an array of numbers, of the shape that it must have.

    A single number for each of `lead` may have any shape: its meaning is plain.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = None
    if array is None or array.dtype.kind in "OSUcmM":
        raise ValueError(f"{where}: a value must hold real numbers, got {reprlib.repr(value)}.")
    size, copies = math.prod(shape), math.prod(lead)
    if array.size != size * copies or (size > 1 and array.shape != (*lead, *shape)):
        raise ValueError(
            f"{where}: a value must hold {size * copies} numbers, got shape {array.shape} in place "
            f"of {(*lead, *shape)}."
        )
    return array


def _numbers(shape: tuple[int, ...], where: str) -> Flattener:
    size = math.prod(shape)

    def write(out, value):
        out[...] = _of_shape(value, shape, out.shape[:-1], where).reshape(out.shape)

    def one(value):
        if type(value) is not np.ndarray or value.shape != shape or value.dtype.kind not in "biuf":
            value = _of_shape(value, shape, (), where)
        return np.array(value, np.float32).reshape(size)

    return Flattener(size, write, one)


def _choices(counts: np.ndarray, starts: np.ndarray, one_hot: bool, where: str) -> Flattener:
    """Whole numbers out of `counts` each, from `starts` on: as they are, or as ones among zeros."""
    shape, sizes = counts.shape, counts.ravel()
    offsets, size = np.cumsum(sizes) - sizes, int(sizes.sum()) if one_hot else sizes.size
    first, n = (int(starts), int(counts)) if shape == () else (0, 0)

    def places_of(value, lead):
        array = _of_shape(value, shape, lead, where)
        if array.dtype.kind not in "iub":
            raise ValueError(f"{where}: a value must hold {sizes.size} integers, got {array!r}.")
        places = array.reshape((*lead, *shape)).astype(np.int64) - starts
        if ((places < 0) | (places >= counts)).any():
            low, high = starts.ravel().tolist(), (starts + counts - 1).ravel().tolist()
            raise ValueError(f"{where}: a value must lie in {low} to {high}, got {value}.")
        return places

    def write(out, value):
        lead = out.shape[:-1]
        places = places_of(value, lead)
        if not one_hot:
            out[...] = (places + starts).reshape(out.shape)
            return
        out[...] = 0.0
        places = places.reshape((*lead, sizes.size))
        np.put_along_axis(out, offsets + places, 1.0, axis=-1)

    def one(value):
        out = np.zeros(size, np.float32)
        if type(value) is int and first <= value < first + n:  # an action, as most policies are
            if one_hot:
                out[value - first] = 1.0
            else:
                out[0] = value
        else:
            write(out, value)
        return out

    return Flattener(size, write, one)


def _parts(parts: dict[Any, Flattener], where: str) -> Flattener:
    ends = np.cumsum([part.size for part in parts.values()], dtype=int).tolist()
    begins = [0, *ends]
    pieces = [
        (key, part.write, slice(begin, end))
        for (key, part), begin, end in zip(parts.items(), begins, ends, strict=False)
    ]

    def write(out, value):
        for key, write_part, place in pieces:
            try:
                part = value[key]
            except (KeyError, IndexError, TypeError):
                raise ValueError(
                    f"{where}: a value must have the parts {list(parts)}, got "
                    f"{reprlib.repr(value)}."
                ) from None
            write_part(out[..., place], part)

    def one(value):
        out = np.empty(begins[-1], np.float32)
        write(out, value)
        return out

    return Flattener(begins[-1], write, one)
