"""What `alberta run` can carry out: learners on a stream, agents in an environment or several,
predictions of what a machine or a file shows."""

import dataclasses
import functools as ft
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from rich.console import RenderableType
from rich.table import Table

from ..comparisons import (
    Comparison,
    ComparisonResult,
    ComparisonRun,
    ControlComparison,
    ControlResult,
    ControlRun,
    ControlStudy,
    ControlStudyResult,
    ControlStudyRun,
    comparison_from_config,
    control_comparison_from_config,
    control_study_from_config,
    save_comparison,
    save_control_comparison,
    save_control_study,
)
from ..nexting import (
    NextingExperiment,
    NextingResult,
    NextingRun,
    nexting_from_config,
    save_nexting,
)
from .catalogue import experiment
from .nexting_tables import latest_table, nexting_table
from .own_modules import with_own_modules
from .problems import Problem, UsageProblem
from .study_tables import study_tables
from .tables import control_table, standings_table

# `show(done, note)`, and on a terminal what stands below: `show(done, note, renderable)`.
Show = Callable[..., None]


@dataclasses.dataclass(frozen=True)
class StreamJob:
    """A comparison of learners on a stream, counted in steps."""

    comparison: Comparison
    unit: ClassVar[str] = "steps"
    not_resumed: ClassVar[str | None] = (
        "a comparison of learners on a stream is not resumed; `alberta sweep` is."
    )

    @property
    def total(self) -> int:
        return self.comparison.num_steps

    def begin(self, checkpoint: Path | None) -> ComparisonRun:
        del checkpoint
        return ComparisonRun(self.comparison)

    def advance(self, run: ComparisonRun, show: Show) -> None:
        """A segment; `show(done, note)` is called as often as there is something to show."""
        run.advance(lambda done: show(done, ""))

    def result(self, run: ComparisonRun) -> ComparisonResult | None:
        """What is finished; None if nothing is."""
        return run.result() if run.steps_done else None

    def close(self, run: ComparisonRun) -> None:
        """A stream holds nothing open."""

    def save(self, result: ComparisonResult, folder: Path) -> list[Path]:
        return save_comparison(result, folder)

    def table(self, result: ComparisonResult) -> Table:
        return standings_table(result)

    def extent(self, result: ComparisonResult) -> str:
        """How far a run came that was stopped."""
        return f"{result.steps_done:,} of {self.comparison.num_steps:,} steps"


@dataclasses.dataclass(frozen=True)
class ControlJob:
    """A comparison of agents in an environment, counted in episodes or in steps."""

    comparison: ControlComparison

    @property
    def unit(self) -> str:
        return f"{self.comparison.extent.unit}s"

    @property
    def not_resumed(self) -> str | None:
        """Why a run of it cannot be resumed; None if it can."""
        return self.comparison.not_resumed

    @property
    def total(self) -> int:
        return ControlRun(self.comparison).asked

    def begin(self, checkpoint: Path | None) -> ControlRun:
        return ControlRun(self.comparison, checkpoint=checkpoint)

    def advance(self, run: ControlRun, show: Show) -> None:
        """Some steps; `show(done, note)` tells the running return of each agent."""
        run.advance()
        recent = ", ".join(f"{name} {mean:,.1f}" for name, mean in run.recent_returns.items())
        show(run.done, f"return: {recent}" if recent else "")

    def result(self, run: ControlRun) -> ControlResult | None:
        """What is finished; None if nothing is."""
        return run.result() if run.any_finished else None

    def close(self, run: ControlRun) -> None:
        run.close()

    def save(self, result: ControlResult, folder: Path) -> list[Path]:
        return save_control_comparison(result, folder)

    def table(self, result: ControlResult) -> Table:
        return control_table(result)

    def extent(self, result: ControlResult) -> str:
        """How far a run came that was stopped."""
        lived = f"{result.lived:,} of {self.total:,} {self.unit}"
        return f"{lived} of all lives, each {result.done:,} or more"


