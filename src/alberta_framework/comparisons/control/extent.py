"""How far a comparison in control goes, and what of it is scored: in episodes, or in steps."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

_WINDOWS = 100


class Curves(NamedTuple):
    """Learning curves of an agent: `at` [T], the episode of each column or the step that ends it;
    the mean `returns` and `steps` of its episodes [points, seeds, T], NaN where none ended; and
    `counts` of the same shape, how many ended."""

    at: NDArray[np.int64]
    returns: NDArray[np.float64]
    steps: NDArray
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class InEpisodes:
    """Every life has `count` episodes, and the last `evaluate_last` of them are scored."""

    count: int
    evaluate_last: int
    unit: ClassVar[str] = "episode"

    def done(self, finished: NDArray, lived: NDArray) -> NDArray:
        """How much of `count` each life has had, of its finished episodes and its steps."""
        del lived
        return finished

    def ahead(self, lived: int, most: int) -> int:
        """How many steps to go on with, at most `most`."""
        del lived
        return most

    def kept(self, done: int, ended: int) -> int:
        """How many of `ended` episodes count, of a life that has had `done`."""
        return min(ended, self.count - done)

    def whole(self, finished: NDArray) -> int:
        """How many episodes of every life a result holds."""
        return int(finished.min())

    def lived(self, steps: NDArray, total: int) -> NDArray[np.int64]:
        """How many steps of each life a result tells of, of `total` and of episodes of lengths
        `steps` [lives, episodes]."""
        del total
        return steps.sum(axis=-1)

    def evaluated(self, lived: int, episodes: int) -> int:
        """How many of the last episodes, or steps, are scored, of so many that are there."""
        del lived
        return min(self.evaluate_last, episodes)

    def scored(self, steps: NDArray, lived: NDArray, evaluated: int) -> NDArray[np.bool_]:
        """Which episodes are scored, of lengths `steps` [..., episodes] in lives of `lived` [...]
        steps."""
        del lived
        places = np.arange(steps.shape[-1])
        return np.broadcast_to(places >= steps.shape[-1] - evaluated, steps.shape)

    def curves(self, returns: NDArray, steps: NDArray, lived: NDArray) -> Curves:
        del lived
        at = np.arange(1, returns.shape[-1] + 1)
        return Curves(at, returns, steps, np.ones_like(steps))

    def told(self, lived: int, episodes: int) -> str:
        """What is scored, in words."""
        return f"the last {self.evaluated(lived, episodes):,} of {episodes:,} episodes"


@dataclass(frozen=True)
class InSteps:
    """Every life has `count` steps; scored are the episodes that ended in the last share of them.

    An episode which the end of the life cuts counts nowhere.
    """

    count: int
    evaluate_last_share: float
    unit: ClassVar[str] = "step"

    def done(self, finished: NDArray, lived: NDArray) -> NDArray:
        del finished
        return lived

    def ahead(self, lived: int, most: int) -> int:
        return min(most, self.count - lived)

    def kept(self, done: int, ended: int) -> int:
        del done
        return ended

    def whole(self, finished: NDArray) -> int:
        """Those of the life that has the most; others have blanks after theirs."""
        return int(finished.max())

    def lived(self, steps: NDArray, total: int) -> NDArray[np.int64]:
        return np.full(steps.shape[:-1], total, np.int64)

    def evaluated(self, lived: int, episodes: int) -> int:
        del episodes
        return max(1, round(self.evaluate_last_share * lived))

    def scored(self, steps: NDArray, lived: NDArray, evaluated: int) -> NDArray[np.bool_]:
        begun = (lived - evaluated)[..., None]
        return (steps > 0) & (np.cumsum(steps, axis=-1) > begun)

    def curves(self, returns: NDArray, steps: NDArray, lived: NDArray) -> Curves:
        """Of a hundred windows of the whole; the last one of a stopped life is what there is."""
        total, windows = int(lived.max(initial=0)), min(_WINDOWS, self.count)
        ends = self.count * np.arange(1, windows + 1) // windows
        at = np.append(ends[ends < total], total)
        # Episodes follow one another without a step between them.
        window = np.searchsorted(at, np.cumsum(steps, axis=-1))
        lives = int(np.prod(lived.shape))
        rows = np.arange(lives).reshape(*lived.shape, 1)
        cells, there = rows * len(at) + window, steps > 0

        def summed(values: NDArray) -> NDArray:
            sums = np.bincount(cells[there], values[there], minlength=lives * len(at))
            return sums.reshape(*lived.shape, len(at))

        counts = summed(np.ones_like(returns))
        with np.errstate(invalid="ignore"):
            mean_return, mean_steps = summed(returns) / counts, summed(steps) / counts
        return Curves(at, mean_return, mean_steps, counts.astype(np.int64))

    def told(self, lived: int, episodes: int) -> str:
        evaluated = self.evaluated(lived, episodes)
        return f"the episodes that ended in the last {evaluated:,} of {lived:,} steps"


Extent = InEpisodes | InSteps
