"""The files that a sweep leaves: scores, curves, the configuration, figures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..figures.style import publication_style
from ..reports.files import write_config, write_csv
from ..statistics.summaries import compute_timeseries_statistics
from .experiment import SweepExperiment
from .result import SweepResult


def save_sweep(experiment: SweepExperiment, result: SweepResult, folder: Path) -> list[Path]:
    """Write the files of a sweep into an existing folder.

    - `results.csv`: one row for each point and seed: the values, the score, rejected steps.
    - `curves.csv`: one row for each point and window: the values, the steps done, mean and 95%
      t interval of the metric over seeds.
    - `config.json`: what `sweep_from_config` reads, and under `run` the versions of the packages.
    - `curves.png`, and where an axis holds numbers `sensitivity.png` over the first such one.

    **Returns:** their paths.
    """
    scores, curves = folder / "results.csv", folder / "curves.csv"
    config = folder / "config.json"
    paths = list(result.axes.values)
    metric = result.chosen_metric(experiment.metric)
    write_csv(scores, [*paths, "seed", metric, "rejected"], _score_rows(experiment, result))
    header = [*paths, "step", "mean", "ci_lower", "ci_upper"]
    write_csv(curves, header, _curve_rows(result, metric))
    write_config(config, experiment.to_config(), {})
    return [scores, curves, config, *_figures(experiment, result, folder)]


def _figures(experiment: SweepExperiment, result: SweepResult, folder: Path) -> list[Path]:
    kinds = ["curves", *(["sensitivity"] if result.numeric_paths else [])]
    written = []
    for kind in kinds:
        written.append(folder / f"{kind}.png")
        with publication_style(font_size=9):
            figure = result.plot(
                experiment.metric,
                kind=kind,
                last=experiment.evaluate_last,
                lower_is_better=experiment.lower_is_better,
            )
            figure.savefig(written[-1], dpi=200)
    return written


def _score_rows(experiment: SweepExperiment, result: SweepResult) -> Iterator[tuple[Any, ...]]:
    scores = result.scores(experiment.metric, experiment.evaluate_last)
    for label, of_seeds, rejected in zip(result.labels, scores, result.rejected, strict=True):
        pairs = zip(of_seeds.tolist(), rejected.tolist(), strict=True)
        for seed, (score, count) in enumerate(pairs):
            yield (*label.values(), seed, score, count)


def _curve_rows(result: SweepResult, metric: str) -> Iterator[tuple[Any, ...]]:
    for label, runs in zip(result.labels, result.curves(metric), strict=True):
        ends = (each.tolist() for each in compute_timeseries_statistics(runs))
        for step, *numbers in zip(result.recorded_at.tolist(), *ends, strict=True):
            yield (*label.values(), step, *numbers)
