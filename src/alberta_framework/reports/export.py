"""Results as data frames, CSV and JSON files, and a report folder for a paper."""

import csv
import json
import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..statistics.extras import analysis_package
from ..statistics.ranking import Significance
from ..statistics.results import AggregatedResults, MetricSummary, metric_array, metric_summary
from .tables import generate_latex_table, generate_markdown_table, generate_significance_table


def results_to_dataframe(
    results: Mapping[str, AggregatedResults],
    metric: str = "squared_error",
    *,
    long: bool = False,
    include_timeseries: bool = False,
) -> Any:
    """A `pandas.DataFrame` of one metric.

    **Arguments:** `results`: name to results; `metric`: which. `long`: False for one row per
    method, columns `method, mean, std, min, max, n_seeds`; True for one row per method and seed,
    columns `method, seed, value`, the value being the seed's entry in the summary. With
    `include_timeseries` (long form only) one row per method, seed and step, columns
    `method, seed, step, value`.
    """
    pandas = analysis_package("pandas")
    if include_timeseries and not long:
        raise ValueError("`include_timeseries=True` needs `long=True`, got `long=False`.")
    if include_timeseries:
        frames = []
        for name, runs in results.items():
            values = metric_array(runs, metric)
            seeds, steps = np.indices(values.shape)
            columns = {
                "seed": np.asarray(runs.seeds)[seeds.ravel()],
                "step": steps.ravel(),
                "value": values.ravel(),
            }
            frames.append(pandas.DataFrame({"method": name, **columns}))
        columns = ["method", "seed", "step", "value"]
        return (
            pandas.concat(frames, ignore_index=True)
            if frames
            else pandas.DataFrame(columns=columns)
        )
    summaries = {name: metric_summary(runs, metric) for name, runs in results.items()}
    if long:
        rows = [
            (name, seed, float(value))
            for name, summary in summaries.items()
            for seed, value in zip(results[name].seeds, summary.values, strict=True)
        ]
        return pandas.DataFrame(rows, columns=["method", "seed", "value"])
    rows = [(name, *_statistics(summary).values()) for name, summary in summaries.items()]
    return pandas.DataFrame(rows, columns=["method", "mean", "std", "min", "max", "n_seeds"])


def export_to_csv(
    results: Mapping[str, AggregatedResults],
    filepath: str | PathLike[str],
    metric: str = "squared_error",
    include_timeseries: bool = False,
) -> None:
    """Writes one metric as comma-separated values; folders are created.

    The summary has columns `config, mean, std, min, max, n_seeds` (6 decimals). With
    `include_timeseries` the file holds the runs instead: columns `step` and `{name}_seed{seed}`,
    values that read back exactly, empty cells past the end of shorter runs (a NaN is `nan`).
    """
    if include_timeseries:
        header, rows = _timeseries_rows(results, metric)
    else:
        header = ["config", "mean", "std", "min", "max", "n_seeds"]
        rows = []
        for name, runs in results.items():
            *numbers, n_seeds = _statistics(metric_summary(runs, metric)).values()
            rows.append([name, *(f"{number:.6f}" for number in numbers), n_seeds])
    with _parent_created(filepath).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def export_to_json(
    results: Mapping[str, AggregatedResults],
    filepath: str | PathLike[str],
    include_timeseries: bool = False,
) -> None:
    """Writes all metrics as JSON, indented by 2; folders are created.

    Per name: `seeds`, `summary` (per metric `mean`, `std`, `min`, `max`, `n_seeds`, `values`) and,
    with `include_timeseries`, `timeseries` (per metric one list per seed). JSON has no NaN and
    no infinity: both become null.
    """
    content = {}
    for name, runs in results.items():
        content[name] = {
            "seeds": [int(seed) for seed in runs.seeds],
            "summary": {
                metric: _statistics(summary) | {"values": summary.values.tolist()}
                for metric, summary in runs.summary.items()
            },
        }
        if include_timeseries:
            content[name]["timeseries"] = {
                metric: metric_array(runs, metric).tolist() for metric in runs.metric_arrays
            }
    text = json.dumps(_without_non_finite(content), indent=2, allow_nan=False)
    _parent_created(filepath).write_text(text + "\n", encoding="utf-8")


def save_experiment_report(
    results: Mapping[str, AggregatedResults],
    output_dir: str | PathLike[str],
    experiment_name: str,
    significance_results: Significance | None = None,
    metric: str = "squared_error",
    *,
    lower_is_better: bool = True,
) -> dict[str, Path]:
    """Writes summary, raw data and tables into one folder.

    **Arguments:** `results`: name to results; `output_dir`: created if missing;
    `experiment_name`: how the file names begin; `significance_results`: as
    `pairwise_comparisons` returns them; `metric`, `lower_is_better`: as in
    `generate_latex_table`.

    **Returns:** the paths of `summary_csv`, `json`, `latex_table`, `markdown_table` and, with
    significance results, `significance_latex`, `significance_md`.
    """
    if not experiment_name or Path(experiment_name).name != experiment_name:
        raise ValueError(
            f"`experiment_name` must be the beginning of a file name, got {experiment_name!r}."
        )
    options = {"metric": metric, "lower_is_better": lower_is_better}
    texts = {
        "latex_table": generate_latex_table(results, significance_results, **options),
        "markdown_table": generate_markdown_table(results, significance_results, **options),
    }
    endings = {
        "summary_csv": "summary.csv",
        "json": "results.json",
        "latex_table": "table.tex",
        "markdown_table": "table.md",
    }
    if significance_results:
        texts["significance_latex"] = generate_significance_table(significance_results, "latex")
        texts["significance_md"] = generate_significance_table(significance_results, "markdown")
        endings |= {
            "significance_latex": "significance.tex",
            "significance_md": "significance.md",
        }
    paths = {kind: Path(output_dir) / f"{experiment_name}_{end}" for kind, end in endings.items()}
    export_to_csv(results, paths["summary_csv"], metric)
    export_to_json(results, paths["json"])
    for kind, text in texts.items():
        paths[kind].write_text(text, encoding="utf-8")
    return paths


def _statistics(summary: MetricSummary) -> dict[str, Any]:
    numbers = {name: float(getattr(summary, name)) for name in ("mean", "std", "min", "max")}
    return numbers | {"n_seeds": int(summary.n_seeds)}


def _timeseries_rows(results: Mapping[str, AggregatedResults], metric: str):
    runs = [
        (f"{name}_seed{seed}", values.tolist())
        for name, one in results.items()
        for seed, values in zip(one.seeds, metric_array(one, metric), strict=True)
    ]
    length = max((len(values) for _, values in runs), default=0)
    rows = (
        [step, *(values[step] if step < len(values) else "" for _, values in runs)]
        for step in range(length)
    )
    return ["step", *(title for title, _ in runs)], rows


def _without_non_finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_non_finite(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_without_non_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def _parent_created(filepath: str | PathLike[str]) -> Path:
    path = Path(filepath)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
