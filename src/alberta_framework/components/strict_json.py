"""Strict JSON, whose numbers are finite: in place of the others stand the words for them."""

import json
import math
from collections.abc import Mapping
from typing import Any

_WORDS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def in_words(value: Any) -> Any:
    """A copy of JSON values, with `"Infinity"`, `"-Infinity"` and `"NaN"` for those numbers."""
    if isinstance(value, Mapping):
        return {key: in_words(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [in_words(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0.0 else "-Infinity"
    return value


def number_from(value: Any) -> Any:
    """The number that one of the three words stands for; anything else as it is."""
    return _WORDS.get(value, value) if isinstance(value, str) else value


def numbers_from(value: Any) -> Any:
    """A copy of JSON values in which the three words are numbers again, at any depth."""
    if isinstance(value, Mapping):
        return {key: numbers_from(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [numbers_from(inner) for inner in value]
    return number_from(value)


def strict_json(value: Any, **options: Any) -> str:
    """`json.dumps` of `in_words(value)`."""
    return json.dumps(in_words(value), allow_nan=False, **options)
