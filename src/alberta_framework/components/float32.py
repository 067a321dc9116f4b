"""What a float32 holds."""

# Binary digits, and the exponent that is too large.
_DIGITS, _EXPONENT = 24, 128
# Up to here it holds every integer.
EVERY_INTEGER = 2**_DIGITS


def holds_integer(value: int) -> bool:
    """Whether a float32 holds an integer to its last digit."""
    size = abs(value)
    digits = size.bit_length() - (size & -size).bit_length() + 1
    return digits <= _DIGITS and size.bit_length() <= _EXPONENT
