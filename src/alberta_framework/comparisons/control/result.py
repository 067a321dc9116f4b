"""What a comparison in control found: the return and length of every episode, and the scores."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...figures.words import spoken_points
from ...results.aggregated import AggregatedResults, summary_of
from ...results.dataset import to_dataset
from ...statistics.summaries import StatisticalSummary, compute_statistics
from .comparison import ControlComparison

if TYPE_CHECKING:
    import xarray as xr

_RECENT = 50


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        points, seeds, episodes = self.returns.shape
        return f"AgentResult({points} points x {seeds} seeds, {episodes} episodes)"

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


@dataclass(frozen=True, repr=False)
class ControlResult:
    """The results of a comparison in control, or of what was finished of it.

    `agents` maps names to results; agents of which no episode was finished are missing.
    """

    comparison: ControlComparison
    agents: Mapping[str, AgentResult]

    def __repr__(self) -> str:
        told = f"{self.comparison.seeds} seeds, {self.episodes_done:,} episodes"
        return f"ControlResult({self.comparison.name!r}, {told}; agents: {', '.join(self.agents)})"

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

    def aggregated(self, all_points: bool = False) -> dict[str, AggregatedResults]:
        """The runs of each agent at its best point by its name, or of each at all points;
        statistics, tables, figures and exports take them, and the result itself for them.

        The metrics are `return` and `steps` of every episode; the final value of a seed is the mean
        over the last episodes that are evaluated. Agent (as `learner`) and point are labels.
        """
        found = {}
        for agent, result in self.agents.items():
            best = self.best(agent)
            named = zip(spoken_points(result.points), result.points, strict=True)
            for place, (told, point) in enumerate(named):
                if not all_points and place != best:
                    continue
                name = f"{agent} ({told})" if all_points and told else agent
                arrays = {"return": result.returns[place], "steps": result.steps[place]}
                finals = {metric: self._over_the_last(runs) for metric, runs in arrays.items()}
                found[name] = AggregatedResults(
                    name,
                    range(self.comparison.seeds),
                    arrays,
                    {metric: summary_of(values) for metric, values in finals.items()},
                    labels={"learner": agent, **point},
                    recorded_at=np.arange(1, result.episodes + 1),
                    unit="episode",
                    rejected=result.rejected[place],
                )
        return found

    def to_xarray(self) -> "xr.Dataset":
        """`return` and `steps` as variables over `point`, all points of all agents, `seed` and
        `episode`, and `rejected`; agents (as `learner`) and the values of their grids are
        coordinates along `point`."""
        return to_dataset(self.aggregated(all_points=True))

    def _over_the_last(self, values: NDArray) -> NDArray[np.float64]:
        return values[..., -self.evaluated :].mean(axis=-1, dtype=np.float64)


def recent_return(returns: np.ndarray, finished: np.ndarray) -> float | None:
    """The mean over the last 50 finished episodes of each life; None before the first.

    `returns` [lives, episodes], of which `finished` [lives] have ended.
    """
    places = finished[:, None] - 1 - np.arange(min(_RECENT, returns.shape[1]))
    recent, there = np.take_along_axis(returns, np.maximum(places, 0), axis=1), places >= 0
    began = finished > 0
    if not began.any():
        return None
    sums, counts = np.where(there, recent, 0.0).sum(axis=1), there.sum(axis=1)
    return float(np.mean(sums[began] / counts[began]))


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
