"""What a sweep found: labelled curves, the best point, summaries with intervals."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._ranges import require_choice, require_count
from ..experiments._extras import analysis_package
from ..experiments.hyperparameters import require_known
from ..experiments.summaries import StatisticalSummary, compute_statistics
from .axes import Axes, at_paths
from .figure import plot_curves, plot_sensitivity
from .metrics import MetricNames

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
      demon or the like has its own; NaN where a point does not have the metric.
    - `parts`: what that axis counts, by the name of the metric.
    - `rejected` [points, seeds]: how many steps were rejected.
    """

    learner: Any
    stream: Any
    axes: Axes
    num_steps: int
    recorded_at: NDArray[np.int64]
    metrics: Mapping[str, NDArray[np.float32]]
    parts: Mapping[str, str]
    rejected: NDArray[np.int64]

    @property
    def seeds(self) -> int:
        """How many seeds each point has."""
        return self.rejected.shape[1]

    @property
    def points(self) -> list[dict[str, Any]]:
        """The value of each path at each point, in the order of the points."""
        return [self.axes.point(positions) for positions in self.axes.positions]

    @property
    def labels(self) -> list[dict[str, Any]]:
        """As `points`, with every value a number or a string."""
        labels = {path: self.axes.labels(path) for path in self.axes.values}
        return [
            {path: labels[path][i] for path, i in zip(labels, positions, strict=True)}
            for positions in self.axes.positions
        ]

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

        Heads, demons and the like are averaged, inactive ones left out. NaN or infinite where the
        member diverged or a window held rejected steps alone.

        **Arguments:** `metric`: by default the first, a squared error; `last`: how many of the
        last steps, all by default, rounded up to whole recordings.

        **Raises:** `ValueError` for an unknown metric.
        """
        values = self.curves(metric)
        if last is not None:
            require_count("SweepResult", "last", last, high=self.num_steps + 1)
            values = values[:, :, self.recorded_at > self.num_steps - last]
        with np.errstate(invalid="ignore", over="ignore"):
            return values.mean(axis=2)

    def ranking(
        self, metric: str | None = None, last: int | None = None, lower_is_better: bool = True
    ) -> NDArray[np.int64]:
        """The numbers of the points from best to worst mean score, diverged ones last."""
        with np.errstate(invalid="ignore", over="ignore"):
            means = self.scores(metric, last).mean(axis=-1) * (1.0 if lower_is_better else -1.0)
        return np.argsort(np.where(np.isfinite(means), means, np.inf), kind="stable")

    def best(
        self, metric: str | None = None, *, last: int | None = None, lower_is_better: bool = True
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
        rows = []
        for i, (label, scores) in enumerate(
            zip(self.labels, self.scores(metric, last), strict=True)
        ):
            found = compute_statistics(scores, confidence_level)
            diverged = int(np.sum(~np.isfinite(scores)))
            counts = {"diverged": diverged, "rejected": int(self.rejected[i].sum())}
            rows.append(label | vars(found) | counts)
        return analysis_package("pandas").DataFrame(rows)

    def to_xarray(self) -> "xr.Dataset":
        """The metrics as variables over the paths (one dimension `point` if zipped), `seed`, `step`
        and what the parts of a metric are; `rejected` over paths and `seed`."""
        dims, coords = self._dimensions()
        seeds, shape = self.seeds, self.axes.shape
        coords |= {"seed": np.arange(seeds), "step": self.recorded_at}
        variables: dict[str, Any] = {}
        for name, values in self.metrics.items():
            own = (*dims, "seed", "step", *([self.parts[name]] if name in self.parts else []))
            variables[name] = (own, values.reshape(*shape, *values.shape[1:]))
        variables["rejected"] = ((*dims, "seed"), self.rejected.reshape(*shape, seeds))
        return analysis_package("xarray").Dataset(variables, coords)

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
        lower_is_better: bool = True,
        points: int = 8,
    ) -> "Figure":
        """A figure with 95% confidence bands over seeds.

        **Arguments:** `metric`, `last` as in `scores`. `kind`: `"curves"`: learning curves of the
        best points, at most `points` of them; `"sensitivity"`: the score `over` a path of numbers
        (by default the first), one curve for each combination of the others.
        """
        require_choice("SweepResult.plot", "kind", kind, ("curves", "sensitivity"))
        require_count("SweepResult.plot", "points", points)
        metric = self._metric(metric)
        if kind == "curves":
            return plot_curves(self, metric, self.ranking(metric, last, lower_is_better)[:points])
        path = next(iter(self.numeric_paths), "") if over is None else over
        require_known(f"path {path!r} in `over`", path, self.numeric_paths)
        return plot_sensitivity(self, metric, path, last, lower_is_better)

    def curves(self, metric: str | None = None) -> NDArray[np.float64]:
        """A metric [points, seeds, recordings], heads, demons and the like averaged."""
        name = self._metric(metric)
        values = self.metrics[name].astype(np.float64)
        return _mean_of_parts(values) if name in self.parts else values

    def _metric(self, metric: str | None) -> str:
        if metric is None:
            return next(iter(self.metrics))
        require_known(f"metric {metric!r}", metric, self.metrics)
        return metric

    def _dimensions(self) -> tuple[tuple[str, ...], dict[str, Any]]:
        labels = {path: self.axes.labels(path) for path in self.axes.values}
        if self.axes.combine == "zip":
            return ("point",), {path: ("point", given) for path, given in labels.items()}
        return tuple(labels), dict(labels)


# Of a block: the point and seed of each member, its recordings, its rejected steps, the names.
Found = tuple[NDArray[np.int64], NDArray[np.int64], NDArray, NDArray, MetricNames]


def assembled(
    learner: Any,
    stream: Any,
    axes: Axes,
    seeds: int,
    num_steps: int,
    recorded_at: NDArray[np.int64],
    blocks: Iterable[Found],
) -> SweepResult:
    """The result of a sweep from its blocks, whose recordings are [lanes, points,
    recordings, parts, names] and rejected steps [lanes, points]."""
    blocks, points = list(blocks), len(axes.positions)
    metrics, parts = {}, {}
    for _, _, curves, _, names in blocks:
        for name in names.names:
            extra = curves.shape[3:-1]
            known = metrics.get(name, extra)
            metrics[name] = tuple(map(max, known, extra)) if len(known) == len(extra) else extra
            if names.part is not None:
                parts[name] = names.part
    values = {
        name: np.full((points, seeds, len(recorded_at), *extra), np.nan, np.float32)
        for name, extra in metrics.items()
    }
    rejected = np.zeros((points, seeds), np.int64)
    for point, seed, curves, counts, names in blocks:
        rejected[point, seed] = counts
        for column, name in enumerate(names.names):
            found = curves[..., column]
            width = found.shape[3:]
            values[name][(point, seed, slice(None), *map(slice, width))] = found
    return SweepResult(learner, stream, axes, num_steps, recorded_at, values, parts, rejected)


def _mean_of_parts(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last axis, NaN left out where not all are."""
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(present, values, 0.0).sum(-1) / present.sum(-1)
