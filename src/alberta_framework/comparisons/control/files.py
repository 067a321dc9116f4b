"""The files that a comparison in control leaves."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from ...figures.style import publication_style
from ...hyperparameters.paths import numeric_hyperparameters
from ...reports.files import write_config, write_csv
from .figure import plot_control_comparison
from .result import ControlResult


def save_control_comparison(result: ControlResult, folder: str | PathLike[str]) -> list[Path]:
    """Write the files of a comparison in control into an existing folder.

    - `results.csv`: one row for each agent, point and seed: every numeric hyperparameter by its
      path, the score, the mean reward of a step, rejected steps.
    - `curves.csv`: return and length of every episode, of each agent at each point and seed;
      counted in steps, their means over the `episodes` that ended in each window of steps.
    - `config.json`: what `control_comparison_from_config` reads, and under `run` the episodes or
      steps that were done and the versions of the packages.
    - `curves.png`: the figure of `plot_control_comparison`.

    **Returns:** their paths.
    """
    folder = Path(folder)
    scores, curves = folder / "results.csv", folder / "curves.csv"
    config, figure = folder / "config.json", folder / "curves.png"
    rows, unit = _score_rows(result), result.comparison.extent.unit
    write_csv(scores, list(rows[0]), (row.values() for row in rows))
    paths = dict.fromkeys(path for a in result.agents.values() for p in a.points for path in p)
    header = ["agent", *paths, "seed", unit, "return", "steps"]
    header += ["episodes"] * (unit == "step")
    write_csv(curves, header, _curve_rows(result, list(paths)))
    write_config(config, result.comparison.to_config(), {f"{unit}s_done": result.done})
    with publication_style(font_size=9):
        plot_control_comparison(result).savefig(figure, dpi=200)
    return [scores, curves, config, figure]


def _score_rows(result: ControlResult) -> list[dict[str, Any]]:
    """Every row has the same keys, None where one does not apply."""
    rows, paths = [], {}
    for name, agent in result.agents.items():
        scores = result.scores(name)
        for place, at_point in enumerate(result.comparison.agents[name].learners):
            numbers = numeric_hyperparameters(at_point)
            paths |= dict.fromkeys(numbers)
            for seed in range(result.comparison.seeds):
                measured = {
                    "score": float(scores[place, seed]),
                    "average_reward": float(agent.average_reward[place, seed]),
                    "rejected": int(agent.rejected[place, seed]),
                }
                rows.append(({"agent": name}, numbers, {"seed": seed} | measured))
    return [a | {path: n.get(path) for path in paths} | b for a, n, b in rows]


def _curve_rows(result: ControlResult, paths: list[str]) -> Iterator[tuple[Any, ...]]:
    for name, agent in result.agents.items():
        curves = result.curves(name)
        columns = [curves.returns, curves.steps]
        if result.comparison.extent.unit == "step":
            columns.append(curves.counts)
        for place, point in enumerate(agent.points):
            values = [point.get(path) for path in paths]
            for seed in range(result.comparison.seeds):
                own = (column[place, seed].tolist() for column in columns)
                for row in zip(curves.at.tolist(), *own, strict=True):
                    yield name, *values, seed, *row
