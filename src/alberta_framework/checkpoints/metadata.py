"""What a user may say about a checkpoint: JSON values."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np


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
