"""What a comparison in control found: the return and length of every episode, and the scores."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...figures.words import spoken_points
from ...results.aggregated import AggregatedResults, summary_of
from ...results.dataset import to_dataset
from ...results.scores import ranked
from ...statistics.summaries import StatisticalSummary, compute_statistics
from .comparison import ControlComparison
from .extent import Curves

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, repr=False)
class AgentResult:
    """One agent at every point of its grid.

    - `points`: the values of its grid, in the order of the first axes below.
    - `returns`, `steps` [points, seeds, episodes]: of the episodes that every seed finished;
      counted in steps, of all that ended, with NaN and 0 after the last of a life with fewer than
      others.
    - `terminated`, of the same shape: whether the episode came to its end, or was cut.
    - `rejected` [points, seeds]: how many steps were rejected.
    - `lived` [points, seeds]: how many steps all this took; counted in steps, those lived.
    - `average_reward` [points, seeds]: the mean reward of these steps.
    - `diverged` [points, seeds]: whether a number of the agent's state became NaN.
    """

    points: tuple[dict[str, float], ...]
    returns: NDArray[np.float64]
    steps: NDArray[np.int64]
    rejected: NDArray[np.int64]
    lived: NDArray[np.int64]
    average_reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    diverged: NDArray[np.bool_]

    def __repr__(self) -> str:
        points, seeds, episodes = self.returns.shape
        return f"AgentResult({points} points x {seeds} seeds, {episodes} episodes)"

    @property
    def episodes(self) -> int:
        return self.returns.shape[-1]


@dataclass(frozen=True)
class AgentStanding:
    """An agent at one point: its score over seeds, its mean return and length of an episode, and
    its mean reward over the whole life.

    `best` tells whether its mean score is the best of its grid; `unmeasured`, of how many seeds no
    episode is scored.
    """

    agent: str
    point: dict[str, float]
    best: bool
    score: StatisticalSummary
    mean_return: float
    mean_steps: float
    rejected: int
    average_reward: float
    unmeasured: int


@dataclass(frozen=True, repr=False)
class ControlResult:
    """The results of a comparison in control, or of what was finished of it.

    `agents` maps names to results; agents of which no episode was finished, or counted in steps
    none was lived, are missing.
    """

    comparison: ControlComparison
    agents: Mapping[str, AgentResult]

    def __repr__(self) -> str:
        told = f"{self.comparison.seeds} seeds, {self.done:,} {self.comparison.extent.unit}s"
        return f"ControlResult({self.comparison.name!r}, {told}; agents: {', '.join(self.agents)})"

    @property
    def episodes_done(self) -> int:
        """Episodes that every agent, point and seed finished."""
        return self._by_all(lambda agent: (agent.steps > 0).sum(axis=-1))

    @property
    def steps_done(self) -> int:
        """Steps that every agent, point and seed lived."""
        return self._by_all(lambda agent: agent.lived)

    @property
    def done(self) -> int:
        """What every agent, point and seed did of what was asked for: episodes, or steps."""
        return self.steps_done if self.comparison.extent.unit == "step" else self.episodes_done

    @property
    def lived(self) -> int:
        """What all agents, points and seeds did together: episodes, or steps."""
        in_steps = self.comparison.extent.unit == "step"
        counts = (a.lived if in_steps else (a.steps > 0).sum(-1) for a in self.agents.values())
        return sum(int(np.sum(count)) for count in counts)

    def _by_all(self, counts: Callable[[AgentResult], NDArray]) -> int:
        missing = len(self.agents) < len(self.comparison.agents)
        return 0 if missing else min(int(counts(agent).min()) for agent in self.agents.values())

    @property
    def complete(self) -> bool:
        return self.done == self.comparison.extent.count

    @property
    def evaluated(self) -> int:
        """How many of the last episodes are scored, or from how many of the last steps."""
        return self.comparison.extent.evaluated(*self._there)

    @property
    def scored(self) -> str:
        """The same in words."""
        return self.comparison.extent.told(*self._there)

    @property
    def _there(self) -> tuple[int, int]:
        """The steps, and the episodes, of the agent that has the least."""
        agents = self.agents.values()
        return min(int(a.lived.min()) for a in agents), min(a.episodes for a in agents)

    def scores(self, agent: str) -> NDArray[np.float64]:
        """The score of each point and seed [points, seeds]; NaN where no scored episode ended."""
        result = self.agents[agent]
        kept = result.returns if self.comparison.score == "return" else result.steps
        return self._over_scored(result, kept)

    def best(self, agent: str) -> int:
        """The point of the best mean score; one without a score at a seed is worse than any."""
        return int(ranked(self.scores(agent), self.comparison.score == "steps")[0])

    def curves(self, agent: str) -> Curves:
        """The learning curves at each point and seed: every episode; or counted in steps, the means
        over the episodes that ended in each of a hundred windows."""
        result = self.agents[agent]
        return self.comparison.extent.curves(result.returns, result.steps, result.lived)

    @property
    def standings(self) -> list[AgentStanding]:
        """Every agent at every point, in the order of the comparison."""
        standings = []
        for name, result in self.agents.items():
            scores, best = self.scores(name), self.best(name)
            returns, steps = (self._over_scored(result, k) for k in (result.returns, result.steps))
            measured = np.asarray(self._scored(result).any(axis=-1))
            for place, point in enumerate(result.points):
                standing = AgentStanding(
                    agent=name,
                    point=point,
                    best=place == best,
                    score=compute_statistics(scores[place]),
                    mean_return=float(returns[place].mean()),
                    mean_steps=float(steps[place].mean()),
                    rejected=int(result.rejected[place].sum()),
                    average_reward=float(result.average_reward[place].mean()),
                    unmeasured=int((~measured[place]).sum()),
                )
                standings.append(standing)
        return standings

    def aggregated(self, all_points: bool = False) -> dict[str, AggregatedResults]:
        """The runs of each agent at its best point by its name, or of each at all points;
        statistics, tables, figures and exports take them, and the result itself for them.

        The metrics are `return` and `steps` of every episode, or those of `curves`; the final value
        of a seed is the mean over the episodes that are scored. Agent (as `learner`) and point are
        labels.
        """
        found = {}
        for agent, result in self.agents.items():
            best, curves = self.best(agent), self.curves(agent)
            kept = {"return": result.returns, "steps": result.steps}
            finals = {metric: self._over_scored(result, kept[metric]) for metric in kept}
            named = zip(spoken_points(result.points), result.points, strict=True)
            for place, (told, point) in enumerate(named):
                if not all_points and place != best:
                    continue
                name = f"{agent} ({told})" if all_points and told else agent
                arrays = {"return": curves.returns[place], "steps": curves.steps[place]}
                found[name] = AggregatedResults(
                    name,
                    range(self.comparison.seeds),
                    arrays,
                    {metric: summary_of(values[place]) for metric, values in finals.items()},
                    labels={"learner": agent, **point},
                    recorded_at=curves.at,
                    unit=self.comparison.extent.unit,
                    rejected=result.rejected[place],
                )
        return found

    def to_xarray(self) -> "xr.Dataset":
        """`return` and `steps` as variables over `point`, all points of all agents, `seed` and
        `episode` (or `step`), and `rejected`; agents (as `learner`) and the values of their
        grids are coordinates along `point`."""
        return to_dataset(self.aggregated(all_points=True))

    def _scored(self, result: AgentResult) -> NDArray[np.bool_]:
        return self.comparison.extent.scored(result.steps, result.lived, self.evaluated)

    def _over_scored(self, result: AgentResult, values: NDArray) -> NDArray[np.float64]:
        scored = self._scored(result)
        sums = np.where(scored, values, 0.0).sum(axis=-1, dtype=np.float64)
        with np.errstate(invalid="ignore"):
            return sums / scored.sum(axis=-1)


def of_lives(
    points: tuple[dict[str, float], ...],
    returns: np.ndarray,
    steps: np.ndarray,
    terminated: np.ndarray,
    rejected: np.ndarray,
    lived: np.ndarray,
    diverged: np.ndarray,
    rest: ArrayLike = 0.0,
) -> AgentResult:
    """The result of lives, point by point: of their episodes, of how many steps they lived and how
    many were rejected, which diverged, and of the rewards of the rest, since their last episode."""
    # Not -1, which no array without an episode would tell.
    shape, done = (len(points), len(rejected) // len(points)), returns.shape[-1]
    rewards = np.where(steps > 0, returns, 0.0).sum(axis=-1) + np.asarray(rest, np.float64)
    return AgentResult(
        points=points,
        returns=returns.reshape(*shape, done),
        steps=steps.reshape(*shape, done),
        terminated=terminated.reshape(*shape, done),
        diverged=diverged.reshape(shape),
        rejected=rejected.reshape(shape),
        lived=lived.reshape(shape),
        average_reward=(rewards / lived).reshape(shape),
    )
