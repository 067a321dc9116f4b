"""A learner of predictions of everything that is observed, ready to use."""

from collections.abc import Sequence

from ..components.ranges import require_count
from ..components.types import Hyperparameter
from ..features import (
    AbstractFeatures,
    Clipped,
    Concatenated,
    ObservationNormalizer,
    ObservationTrace,
    Pipeline,
    TilesOfEach,
)
from ..linear_td import LinearHorde
from .timescales import nexting_horde
from .with_features import HordeWithFeatures


def nexting_features(
    memories: Sequence[float] = (0.8, 0.95), tilings: int = 4, tiles: int = 2
) -> AbstractFeatures:
    """Features of a row of signals for linear predictions of them.

    Each signal, normalized by all that was seen of it and clipped to 3 standard deviations, and its
    exponentially weighted means by `memories`; each of these numbers tile coded by itself, and the
    numbers as they are. Of n signals that makes n (1 + memories) ((tiles + 1) tilings + 1)
    features, n (1 + memories) (tilings + 1) of which are not 0.

    **Arguments:** `memories`: in [0, 1), a mean over about 1 / (1 - memory) steps each; `tilings`,
    `tiles`: as of `TilesOfEach`.
    """
    numbers = [ObservationTrace(0.0), *(ObservationTrace(beta) for beta in memories)]
    tiled = TilesOfEach(-3.0, 3.0, tilings, tiles)
    return Pipeline(
        [
            ObservationNormalizer(),
            Clipped(3.0),
            Concatenated(numbers),
            Concatenated([tiled, ObservationTrace(0.0)]),
        ]
    )


def nexting_learner(
    signals: Sequence[str],
    timescales: Sequence[float],
    dt: float,
    *,
    lamda: float = 0.9,
    step_size: Hyperparameter = 0.1,
    memories: Sequence[float] = (0.8, 0.95),
    tilings: int = 4,
    tiles: int = 2,
) -> HordeWithFeatures:
    """`nexting_horde` on `nexting_features`, learned by `LinearHorde` with one trace for each time
    scale.

    **Arguments:** `signals`, `timescales`, `dt`, `lamda`: as of `nexting_horde`; `step_size` > 0,
    default 0.1: by how much of its error a prediction is moved at a step, about: that of a weight
    is this divided by how many features are not 0; `memories`, `tilings`, `tiles`: as of
    `nexting_features`.
    """
    spec = nexting_horde(signals, timescales, dt, lamda)
    require_count("nexting_learner", "tilings", tilings)
    active = len(tuple(signals)) * (1 + len(tuple(memories))) * (tilings + 1)
    horde = LinearHorde(spec, step_size / active)
    return HordeWithFeatures(horde, nexting_features(memories, tilings, tiles))
