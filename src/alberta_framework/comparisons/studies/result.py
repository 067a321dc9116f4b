"""What a study found: its cells, the paired differences between variants."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...statistics.summaries import bootstrap_ci
from ..control import AgentResult, ControlResult
from ..control.extent import Curves
from .study import REFERENCE, ControlStudy, Part

_LIMIT_RULE = "bootstrap_on_truncation"


@dataclass(frozen=True)
class StudyCell:
    """An agent in an environment in a variant; None for the uniformly random policy.

    - `scores` [seeds]: the mean return of the episodes that are scored; NaN where none ended.
    - `mean`, `low`, `high`: over seeds, with the 95% percentile bootstrap interval of the mean
      (10,000 resamples, the same ones in every run); NaN if a score is.
    - `average_rewards` [seeds]: the mean reward of all steps; `average_reward` their mean.
    - `unmeasured`: of how many seeds no episode is scored; `diverged`: of how many a number of the
      agent's state became NaN; `rejected`: how many steps of all seeds were rejected.
    - `worst_seed`: the one with the lowest score, None where none has one; `worst`: its score.
    """

    environment: str
    agent: str
    variant: str | None
    scores: NDArray[np.float64]
    mean: float
    low: float
    high: float
    average_rewards: NDArray[np.float64]
    average_reward: float
    unmeasured: int
    diverged: int
    rejected: int
    worst_seed: int | None
    worst: float


@dataclass(frozen=True)
class StudyDifference:
    """How much an agent's score is higher in variant `first` than in `second`, seed by seed.

    `mean` of the paired differences with its interval as in `StudyCell`; `differs` only if 0 lies
    outside of it.
    """

    environment: str
    agent: str
    first: str
    second: str
    mean: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        return bool(self.low > 0.0 or self.high < 0.0)


@dataclass(frozen=True)
class SameUntilCut:
    """Variants that differ in what a cut is taken for must be the same until the first cut.

    Compared are pairs of lives, the same agent, environment and seed in two such variants, up to
    and with the first episode that is cut, in bits: returns, lengths and ends. `pairs` of lives;
    `never_cut`: in how many of them no episode is cut, so that they are compared whole; `episodes`
    and `steps` that were compared; `differing`: the pairs that are not the same.
    """

    pairs: int
    never_cut: int
    episodes: int
    steps: int
    differing: tuple[str, ...]

    def require(self) -> None:
        """**Raises:** `AssertionError` naming the pairs that differ."""
        if self.differing:
            raise AssertionError(
                f"before any episode was cut, {len(self.differing)} of {self.pairs} pairs of lives "
                f"differ: {'; '.join(self.differing[:5])}."
            )

    def __str__(self) -> str:
        same = f"{self.episodes:,} episodes, {self.steps:,} steps"
        told = f"{self.pairs:,} pairs of lives, {self.never_cut:,} of which were never cut"
        if self.differing:
            return f"NOT the same until the first cut: {len(self.differing):,} of {told}"
        return f"Bit-identical until the first episode that is cut: {same} ({told})"


@dataclass(frozen=True, repr=False)
class ControlStudyResult:
    """The results of a study, or of what was lived of it: `results` of each of its comparisons."""

    study: ControlStudy
    results: Mapping[Part, ControlResult]

    def __repr__(self) -> str:
        return f"ControlStudyResult({self.study.name!r}, {len(self.cells)} cells)"

    @property
    def complete(self) -> bool:
        everything = len(self.results) == len(self.study.comparisons)
        return everything and all(result.complete for result in self.results.values())

    @property
    def cells(self) -> list[StudyCell]:
        """All of them: by environment, the reference first, then by agent, then by variant."""
        found = []
        for environment in self.study.environments:
            agents = self.study.agents_of(environment)
            columns = [(REFERENCE, None), *itertools.product(agents, self.study.variants)]
            for agent, variant in columns:
                result = self.results.get(Part(environment, variant))
                if result is not None and agent in result.agents:
                    found.append(_cell(environment, agent, variant, result))
        return found

    def agent_of(self, cell: StudyCell) -> AgentResult:
        """All that is known of the lives of a cell."""
        return self.results[Part(cell.environment, cell.variant)].agents[cell.agent]

    def curves_of(self, cell: StudyCell) -> Curves:
        """The learning curves of a cell, as those of one point."""
        return self.results[Part(cell.environment, cell.variant)].curves(cell.agent)

    @property
    def differences(self) -> list[StudyDifference]:
        """Of each agent in each environment, between every two variants that lived as long."""
        cells = {(c.environment, c.agent, c.variant): c for c in self.cells}
        found = []
        for environment, agent, first, second in self._pairs:
            one, other = (cells[environment, agent, variant] for variant in (first, second))
            ends = interval(one.scores - other.scores)
            found.append(StudyDifference(environment, agent, first, second, *ends))
        return found

    @property
    def same_until_cut(self) -> SameUntilCut | None:
        """The check of variants that differ in `bootstrap_on_truncation` alone; None without."""
        paths = {path for values in self.study.variants.values() for path in values}
        rules = {path.split(".")[-1] for path in paths}
        if len(self.study.variants) < 2 or rules != {_LIMIT_RULE}:
            return None
        pairs = never_cut = episodes = steps = 0
        differing = []
        for environment, agent, *variants in self._pairs:
            lives = [self.results[Part(environment, v)].agents[agent] for v in variants]
            for seed in range(self.study.seeds):
                cut, count = _until_cut(lives[0], seed)
                pairs, never_cut, episodes = pairs + 1, never_cut + (not cut), episodes + count
                steps += int(lives[0].steps[0, seed, :count].sum())
                if not _same(lives, seed):
                    differing.append(f"{agent} in {environment}, seed {seed}")
        return SameUntilCut(pairs, never_cut, episodes, steps, tuple(differing))

    @property
    def _pairs(self) -> list[tuple[str, str, str, str]]:
        """Environment, agent and two variants in which it lived as long."""
        found = []
        for environment in self.study.environments:
            for agent in self.study.agents_of(environment):
                for pair in itertools.combinations(self.study.variants, 2):
                    of = [self.results.get(Part(environment, variant)) for variant in pair]
                    lives = [r.agents[agent] for r in of if r is not None and agent in r.agents]
                    if len(lives) == 2 and np.array_equal(lives[0].lived, lives[1].lived):
                        found.append((environment, agent, *pair))
        return found


def interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """The mean, and the ends of its 95% percentile bootstrap interval."""
    return bootstrap_ci(values, n_bootstrap=10_000, seed=0, method="percentile")


def _cell(environment: str, agent: str, variant: str | None, result: ControlResult) -> StudyCell:
    scores, found = result.scores(agent)[0], result.agents[agent]
    measured = ~np.isnan(scores)
    worst = int(np.nanargmin(scores)) if measured.any() else None
    rewards = found.average_reward[0]
    mean, low, high = interval(scores)
    return StudyCell(
        environment=environment,
        agent=agent,
        variant=variant,
        scores=scores,
        mean=mean,
        low=low,
        high=high,
        average_rewards=rewards,
        average_reward=float(rewards.mean()),
        unmeasured=int((~measured).sum()),
        diverged=int(found.diverged.sum()),
        rejected=int(found.rejected.sum()),
        worst_seed=worst,
        worst=float("nan") if worst is None else float(scores[worst]),
    )


def _until_cut(life: AgentResult, seed: int) -> tuple[bool, int]:
    """Whether an episode of a life is cut, and how many there are up to and with the first."""
    there = life.steps[0, seed] > 0
    cuts = np.flatnonzero(there & ~life.terminated[0, seed])
    return bool(cuts.size), int(cuts[0]) + 1 if cuts.size else int(there.sum())


def _same(lives: list[AgentResult], seed: int) -> bool:
    (_, count), (_, other_count) = (_until_cut(life, seed) for life in lives)
    kept = [(life.returns, life.steps, life.terminated) for life in lives]
    return count == other_count and all(
        np.array_equal(one[0, seed, :count], other[0, seed, :count])
        for one, other in zip(*kept, strict=True)
    )
