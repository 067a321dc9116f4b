"""The files that a comparison leaves: every score, the curves, the configuration, a figure."""

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from ...figures.style import publication_style
from ...hyperparameters.paths import numeric_hyperparameters
from ...reports.files import write_config, write_csv
from .figure import plot_comparison
from .result import ComparisonResult


def save_comparison(result: ComparisonResult, folder: str | PathLike[str]) -> list[Path]:
    """Write the files of a comparison into an existing folder.

    - `results.csv`: one row for each learner, point and seed: every numeric hyperparameter by its
      path, the score, the mean step size of each group of inputs at the end, rejected steps.
    - `curves.csv`: the learning curve of each learner at its best point and each seed.
    - `config.json`: what `comparison_from_config` reads, and under `run` the steps that
      were done and the versions of the packages.
    - `curves.png`: the figure of `plot_comparison`.

    **Returns:** their paths.
    """
    folder = Path(folder)
    scores, curves = folder / "results.csv", folder / "curves.csv"
    config, figure = folder / "config.json", folder / "curves.png"
    rows = score_rows(result)
    write_csv(scores, list(rows[0]), (row.values() for row in rows))
    header = ["learner", "seed", "step", result.comparison.score]
    write_csv(curves, header, _curve_rows(result))
    write_config(config, result.comparison.to_config(), {"steps_done": result.steps_done})
    with publication_style(font_size=9):
        plot_comparison(result).savefig(figure, dpi=200)
    return [scores, curves, config, figure]


def score_rows(result: ComparisonResult) -> list[dict[str, Any]]:
    """The rows of `results.csv`; every row has the same keys, None where one does not apply."""
    groups = dict.fromkeys(g for name in result.learners for g in result.group_step_sizes(name))
    rows, paths = [], {}
    for name, learner in result.learners.items():
        contender = result.comparison.learners[result.comparison.rows[name][0]]
        scores, sizes = result.scores(name), result.group_step_sizes(name)
        for place, learner_at_point in enumerate(contender.learners):
            numbers = numeric_hyperparameters(learner_at_point)
            paths |= dict.fromkeys(numbers)
            for seed in range(result.comparison.seeds):
                measured: dict[str, Any] = {"score": float(scores[place, seed])}
                for group in groups:
                    size = float(sizes[group][place, seed, -1]) if group in sizes else None
                    measured[_step_size_column(group)] = size
                measured["rejected"] = int(learner.rejected[place, seed])
                rows.append(({"learner": name}, numbers, {"seed": seed} | measured))
    return [a | {path: n.get(path) for path in paths} | b for a, n, b in rows]


def _step_size_column(group: str) -> str:
    return "step_size" if group == "all" else f"step_size_{group}"


def _curve_rows(result: ComparisonResult) -> Iterator[tuple[Any, ...]]:
    for name, learner in result.learners.items():
        for seed, curve in enumerate(learner.curves[result.best(name)].tolist()):
            for step, value in zip(result.window_ends.tolist(), curve, strict=True):
                yield name, seed, step, value
