"""Random lives and networks to replay."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np

from .trees import flatten


def random_network(rng, sizes):
    """Leaves of a network with layers of `sizes`, inputs first, all biases drawn too."""
    layers = [
        (rng.normal(size=(n, m)) / np.sqrt(m), 0.3 * rng.normal(size=n)) for m, n in pairwise(sizes)
    ]
    return flatten(layers)


def random_life(rng, steps, features, n_actions=2, terminated=(), truncated=()):
    """Unrelated transitions whose episodes end after the named steps."""
    x = rng.normal(size=(steps + 1, features))
    ends = np.zeros((2, steps), bool)
    ends[0, list(terminated)] = True
    ends[1, list(truncated)] = True
    after = x[1:].copy()
    after[ends.any(axis=0)] = rng.normal(size=(int(ends.any(axis=0).sum()), features))
    return SimpleNamespace(
        observations=x[:-1],
        next_observations=after,
        actions=rng.integers(n_actions, size=steps),
        next_actions=rng.integers(n_actions, size=steps),
        exploratory=rng.random(steps) < 0.3,
        rewards=rng.normal(size=steps),
        terminated=ends[0],
        truncated=ends[1],
    )