@dataclasses.dataclass(frozen=True)
class StudyJob:
    """Agents in several environments and variants, counted in steps."""

    comparison: ControlStudy
    unit: ClassVar[str] = "steps"
    not_resumed: ClassVar[str | None] = None

    @property
    def total(self) -> int:
        return ControlStudyRun(self.comparison).asked

    def begin(self, checkpoint: Path | None) -> ControlStudyRun:
        return ControlStudyRun(self.comparison, checkpoint=checkpoint)

    def advance(self, run: ControlStudyRun, show: Show) -> None:
        """Some steps; `show(done, note)` tells the running return of each agent at work."""
        run.advance()
        place = ", ".join(filter(None, run.part))
        recent = ", ".join(f"{name} {mean:,.1f}" for name, mean in run.recent_returns.items())
        show(run.done, f"{place}: return: {recent}" if recent else place)

    def result(self, run: ControlStudyRun) -> ControlStudyResult | None:
        """What is finished; None if nothing is."""
        return run.result() if run.any_finished else None

    def close(self, run: ControlStudyRun) -> None:
        run.close()

    def save(self, result: ControlStudyResult, folder: Path) -> list[Path]:
        return save_control_study(result, folder)

    def table(self, result: ControlStudyResult) -> RenderableType:
        return study_tables(result)

    def extent(self, result: ControlStudyResult) -> str:
        """How far a run came that was stopped."""
        done = sum(one.complete for one in result.results.values())
        return f"{done:,} of {len(self.comparison.comparisons):,} comparisons"


@dataclasses.dataclass(frozen=True)
class NextingJob:
    """One life of predictions of all that is measured, counted in rows."""

    comparison: NextingExperiment
    unit: ClassVar[str] = "rows"
    not_resumed: ClassVar[str | None] = (
        "a life of predictions is not resumed; `alberta daemon` saves and resumes one."
    )

    @property
    def total(self) -> int:
        return self.comparison.num_rows

    def begin(self, checkpoint: Path | None) -> NextingRun:
        del checkpoint
        return NextingRun(self.comparison)

    def advance(self, run: NextingRun, show: Show) -> None:
        """Some rows; twice a second a table of what is predicted is shown."""
        run.advance()
        between = max(1, round(0.5 / self.comparison.source.dt))
        if run.rows_done % between == 0 or self.comparison.source.at_once > 1:
            show(run.rows_done, "", latest_table(run))

    def result(self, run: NextingRun) -> NextingResult | None:
        """What was seen until now; None if nothing was learned from."""
        return run.result() if run.rows_done > 1 else None

    def close(self, run: NextingRun) -> None:
        """Nothing is held open."""

    def save(self, result: NextingResult, folder: Path) -> list[Path]:
        return save_nexting(result, folder)

    def table(self, result: NextingResult) -> Table:
        return nexting_table(result)

    def extent(self, result: NextingResult) -> str:
        """How far a run came that was stopped."""
        return f"{result.rows_done:,} of {self.comparison.num_rows:,} rows"


def job_of(
    source: str,
    seeds: int | None,
    steps: int | None,
    episodes: int | None,
    imports: Sequence[str] = (),
    data: Path | None = None,
) -> StreamJob | ControlJob | StudyJob | NextingJob:
    """The experiment that `source` names, with other numbers of seeds, steps or episodes; of one
    that reads a file, `data`.

    **Raises:** `Problem` for what a user can mend; warnings are printed, one line each.
    """
    name, config = experiment(source)
    file = Path(source)
    config = with_own_modules(config, source, file.parent if file.exists() else None, imports)
    study, control, nexting = (key in config for key in ("environments", "environment", "nexting"))
    if data is not None and not nexting:
        raise UsageProblem(f"{str(data)!r}: {name} reads no file; leave it out.")
    if seeds is not None and nexting:
        raise UsageProblem("--seeds: this experiment draws nothing; leave it out.")
    in_episodes = control and "steps" not in config
    if in_episodes and steps is not None:
        raise UsageProblem("--steps: this experiment is counted in episodes; use --episodes.")
    if not in_episodes and episodes is not None:
        raise UsageProblem("--episodes: this experiment is counted in steps; use --steps.")
    read = control_comparison_from_config if control else comparison_from_config
    read = control_study_from_config if study else read
    read = ft.partial(nexting_from_config, data=data) if nexting else read
    comparison: Any = _read(read, config, name, source)
    try:
        if steps is not None or episodes is not None:
            comparison = comparison.resized(steps if episodes is None else episodes)
        if seeds is not None:
            comparison = dataclasses.replace(comparison, seeds=seeds)
    except ValueError as error:
        raise UsageProblem(f"--steps: {error}") from error
    kind = StudyJob if study else ControlJob if control else StreamJob
    return NextingJob(comparison) if nexting else kind(comparison)


def _read(read: Callable, config: dict[str, Any], name: str, source: str) -> Any:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            comparison = read(config, name)
        except ValueError as error:
            raise UsageProblem(f"{source}: {error}") from error
        except ImportError as error:
            raise Problem(f"{source}: {error}") from error
    doubts = [str(w.message) for w in warned if issubclass(w.category, UserWarning)]
    for message in dict.fromkeys(doubts):
        print(f"alberta: {source}: {message}", file=sys.stderr)
    return comparison
