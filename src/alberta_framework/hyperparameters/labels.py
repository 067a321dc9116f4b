"""Short texts that tell values apart: numbers as they are, components by what differs."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np

from ..components.numbers import is_traced


def labels_of(values: Sequence[Any]) -> list[Any]:
    """A label of each value: numbers if all are numbers, else distinct strings.

    A component is called by its class; among several of its class also by the fields that differ,
    and theirs likewise: `LMS(step_size=0.1)`, `LinearLearner(optimizer=IDBD)`. What no text tells
    apart is numbered.
    """
    if all(_is_number(value) for value in values):
        return list(values)
    labels = _texts(values)
    repeated = {label for label in labels if labels.count(label) > 1}
    return [f"{text} {i}" if text in repeated else text for i, text in enumerate(labels)]


def _texts(values: Sequence[Any]) -> list[str]:
    texts = [_text(value) for value in values]
    for kind in {type(value) for value in values if isinstance(value, eqx.Module)}:
        places = [place for place, value in enumerate(values) if type(value) is kind]
        differing = []
        for field in dataclasses.fields(kind):
            of_field = _texts([getattr(values[place], field.name) for place in places])
            if len(set(of_field)) > 1:
                differing.append([f"{field.name}={text}" for text in of_field])
        for place, *told in zip(places, *differing, strict=True):
            texts[place] += f"({', '.join(told)})" if told else ""
    return texts


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | str | tuple | list):
        return str(value)
    if eqx.is_array(value) or isinstance(value, np.ndarray | np.generic):
        return _of_array(value)
    if callable(value) and not isinstance(value, eqx.Module):
        return getattr(value, "__name__", type(value).__name__)
    return type(value).__name__


def _of_array(array: Any) -> str:
    if is_traced(array) or not isinstance(array.dtype, np.dtype):
        return eqx.tree_pformat(array)
    numbers = np.asarray(array)
    if numbers.ndim == 0:
        return f"{numbers.item():g}"
    return " ".join(np.array2string(numbers, separator=", ", threshold=8).split())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
