"""What a comparison in control found: the return and length of every episode, and the scores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...statistics.summaries import StatisticalSummary, compute_statistics
from .comparison import ControlComparison

_RECENT = 50


@dataclass(frozen=True)
class AgentResult:
    """One agent at every point of its grid.

    - `points`: the values of its grid, in the order of the first axes below.
    - `returns`, `steps` [points, seeds, episodes]: of the episodes that every seed finished.
    - `rejected` [points, seeds]: how many steps were rejected.
    """

    points: tuple[dict[str, float], ...]
    returns: NDArray[np.float64]
    steps: NDArray[np.int64]
    rejected: NDArray[np.int64]

    @property
    def episodes(self) -> int:
        return self.returns.shape[-1]


@dataclass(frozen=True)
class AgentStanding:
    """An agent at one point: its score over seeds, its mean return and length of an episode.

    `best` tells whether its mean score is the best of its grid.
    """

    agent: str
    point: dict[str, float]
    best: bool
    score: StatisticalSummary
    mean_return: float
    mean_steps: float
    rejected: int


@dataclass(frozen=True)
class ControlResult:
    """The results of a comparison in control, or of what was finished of it.

    `agents` maps names to results; agents of which no episode was finished are missing.
    """

    comparison: ControlComparison
    agents: Mapping[str, AgentResult]

    @property
    def episodes_done(self) -> int:
        """Episodes that every agent, point and seed finished."""
        missing = len(self.agents) < len(self.comparison.agents)
        return 0 if missing else min(agent.episodes for agent in self.agents.values())

    @property
    def complete(self) -> bool:
        return self.episodes_done == self.comparison.episodes

    @property
    def evaluated(self) -> int:
        """How many of the last episodes are scored."""
        done = min(agent.episodes for agent in self.agents.values())
        return min(self.comparison.evaluate_last or done, done)

    def scores(self, agent: str) -> NDArray[np.float64]:
        """The score of each point and seed [points, seeds]."""
        result = self.agents[agent]
        kept = result.returns if self.comparison.score == "return" else result.steps
        return self._over_the_last(kept)

    def best(self, agent: str) -> int:
        """The point of the best mean score."""
        means = self.scores(agent).mean(axis=-1)
        return int(np.argmax(means) if self.comparison.score == "return" else np.argmin(means))

    @property
    def standings(self) -> list[AgentStanding]:
        """Every agent at every point, in the order of the comparison."""
        standings = []
        for name, result in self.agents.items():
            scores, best = self.scores(name), self.best(name)
            returns, steps = map(self._over_the_last, (result.returns, result.steps))
            for place, point in enumerate(result.points):
                standing = AgentStanding(
                    agent=name,
                    point=point,
                    best=place == best,
                    score=compute_statistics(scores[place]),
                    mean_return=float(returns[place].mean()),
                    mean_steps=float(steps[place].mean()),
                    rejected=int(result.rejected[place].sum()),
                )
                standings.append(standing)
        return standings

    def _over_the_last(self, values: NDArray) -> NDArray[np.float64]:
        return values[..., -self.evaluated :].mean(axis=-1, dtype=np.float64)


def recent_return(returns: np.ndarray, finished: np.ndarray) -> float | None:
    """The mean over the last 50 finished episodes of each life; None before the first.

    `returns` [lives, episodes], of which `finished` [lives] have ended.
    """
    rows = zip(returns, finished.tolist(), strict=True)
    recent = [row[max(0, done - _RECENT) : done].mean() for row, done in rows if done]
    return float(np.mean(recent)) if recent else None


def of_finished(
    points: tuple[dict[str, float], ...],
    finished: np.ndarray,
    returns: np.ndarray,
    steps: np.ndarray,
    rejected: np.ndarray,
) -> AgentResult:
    """The result of the episodes that every life has finished."""
    shape, done = (len(points), -1), int(finished.min())
    return AgentResult(
        points=points,
        returns=returns[:, :done].reshape(*shape, done),
        steps=steps[:, :done].reshape(*shape, done),
        rejected=rejected.reshape(shape),
    )
