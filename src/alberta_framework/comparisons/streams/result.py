"""What a comparison found: curves, scores, the best point of each learner, its step sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...figures.words import spoken_points
from ...results.aggregated import AggregatedResults, summary_of
from ...results.dataset import to_dataset
from ...results.scores import diverged_of, ranked, scores_of
from ...statistics.summaries import StatisticalSummary, compute_statistics
from .comparison import Comparison

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, repr=False)
class LearnerResult:
    """One learner at every point of its grid.

    - `points`: the values of its grid, in the order of the first axes below.
    - `curves` [points, seeds, windows]: the mean measure of each window; NaN where every step of
      the window was rejected, or the learner gave no number.
    - `step_sizes` [points, seeds, recordings, inputs]: in effect at the recorded steps; None if
      the learner has no step size per input.
    - `rejected` [points, seeds]: how many steps were rejected.
    - `rejected_at` [points, seeds, windows]: how many of them in each window; None if the learner
      does not tell.
    """

    points: tuple[dict[str, float], ...]
    curves: NDArray[np.float32]
    step_sizes: NDArray[np.float32] | None
    rejected: NDArray[np.int64]
    rejected_at: NDArray[np.integer] | None = None

    def __repr__(self) -> str:
        points, seeds, windows = self.curves.shape
        return f"LearnerResult({points} points x {seeds} seeds, {windows} windows)"


@dataclass(frozen=True)
class Standing:
    """A learner at its best point.

    `step_sizes` maps a group of inputs to the mean over its inputs and the seeds at the end;
    `diverged` counts the seeds that diverged (`ComparisonResult.diverged`), `rejected` the rejected
    steps of all seeds.
    """

    learner: str
    point: dict[str, float]
    score: StatisticalSummary
    step_sizes: dict[str, float]
    diverged: int
    rejected: int


@dataclass(frozen=True, repr=False)
class ComparisonResult:
    """The results of a comparison, or of its first `steps_done` steps.

    `learners` maps names to their results; `recorded_at` are the numbers of steps after which
    step sizes were recorded, the last one `steps_done`.
    """

    comparison: Comparison
    steps_done: int
    learners: Mapping[str, LearnerResult]
    recorded_at: NDArray[np.int64]

    def __repr__(self) -> str:
        told = f"{self.comparison.seeds} seeds, {self.steps_done:,} steps"
        learners = ", ".join(self.learners)
        return f"ComparisonResult({self.comparison.name!r}, {told}; learners: {learners})"

    @property
    def complete(self) -> bool:
        return self.steps_done == self.comparison.num_steps

    @property
    def evaluated(self) -> int:
        """How many of the last steps are scored."""
        return min(self.comparison.evaluate_last, self.steps_done)

    @property
    def window_ends(self) -> NDArray[np.int64]:
        """The number of steps at the end of each window of the curves."""
        window = self.comparison.window
        return window * np.arange(1, self.steps_done // window + 1)

    def scores(self, learner: str) -> NDArray[np.float64]:
        """The score of each point and seed [points, seeds]; NaN or infinite where it diverged.

        Windows in which nothing was measured though no step was rejected are left out.
        """
        return scores_of(*self._last(learner))

    def diverged(self, learner: str) -> NDArray[np.bool_]:
        """Which points and seeds diverged [points, seeds]: some scored window is not finite, or all
        its steps were rejected."""
        return diverged_of(*self._last(learner))

    def best(self, learner: str) -> int:
        """The point of the best mean score; one that diverged at a seed is worse than any other."""
        return int(ranked(self.scores(learner), self.comparison.less_is_better)[0])

    def input_groups(self, inputs: int) -> dict[str, slice]:
        """The groups of inputs whose step sizes are told apart, of a learner that sees `inputs`."""
        relevant = self.comparison.relevant_inputs
        if relevant is None:
            return {"all": slice(inputs)}
        groups = {"relevant": slice(min(relevant, inputs))}
        return groups | ({"irrelevant": slice(relevant, inputs)} if inputs > relevant else {})

    def group_step_sizes(self, learner: str) -> dict[str, NDArray[np.float64]]:
        """The mean step size of each group of inputs [points, seeds, recordings]."""
        sizes = self.learners[learner].step_sizes
        if sizes is None:
            return {}
        groups = self.input_groups(sizes.shape[-1])
        return {name: sizes[..., group].mean(-1, np.float64) for name, group in groups.items()}

    def standing(self, learner: str) -> Standing:
        """The learner at its best point."""
        best = self.best(learner)
        result, scores = self.learners[learner], self.scores(learner)[best]
        sizes = self.group_step_sizes(learner)
        return Standing(
            learner=learner,
            point=result.points[best],
            score=compute_statistics(scores),
            step_sizes={name: float(size[best, :, -1].mean()) for name, size in sizes.items()},
            diverged=int(self.diverged(learner)[best].sum()),
            rejected=int(result.rejected[best].sum()),
        )

    @property
    def standings(self) -> list[Standing]:
        """Every learner at its best point, in the order of the comparison."""
        return [self.standing(name) for name in self.learners]

    def aggregated(self, all_points: bool = False) -> dict[str, AggregatedResults]:
        """The runs of each learner at its best point by its name, or of each at all points;
        statistics, tables, figures and exports take them, and the result itself for them.

        The one metric is called as the `score` of the comparison; the final value of a seed is its
        score. Learner and point are labels.
        """
        found = {}
        for learner, result in self.learners.items():
            scores, best = self.scores(learner), self.best(learner)
            named = zip(spoken_points(result.points), result.points, strict=True)
            for place, (told, point) in enumerate(named):
                if not all_points and place != best:
                    continue
                name = f"{learner} ({told})" if all_points and told else learner
                at = result.rejected_at
                found[name] = AggregatedResults(
                    name,
                    range(self.comparison.seeds),
                    {self.comparison.score: result.curves[place]},
                    {self.comparison.score: summary_of(scores[place])},
                    labels={"learner": learner, **point},
                    recorded_at=self.window_ends,
                    rejected=result.rejected[place],
                    rejected_at=None if at is None else at[place],
                )
        return found

    def to_xarray(self) -> "xr.Dataset":
        """The score as a variable over `point`, all points of all learners, `seed` and `step`, and
        `rejected`; learners and the values of their grids are coordinates along `point`."""
        return to_dataset(self.aggregated(all_points=True))

    def _last(self, learner: str) -> tuple[NDArray, NDArray | None]:
        """The curves over the scored windows, and how many of their steps were rejected."""
        windows, result = self.evaluated // self.comparison.window, self.learners[learner]
        rejected = result.rejected_at
        return result.curves[..., -windows:], rejected if rejected is None else rejected[
            ..., -windows:
        ]
