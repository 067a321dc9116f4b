"""Several representations of one observation, side by side."""

from typing import Any

import jax.numpy as jnp

from .abstract import AbstractFeatures
from .percept import Percept


class Concatenated(AbstractFeatures[tuple]):
    """What several representations make of one observation, one after the other in one vector.

    Each sees what is shown to it; in a `Pipeline` each sees what the one before it makes. The
    reward passes as it is: what changes rewards belongs in front, in a `Pipeline`.

    **Arguments:** `parts`: at least one, in the order of their features.

    ```python
    memories = Concatenated([ObservationTrace(0.0), ObservationTrace(0.9)])
    memories.feature_dim_of(3)  # 6: the observation itself, and its mean of the last steps
    ```
    """

    parts: tuple[AbstractFeatures, ...]

    def __init__(self, parts: Any):
        self.parts = tuple(parts)

    def __check_init__(self):
        if not self.parts or not all(isinstance(part, AbstractFeatures) for part in self.parts):
            raise TypeError(
                f"Concatenated: `parts` must be AbstractFeatures, at least one, got {self.parts!r}."
            )

    def feature_dim_of(self, observation_dim: int) -> int:
        return sum(part.feature_dim_of(observation_dim) for part in self.parts)

    def init(self, observation_dim: int) -> tuple:
        return tuple(part.init(observation_dim) for part in self.parts)

    def see(self, state: tuple, percept: Percept) -> tuple[Percept, tuple]:
        seen = [part.see(own, percept) for part, own in zip(self.parts, state, strict=True)]
        whole = jnp.concatenate([shown.observation for shown, _ in seen])
        return percept.replace(observation=whole), tuple(after for _, after in seen)

    def _kept(self, after: tuple, before: tuple) -> tuple:
        triples = zip(self.parts, after, before, strict=True)
        return tuple(part.kept(new, old) for part, new, old in triples)
