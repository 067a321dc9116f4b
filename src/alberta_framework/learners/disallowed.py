"""Why targets are none that a learner allows, in words."""

from typing import NamedTuple


class Disallowed(NamedTuple):
    """Which of the targets it is, None for all together, and what is wrong with it."""

    place: int | None
    text: str
