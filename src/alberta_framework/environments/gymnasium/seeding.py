"""Seeds of the resets of an environment."""

from collections.abc import Iterator

import numpy as np

from ...components.ranges import require_choice, require_count

RESET_SEEDINGS = ("increment", "first", "spawn")


def reset_seeds(seed: int, reset_seeding: str) -> Iterator[int | None]:
    """The seed of each reset, without end; None goes on with the environment's own generator.

    `"increment"`: seed, seed + 1, ...: two runs with neighbouring seeds share all episode starts
    but one, so they are no independent replicates. `"first"`: `seed`, then None. `"spawn"`: words
    that `numpy.random.SeedSequence(seed)` generates.
    """
    if reset_seeding == "increment":
        while True:
            yield seed
            seed += 1
    if reset_seeding == "first":
        yield seed
        while True:
            yield None
    done, sequence = 0, np.random.SeedSequence(seed)
    while True:
        # A longer run of words begins with the shorter one.
        words = sequence.generate_state(2 * done + 64)
        yield from (int(word) for word in words[done:])
        done = len(words)


def require_seeding(owner: str, seed: int, reset_seeding: str) -> None:
    """Check both arguments."""
    require_count(owner, "seed", seed, low=0)
    require_choice(owner, "reset_seeding", reset_seeding, RESET_SEEDINGS)
