"""Features of features."""

from typing import Any

from .abstract import AbstractFeatures
from .percept import Percept


class Pipeline(AbstractFeatures[tuple]):
    """One representation after the other: each sees what the one before it makes.

    The usual order of streaming deep reinforcement learning is `RewardScaler`,
    `ObservationNormalizer`, `TimeFeature`.

    **Arguments:** `parts`: at least one, the first that sees the observation first. A sweep calls
    them by their places, as in `"agent.features.parts.0.gamma"`.
    """

    parts: tuple[AbstractFeatures, ...]

    def __init__(self, parts: Any):
        self.parts = tuple(parts)

    def __check_init__(self):
        if not self.parts or not all(isinstance(part, AbstractFeatures) for part in self.parts):
            raise TypeError(
                f"Pipeline: `parts` must be AbstractFeatures, at least one, got {self.parts!r}."
            )

    def feature_dim_of(self, observation_dim: int) -> int:
        for part in self.parts:
            observation_dim = part.feature_dim_of(observation_dim)
        return observation_dim

    def init(self, observation_dim: int) -> tuple:
        states = []
        for part in self.parts:
            states.append(part.init(observation_dim))
            observation_dim = part.feature_dim_of(observation_dim)
        return tuple(states)

    def see(self, state: tuple, percept: Percept) -> tuple[Percept, tuple]:
        states = []
        for part, own in zip(self.parts, state, strict=True):
            percept, own = part.see(own, percept)
            states.append(own)
        return percept, tuple(states)

    def _kept(self, after: tuple, before: tuple) -> tuple:
        pairs = zip(self.parts, after, before, strict=True)
        return tuple(part.kept(new, old) for part, new, old in pairs)
