"""The files that a study leaves."""

import dataclasses
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from ...figures.style import publication_style
from ...reports.files import write_config, write_csv
from .figure import plot_control_study
from .result import ControlStudyResult, StudyCell, StudyDifference

_OF_SEEDS = ("scores", "average_rewards")


def save_control_study(result: ControlStudyResult, folder: str | PathLike[str]) -> list[Path]:
    """Write the files of a study into an existing folder.

    - `cells.csv`: one row for each cell, as `StudyCell`.
    - `differences.csv`: one row for each agent, environment and pair of variants, as
      `StudyDifference`.
    - `results.csv`: one row for each cell and seed.
    - `curves.csv`: the means over the episodes that ended in each window of steps, of each cell at
      each seed.
    - `config.json`: what `control_study_from_config` reads, and under `run` the versions of the
      packages.
    - `curves.png`: the figure of `plot_control_study`.

    **Returns:** their paths.
    """
    folder = Path(folder)
    names = ("cells.csv", "differences.csv", "results.csv", "curves.csv", "config.json")
    cells, differences, results, curves, config = (folder / name for name in names)
    header = [f.name for f in dataclasses.fields(StudyCell) if f.name not in _OF_SEEDS]
    found = result.cells
    write_csv(cells, header, ([getattr(cell, name) for name in header] for cell in found))
    header = [*(f.name for f in dataclasses.fields(StudyDifference)), "differs"]
    rows = ([getattr(each, name) for name in header] for each in result.differences)
    write_csv(differences, header, rows)
    header = ["environment", "agent", "variant", "seed"]
    of_seed = ["score", "average_reward", "rejected", "diverged"]
    write_csv(results, [*header, *of_seed], _seed_rows(result, found))
    write_csv(curves, [*header, "step", "return", "steps", "episodes"], _curve_rows(result, found))
    write_config(config, result.study.to_config(), {"complete": result.complete})
    figure = folder / "curves.png"
    with publication_style(font_size=8):
        plot_control_study(result).savefig(figure, dpi=150)
    return [cells, differences, results, curves, config, figure]


def _seed_rows(result: ControlStudyResult, cells: list[StudyCell]) -> Iterator[tuple[Any, ...]]:
    for cell in cells:
        agent = result.agent_of(cell)
        for seed in range(result.study.seeds):
            told = cell.environment, cell.agent, cell.variant, seed
            reward = float(cell.average_rewards[seed])
            rejected, diverged = int(agent.rejected[0, seed]), bool(agent.diverged[0, seed])
            yield *told, float(cell.scores[seed]), reward, rejected, diverged


def _curve_rows(result: ControlStudyResult, cells: list[StudyCell]) -> Iterator[tuple[Any, ...]]:
    for cell in cells:
        curves = result.curves_of(cell)
        columns = curves.returns[0], curves.steps[0], curves.counts[0]
        for seed in range(result.study.seeds):
            told = cell.environment, cell.agent, cell.variant, seed
            own = (column[seed].tolist() for column in columns)
            for row in zip(curves.at.tolist(), *own, strict=True):
                yield *told, *row
