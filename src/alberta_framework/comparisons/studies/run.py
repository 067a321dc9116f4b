"""Running a study: its comparisons one after the other."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path

from ..control import ControlRun
from .result import ControlStudyResult
from .study import ControlStudy, Part


def run_control_study(
    study: ControlStudy, on_progress: Callable[["ControlStudyRun"], None] | None = None
) -> ControlStudyResult:
    """Run a study from start to end.

    **Arguments:** `study`; `on_progress(run)`: called after every thousand steps of some lives.
    """
    run = ControlStudyRun(study)
    while not run.finished:
        run.advance()
        if on_progress is not None:
            on_progress(run)
    return run.result()


class ControlStudyRun:
    """A study under way: `ControlRun` of each of its comparisons, one after the other.

    **Arguments:** `study`; `checkpoint`, `checkpoint_every_s`: as in `ControlRun`, a folder with
    one inside for each comparison.
    """

    def __init__(
        self,
        study: ControlStudy,
        *,
        checkpoint: str | PathLike[str] | None = None,
        checkpoint_every_s: float = 60.0,
    ):
        self.study = study
        self._runs: dict[Part, ControlRun] = {}
        for place, (part, comparison) in enumerate(study.comparisons.items()):
            folder = None if checkpoint is None else Path(checkpoint) / f"comparison-{place}"
            self._runs[part] = ControlRun(
                comparison, checkpoint=folder, checkpoint_every_s=checkpoint_every_s
            )

    @property
    def done(self) -> int:
        """Steps of all lives."""
        return sum(run.done for run in self._runs.values())

    @property
    def asked(self) -> int:
        """Steps that all lives are to have."""
        return sum(run.asked for run in self._runs.values())

    @property
    def finished(self) -> bool:
        return all(run.finished for run in self._runs.values())

    @property
    def any_finished(self) -> bool:
        """Whether every seed of some agent has lived a step."""
        return any(run.any_finished for run in self._runs.values())

    @property
    def part(self) -> Part:
        """The comparison at work, the last when all are done."""
        going = (part for part, run in self._runs.items() if not run.finished)
        return next(going, next(reversed(self._runs)))

    @property
    def recent_returns(self) -> dict[str, float]:
        """Of each agent of the comparison at work that has finished an episode, the mean over the
        last 50 episodes of each life."""
        return self._runs[self.part].recent_returns

    def advance(self) -> None:
        """Up to a thousand more steps of every life of the agent at work."""
        self._runs[self.part].advance()

    def save(self) -> None:
        """Save what is done to the checkpoint, if there is one."""
        self._runs[self.part].save()

    def result(self) -> ControlStudyResult:
        """The results of what was lived.

        **Raises:** `ValueError` before every seed of an agent has lived a step.
        """
        if not self.any_finished:
            raise ValueError("no step of the study is lived yet at every seed.")
        lived = {part: run.result() for part, run in self._runs.items() if run.any_finished}
        return ControlStudyResult(self.study, lived)

    def close(self) -> None:
        """There is nothing to close."""
