"""What is wrong with a field of an event."""

from typing import Any

_LONGEST_SAID = 80


class FieldError(ValueError):
    """What is wrong with a field of an event; the text begins with the field."""


def short(value: Any) -> str:
    """A value as an error shows it."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        text = f"a {type(value).__name__} too long to be written"
    return text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]}..."
