"""The tables of a study on the terminal."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from ..comparisons import ControlStudyResult, StudyCell


def study_tables(result: ControlStudyResult) -> RenderableType:
    """All cells, the paired differences between variants, and where they must be the same."""
    parts: list[RenderableType] = [_cells(result)]
    if result.differences:
        parts.append(_differences(result))
    same = result.same_until_cut
    if same is not None and same.pairs:
        parts.append(f"{same}.")
    return Group(*parts)


def _cells(result: ControlStudyResult) -> Table:
    study = result.study
    table = Table(box=SIMPLE_HEAD, title=study.title, title_justify="left", pad_edge=False)
    seeds = "1 seed" if study.seeds == 1 else f"{study.seeds} seeds"
    stopped = "" if result.complete else " (stopped; cells that were begun may have fewer)"
    table.caption, table.caption_justify = (
        f"Mean return of the episodes that ended in the last {study.evaluate_last_share:.0%} of "
        f"{study.steps:,} steps{stopped}, {seeds}, with the 95% percentile bootstrap interval of "
        "the mean. Reward: per step, over all of them. NaN: seeds whose agent holds a number that "
        "is none.",
        "left",
    )
    several = any(study.variants)
    for header in ("Environment", "Agent", *(["Variant"] if several else [])):
        table.add_column(header, no_wrap=True)
    for header in ("Mean", "95% CI", "Worst (seed)", "Reward", "NaN", "Rejected"):
        table.add_column(header, justify="right", no_wrap=True)
    last = None
    for cell in result.cells:
        if last not in (None, cell.environment):
            table.add_section()
        last = cell.environment
        names = [cell.environment, cell.agent, *([cell.variant or ""] if several else [])]
        table.add_row(*names, *_score(cell), *_besides(cell))
    return table


def _score(cell: StudyCell) -> list[str]:
    worst = "" if cell.worst_seed is None else f"{number(cell.worst)} ({cell.worst_seed})"
    if cell.unmeasured:
        return ["no episode", f"{cell.unmeasured} of {len(cell.scores)} seeds", worst]
    return [number(cell.mean), ends(cell.low, cell.high), worst]


def _besides(cell: StudyCell) -> list[str]:
    return [number(cell.average_reward), f"{cell.diverged:,}", f"{cell.rejected:,}"]


def _differences(result: ControlStudyResult) -> Table:
    table = Table(box=SIMPLE_HEAD, title="Between variants, paired by seed", title_justify="left")
    table.pad_edge = False
    table.caption, table.caption_justify = (
        "Mean difference of the scores of the same seed, with the 95% percentile bootstrap "
        "interval of that mean; a difference only if 0 lies outside of it.",
        "left",
    )
    for header in ("Environment", "Agent", "Variants"):
        table.add_column(header)
    for header in ("Difference", "95% CI"):
        table.add_column(header, justify="right")
    table.add_column("")
    for each in result.differences:
        names = each.environment, each.agent, f"{each.first} - {each.second}"
        told = ["differs"] if each.differs else ["no difference"]
        table.add_row(*names, number(each.mean), ends(each.low, each.high), *told)
    return table


def ends(low: float, high: float) -> str:
    """An interval; nothing where there is none."""
    return "" if low != low or high != high else f"[{number(low)}, {number(high)}]"


def number(value: float) -> str:
    """Four digits, without noise in the exponent."""
    return f"{value:#.4g}"
