"""What a sweep found: labelled curves, the best point, summaries with intervals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..components.extras import analysis_package
from ..components.known import require_known
from ..components.ranges import require_choice, require_count
from ..figures.words import spoken_points
from ..hyperparameters.axes import Axes
from ..learners import primary_metric
from ..results.aggregated import AggregatedResults, mean_of_parts, summary_of
from ..results.dataset import to_dataset
from ..results.scores import diverged_of, less_is_better, ranked, scores_of
from ..statistics.summaries import StatisticalSummary, compute_statistics
from .figure import plot_curves, plot_sensitivity
from .roots import at_paths

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class BestPoint:
    """The best point of a sweep: its values by path, the learner and stream that have them, its
    number in the order of the points, and its score over seeds."""

    point: dict[str, Any]
    learner: Any
    stream: Any
    index: int
    score: StatisticalSummary


@dataclass(frozen=True)
class SweepResult:
    """The results of a sweep.

    - `learner`, `stream`, `axes`: what was swept.
    - `num_steps`: of each member.
    - `recorded_at` [recordings]: the steps done at the end of each window, or the numbers of the
      recorded steps.
    - `metrics`: name to values [points, seeds, recordings], with one more axis where each head,
      demon or the like has its own; NaN where nothing was measured, as of a rejected step.
    - `parts`: what that axis counts, by the name of the metric.
    - `rejected` [points, seeds]: how many steps were rejected.
    - `rejected_at` [points, seeds, recordings]: how many of them until each recording, after the
      one before; NaN where the learner does not tell.
    """

    learner: Any
    stream: Any
    axes: Axes
    num_steps: int
    recorded_at: NDArray[np.int64]
    metrics: Mapping[str, NDArray[np.float32]]
    parts: Mapping[str, str]
    rejected: NDArray[np.int64]
    rejected_at: NDArray[np.float64] | None = None

    def __repr__(self) -> str:
        points, seeds = self.rejected.shape
        told = f"{points} points x {seeds} seeds", f"{self.num_steps:,} steps"
        return f"SweepResult({', '.join(told)}; metrics: {', '.join(self.metrics)})"

    @property
    def seeds(self) -> int:
        """How many seeds each point has."""
        return self.rejected.shape[1]

    @property
    def points(self) -> list[dict[str, Any]]:
        """The value of each path at each point, in the order of the points."""
        return self.axes.points

    @property
    def labels(self) -> list[dict[str, Any]]:
        """As `points`, with every value a number or a string."""
        return self.axes.labelled_points

    @property
    def numeric_paths(self) -> list[str]:
        """The paths whose values are numbers."""
        labels = {path: self.axes.labels(path) for path in self.axes.values}
        return [
            path
            for path, given in labels.items()
            if all(isinstance(label, int | float) for label in given)
        ]

    def scores(self, metric: str | None = None, last: int | None = None) -> NDArray[np.float64]:
        """The mean of a metric over the recordings of the last steps, for each point and seed.

        Heads, demons and the like are averaged, inactive ones left out, and so are recordings in
        which nothing was measured though no step was rejected. NaN or infinite where the member
        diverged.

        **Arguments:** `metric`: by default a squared error, and where there is none the first;
        `last`: how many of the last steps, all by default, rounded up to whole recordings.

        **Raises:** `ValueError` for an unknown metric.
        """
        return scores_of(*self._last(metric, last))

    def diverged(self, metric: str | None = None, last: int | None = None) -> NDArray[np.bool_]:
        """Which points and seeds diverged: a metric is not finite at some recording, or all steps
        of a recording were rejected. Arguments as `scores`."""
        return diverged_of(*self._last(metric, last))

    def ranking(
        self,
        metric: str | None = None,
        last: int | None = None,
        lower_is_better: bool | None = None,
    ) -> NDArray[np.int64]:
        """The numbers of the points from best to worst mean score, diverged ones last.

        `lower_is_better`: of the metric; by default so, but for rewards and returns.
        """
        less = less_is_better(self.chosen_metric(metric), lower_is_better)
        return ranked(self.scores(metric, last), less)

    def best(
        self,
        metric: str | None = None,
        *,
        last: int | None = None,
        lower_is_better: bool | None = None,
    ) -> BestPoint:
        """The point of best mean score; one that diverged at a seed is worse than any other.

        **Arguments:** `metric`, `last` as in `scores`.
        """
        index = int(self.ranking(metric, last, lower_is_better)[0])
        point = self.points[index]
        return BestPoint(
            point=point,
            learner=at_paths(self.learner, "learner", point),
            stream=at_paths(self.stream, "stream", point),
            index=index,
            score=compute_statistics(self.scores(metric, last)[index]),
        )

    def summary(
        self, metric: str | None = None, *, last: int | None = None, confidence_level: float = 0.95
    ) -> "pd.DataFrame":
        """One row per point: its values, mean, spread and Student's t interval over seeds, seeds
        that diverged, rejected steps.

        **Arguments:** `metric`, `last` as in `scores`; `confidence_level` in (0, 1).
        """
        rows, diverged = [], self.diverged(metric, last)
        for i, (label, scores) in enumerate(
            zip(self.labels, self.scores(metric, last), strict=True)
        ):
            found = compute_statistics(scores, confidence_level)
            counts = {"diverged": int(diverged[i].sum()), "rejected": int(self.rejected[i].sum())}
            rows.append(label | vars(found) | counts)
        return analysis_package("pandas").DataFrame(rows)

    def aggregated(self, last: int | None = None) -> dict[str, AggregatedResults]:
        """The runs of each point by its values in words; statistics, tables, figures and exports
        take them, and the sweep itself for them.

        The final value of a seed is its score. **Arguments:** `last` as in `scores`.
        """
        finals = {metric: self.scores(metric, last) for metric in self.metrics}
        names = spoken_points(self.labels) if self.axes.values else ["all seeds"]
        return {
            name: AggregatedResults(
                name,
                range(self.seeds),
                {metric: values[place] for metric, values in self.metrics.items()},
                {metric: summary_of(values[place]) for metric, values in finals.items()},
                labels=labels,
                recorded_at=self.recorded_at,
                parts=self.parts,
                rejected=self.rejected[place],
                rejected_at=None if self.rejected_at is None else self.rejected_at[place],
            )
            for place, (name, labels) in enumerate(zip(names, self.labels, strict=True))
        }

    def to_xarray(self) -> "xr.Dataset":
        """The metrics as variables over the paths (one dimension `point` if zipped), `seed`, `step`
        and what the parts of a metric are; `rejected` over paths and `seed`."""
        product = self.axes.combine == "product"
        grid = {path: self.axes.labels(path) for path in self.axes.values} if product else None
        return to_dataset(self.aggregated(), grid)

    def to_dataframe(self) -> "pd.DataFrame":
        """One row per point, seed and recording (and part): the values of the paths, `seed`,
        `step`, and a column per metric."""
        data = self.to_xarray().drop_vars("rejected")
        frame: Any = data.to_dataframe().reset_index()
        first = [*self.axes.values, "seed", "step"]
        return frame[[*first, *(column for column in frame if column not in (*first, "point"))]]

    def plot(
        self,
        metric: str | None = None,
        *,
        kind: str = "curves",
        over: str | None = None,
        last: int | None = None,
        lower_is_better: bool | None = None,
        points: int = 8,
    ) -> "Figure":
        """A figure with 95% confidence bands over seeds.

        **Arguments:** `metric`, `last` as in `scores`. `kind`: `"curves"`: learning curves of the
        best points, at most `points` of them; `"sensitivity"`: the score `over` a path of numbers
        (by default the first), one curve for each combination of the others.
        """
        require_choice("SweepResult.plot", "kind", kind, ("curves", "sensitivity"))
        require_count("SweepResult.plot", "points", points)
        metric = self.chosen_metric(metric)
        if kind == "curves":
            return plot_curves(self, metric, self.ranking(metric, last, lower_is_better)[:points])
        path = next(iter(self.numeric_paths), "") if over is None else over
        require_known(f"path {path!r} in `over`", path, self.numeric_paths)
        less = less_is_better(metric, lower_is_better)
        return plot_sensitivity(self, metric, path, last, less)

    def curves(self, metric: str | None = None) -> NDArray[np.float64]:
        """A metric [points, seeds, recordings], heads, demons and the like averaged."""
        name = self.chosen_metric(metric)
        values = self.metrics[name].astype(np.float64)
        return mean_of_parts(values) if name in self.parts else values

    def chosen_metric(self, metric: str | None = None) -> str:
        """The metric itself if there is such a one; by default a squared error, else the first.

        **Raises:** `ValueError` for an unknown metric, naming all.
        """
        if metric is None:
            return primary_metric(self.metrics)
        require_known(f"metric {metric!r}", metric, self.metrics)
        return metric

    def _last(
        self, metric: str | None, last: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """The curves over the last steps, and how many steps were rejected there."""
        curves, rejected = self.curves(metric), self.rejected_at
        if last is None:
            return curves, rejected
        require_count("SweepResult", "last", last, high=self.num_steps + 1)
        scored = self.recorded_at > self.num_steps - last
        return curves[..., scored], None if rejected is None else rejected[..., scored]


class Found(NamedTuple):
    """What a block gave: the point and the seed of each member [lanes, points], and of these the
    metrics by name [lanes, points, recordings, parts] and how many steps were rejected until each
    recording, None where the learners do not tell."""

    points: NDArray[np.int64]
    seeds: NDArray[np.int64]
    metrics: Mapping[str, NDArray]
    rejected: NDArray[np.uint32] | None


def assembled(
    learner: Any,
    stream: Any,
    axes: Axes,
    seeds: int,
    num_steps: int,
    recorded_at: NDArray[np.int64],
    parts: Mapping[str, str],
    blocks: Iterable[Found],
) -> SweepResult:
    """The result of a sweep from its blocks; with fewer parts than another one, a block's metrics
    end in NaN."""
    blocks, shape = list(blocks), (len(axes.positions), seeds, len(recorded_at))
    metrics: dict[str, NDArray[np.float32]] = {}
    for name in blocks[0].metrics:
        widths = [block.metrics[name].shape[3:] for block in blocks]
        metrics[name] = np.full((*shape, *max(widths)), np.nan, np.float32)
    rejected_at = np.full(shape, np.nan)
    for block in blocks:
        of_members = block.points, block.seeds
        for name, values in block.metrics.items():
            metrics[name][(*of_members, slice(None), *map(slice, values.shape[3:]))] = values
        if block.rejected is not None:
            # The counts have 32 bits, and so have their differences.
            rejected_at[of_members] = np.diff(block.rejected, prepend=np.uint32(0))
    rejected = np.nansum(rejected_at, axis=-1).astype(np.int64)
    return SweepResult(
        learner, stream, axes, num_steps, recorded_at, metrics, parts, rejected, rejected_at
    )
