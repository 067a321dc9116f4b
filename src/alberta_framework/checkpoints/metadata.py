"""What a user may say about a checkpoint: JSON values."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from ..components.strict_json import in_words, number_from

# The key of a header that tells where in the metadata a word stands for a number, so that a text
# which reads the same stays a text.
NOT_FINITE = "metadata_not_finite"


def plain_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy as JSON types; tuples become lists, NumPy and JAX scalars Python numbers.

    **Raises:** `TypeError` with the path of a key that is no string or a value that is no JSON;
    `ValueError` for metadata without an end.
    """
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise TypeError(f"`metadata` must be a mapping, got {type(metadata).__name__}.")
    try:
        return _plain(metadata, "metadata")
    except RecursionError:
        raise ValueError("`metadata` is nested too deeply, or holds itself.") from None


def _plain(value: Any, path: str) -> Any:
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"`{path}` has the key {key!r}; keys must be strings.")
        return {key: _plain(inner, f"{path}[{key!r}]") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{path}[{i}]") for i, inner in enumerate(value)]
    if isinstance(value, np.ndarray | np.generic | jax.Array) and np.ndim(value) == 0:
        value = np.asarray(value).item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"`{path}` must be a JSON value, got {type(value).__name__} {value!r}.")


def in_words_at(metadata: Mapping[str, Any]) -> tuple[dict[str, Any], list[list[str | int]]]:
    """Plain metadata as strict JSON, with words for the numbers that are not finite, and the paths
    of those."""
    places: list[list[str | int]] = []

    def look(value: Any, path: list[str | int]) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            places.append(path)
        elif isinstance(value, dict | list):
            inner = value.items() if isinstance(value, dict) else enumerate(value)
            for key, entry in inner:
                look(entry, [*path, key])

    look(metadata, [])
    return in_words(metadata), places


def with_numbers_at(header: Mapping[str, Any]) -> dict[str, Any]:
    """A header whose metadata have their numbers again; one that was written with bare `Infinity`
    and `NaN` has them already.

    **Raises:** `ValueError` for a path that leads to no word.
    """
    header = dict(header)
    for path in header.pop(NOT_FINITE, []):
        try:
            *parents, last = path
            found = header["metadata"]
            for key in parents:
                found = found[key]
            number = number_from(found[last])
            if not isinstance(number, float):
                raise ValueError
            found[last] = number
        except (IndexError, KeyError, TypeError, ValueError):
            raise ValueError(f"no number at {path!r} of the metadata") from None
    return header
