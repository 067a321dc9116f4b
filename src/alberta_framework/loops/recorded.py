"""The steps that a loop records, and what it recorded as the runs of a method."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..learners import Metrics
from ..results.aggregated import AggregatedResults, mean_of_parts, summary_of
from ..results.scores import scores_of
from .entrance import ChosenOptions, LoopOptions
from .recorders import EveryNth, WindowMean


class RecordedSteps(NamedTuple):
    """Which of the steps of a loop have a recording: every n-th, or the windows of n."""

    num_steps: int
    interval: int = 1
    windows: bool = False

    @classmethod
    def by(cls, recorder: EveryNth | WindowMean | None, num_steps: int) -> "RecordedSteps":
        """Those of a loop with a recorder of outputs; every step without one."""
        interval = 1 if recorder is None else recorder.interval
        return cls(num_steps, interval, isinstance(recorder, WindowMean))

    @classmethod
    def of(cls, options: LoopOptions, num_steps: int) -> "RecordedSteps":
        """Those of a loop with these options."""
        return cls.by(ChosenOptions(**options).recorder(), num_steps)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The number of each recorded step; of a window how many are done at its end."""
        starts = np.arange(0, self.num_steps, self.interval)
        return np.minimum(starts + self.interval, self.num_steps) if self.windows else starts


def aggregated(
    name: str, metrics: Metrics, lanes: bool, rejected: Any
) -> dict[str, AggregatedResults]:
    """The metrics of a loop as the runs of one method, a seed for each lane.

    The final value of a lane is the mean of what was recorded. NaN is left out, as where no episode
    ended, unless the lane rejected steps: which recordings hold them is not known.
    """
    arrays = {metric: np.asarray(values) for metric, values in metrics.items()}
    if not lanes:
        arrays = {metric: values[None] for metric, values in arrays.items()}
    counts = np.atleast_1d(np.asarray(rejected)).astype(np.int64)
    steps = metrics.recorded_steps
    parts = {metric: "part" for metric, values in arrays.items() if values.ndim > 2}
    recordings = next(iter(arrays.values())).shape[1]
    unknown = np.where(counts == 0, 0.0, np.nan)[:, None].repeat(recordings, axis=1)
    finals = {
        metric: scores_of(mean_of_parts(values.astype(np.float64)), unknown)
        if metric in parts
        else scores_of(values, unknown)
        for metric, values in arrays.items()
    }
    runs = AggregatedResults(
        name,
        range(len(counts)),
        arrays,
        {metric: summary_of(values) for metric, values in finals.items()},
        recorded_at=None if steps is None else steps.numbers,
        parts=parts,
        rejected=counts,
        rejected_at=unknown,
    )
    return runs.aggregated()
