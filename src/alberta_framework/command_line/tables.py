"""Tables on the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from ..comparisons import ComparisonResult, ControlResult, spoken_point
from ..statistics import StatisticalSummary


def standings_table(result: ComparisonResult) -> Table:
    """Each learner at its best point: score with its interval, step sizes, rejected steps."""
    comparison, standings = result.comparison, result.standings
    groups = list(dict.fromkeys(group for s in standings for group in s.step_sizes))
    rejections = any(s.rejected for s in standings)
    table = Table(box=SIMPLE_HEAD, title=comparison.title, title_justify="left", pad_edge=False)
    table.caption, table.caption_justify = _caption(result), "left"
    table.add_column("Learner")
    if any(s.point for s in standings):
        table.add_column("Best setting")
    headers = ["Mean", "95% CI", "SE", *(_step_size_header(group) for group in groups)]
    for header in [*headers, *(["Rejected"] if rejections else [])]:
        table.add_column(header, justify="right")
    for standing in standings:
        cells = [standing.learner]
        if any(s.point for s in standings):
            cells.append(spoken_point(standing.point))
        cells += score_cells(standing.score, standing.diverged)
        cells += [_number(standing.step_sizes.get(group), 3) for group in groups]
        table.add_row(*cells, *([f"{standing.rejected:,}"] if rejections else []))
    return table


def control_table(result: ControlResult) -> Table:
    """Each agent at every point: score with its interval, return and length of an episode."""
    comparison, standings = result.comparison, result.standings
    other = "Steps" if comparison.score == "return" else "Return"
    rejections = any(s.rejected for s in standings)
    table = Table(box=SIMPLE_HEAD, title=comparison.title, title_justify="left", pad_edge=False)
    table.caption, table.caption_justify = _control_caption(result), "left"
    table.add_column("Agent")
    if any(s.point for s in standings):
        table.add_column("Setting")
    in_steps = comparison.extent.unit == "step"
    besides = [other, *(["Reward per step"] if in_steps else [])]
    for header in ["Mean", "95% CI", "SE", *besides, *(["Rejected"] if rejections else [])]:
        table.add_column(header, justify="right")
    for s in standings:
        cells = [s.agent]
        if any(s.point for s in standings):
            cells.append(spoken_point(s.point) + (" (best)" if s.best and s.point else ""))
        cells += score_cells(s.score, s.unmeasured, "no episode")
        length_or_return = s.mean_steps if other == "Steps" else s.mean_return
        cells.append("" if s.unmeasured else _number(length_or_return))
        cells += [_number(s.average_reward)] * in_steps
        table.add_row(*cells, *([f"{s.rejected:,}"] if rejections else []))
    return table


def _control_caption(result: ControlResult) -> str:
    comparison = result.comparison
    seeds = "1 seed" if comparison.seeds == 1 else f"mean over {comparison.seeds} seeds"
    asked = f" (stopped; {comparison.extent.count:,} were asked for)"
    return f"{comparison.measure} over {result.scored}{'' if result.complete else asked}, {seeds}."


def experiments_table(experiments: Mapping[str, Mapping[str, Any]]) -> Table:
    """Names and titles."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Experiment", no_wrap=True)
    table.add_column("What it compares")
    for name, config in experiments.items():
        table.add_row(name, config.get("title", ""))
    return table


def _step_size_header(group: str) -> str:
    return "Step size" if group == "all" else f"Step size, {group}"


def score_cells(score: StatisticalSummary, diverged: int, what: str = "diverged") -> list[str]:
    """Mean, interval and standard error; or how many seeds diverged, or `what` it was."""
    if diverged:
        return [what, f"{diverged} of {score.n_seeds} seeds", ""]
    if score.n_seeds == 1:
        return [_number(score.mean), "", ""]
    interval = f"[{_number(score.ci_lower)}, {_number(score.ci_upper)}]"
    return [_number(score.mean), interval, _number(score.sem, 2)]


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None else f"{value:#.{digits}g}"


def _caption(result: ComparisonResult) -> str:
    comparison = result.comparison
    seeds = "1 seed" if comparison.seeds == 1 else f"mean over {comparison.seeds} seeds"
    searched = any(len(learner.points) > 1 for learner in result.learners.values())
    setting = "; each learner at the best setting of its grid" if searched else ""
    stopped = "" if result.complete else f" (stopped; {comparison.num_steps:,} were asked for)"
    better = "" if comparison.less_is_better else " (more is better)"
    return (
        f"{comparison.measure}{better} over the last {result.evaluated:,} of "
        f"{result.steps_done:,} steps{stopped}, {seeds}{setting}."
    )
