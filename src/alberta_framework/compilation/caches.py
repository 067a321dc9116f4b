"""What is remembered of programs and structures, and how to forget it."""

import jax

from . import boundary, flattened


def clear_caches() -> None:
    """Forget every compiled program, and what was found out about the structures of components and
    states. What is called next is compiled anew, and gives the same numbers.

    Nothing has to be cleared: what is remembered of an object goes with it, and what is remembered
    of structures grows with their number alone. For processes that went through very many.
    """
    for cache in (
        flattened.Structure.known,
        flattened._remembered,
        boundary._Numbers.known,
        boundary._numbers,
        boundary._strong_components,
    ):
        cache.clear()
    jax.clear_caches()
