"""Results as data frames, CSV and JSON files, and a report folder for a paper."""

import csv
import json
import math
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..components.extras import analysis_package
from ..results.aggregated import AggregatedResults, MetricSummary, metric_array, metric_summary
from ..results.dataset import common_unit, to_dataset
from ..results.methods import Results, methods_of
from ..statistics.ranking import Significance
from .tables import generate_latex_table, generate_markdown_table, generate_significance_table

if TYPE_CHECKING:
    import xarray as xr


def results_to_xarray(results: Results) -> "xr.Dataset":
    """An `xarray.Dataset` of all metrics over `point`, `seed` and `step` (or `episode`), and over
    what the parts of a metric are.

    `point` holds the names of the methods; their labels, as the values of a grid by path, are
    coordinates along it.

    **Arguments:** `results`: of a sweep, a comparison or lives side by side, or any by name.
    """
    return to_dataset(methods_of(results))


def results_to_dataframe(
    results: Results,
    metric: str = "squared_error",
    *,
    long: bool = False,
    include_timeseries: bool = False,
) -> Any:
    """A `pandas.DataFrame` of one metric.

    **Arguments:** `results`: of a sweep, a comparison or lives side by side, or any by name;
    `metric`: which. `long`: False for one row per method, columns `method, mean, std, min, max,
    n_seeds`; True for one row per method and seed, columns `method, seed, value`, the value being
    the seed's entry in the summary. With `include_timeseries` (long form only) one row per method,
    seed and step, columns `method, seed, step, value` (or `episode`). What labels the methods, as
    the values of a grid by path, has columns after `method`.
    """
    pandas = analysis_package("pandas")
    if include_timeseries and not long:
        raise ValueError("`include_timeseries=True` needs `long=True`, got `long=False`.")
    methods = methods_of(results)
    of_methods = ["method", *_label_names(methods)]
    if include_timeseries:
        unit, frames = common_unit(methods), []
        for name, runs in methods.items():
            values = metric_array(runs, metric)
            seeds, places = np.indices(values.shape)
            columns = {
                "seed": np.asarray(runs.seeds)[seeds.ravel()],
                unit: np.asarray(runs.recordings)[places.ravel()],
                "value": values.ravel(),
            }
            labels = dict(zip(of_methods, _labelled(name, runs, methods), strict=True))
            frames.append(pandas.DataFrame(labels | columns))
        return (
            pandas.concat(frames, ignore_index=True)
            if frames
            else pandas.DataFrame(columns=[*of_methods, "seed", unit, "value"])
        )
    summaries = {name: metric_summary(runs, metric) for name, runs in methods.items()}
    if long:
        rows = [
            (*_labelled(name, methods[name], methods), seed, float(value))
            for name, summary in summaries.items()
            for seed, value in zip(methods[name].seeds, summary.values, strict=True)
        ]
        return pandas.DataFrame(rows, columns=[*of_methods, "seed", "value"])
    rows = [
        (*_labelled(name, methods[name], methods), *_statistics(summary).values())
        for name, summary in summaries.items()
    ]
    return pandas.DataFrame(rows, columns=[*of_methods, "mean", "std", "min", "max", "n_seeds"])


def export_to_csv(
    results: Results,
    filepath: str | PathLike[str],
    metric: str = "squared_error",
    include_timeseries: bool = False,
) -> None:
    """Writes one metric as comma-separated values; folders are created.

    The summary has columns `config, mean, std, min, max, n_seeds` (6 decimals), and after `config`
    one for each label, as the values of a grid by path. With `include_timeseries` the file holds
    the runs instead: columns `step` (or `episode`) and `{name}_seed{seed}`, values that read back
    exactly, empty cells at steps that a run did not record (a NaN is `nan`).

    **Arguments:** `results`: of a sweep, a comparison or lives side by side, or any by name.
    """
    methods = methods_of(results)
    if include_timeseries:
        header, rows = _timeseries_rows(methods, metric)
    else:
        header = ["config", *_label_names(methods), "mean", "std", "min", "max", "n_seeds"]
        rows = []
        for name, runs in methods.items():
            *numbers, n_seeds = _statistics(metric_summary(runs, metric)).values()
            labels = _labelled(name, runs, methods)
            rows.append([*labels, *(f"{number:.6f}" for number in numbers), n_seeds])
    with _parent_created(filepath).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def export_to_json(
    results: Results,
    filepath: str | PathLike[str],
    include_timeseries: bool = False,
) -> None:
    """Writes all metrics as JSON, indented by 2; folders are created.

    Per name: `seeds`, `labels` where there are any, `summary` (per metric `mean`, `std`, `min`,
    `max`, `n_seeds`, `values`) and, with `include_timeseries`, `timeseries` (per metric one list
    per seed) and, where it is not each, the `step` (or `episode`) of every entry. JSON has no NaN
    and no infinity: both become null.

    **Arguments:** `results`: of a sweep, a comparison or lives side by side, or any by name.
    """
    content = {}
    for name, runs in methods_of(results).items():
        content[name] = {
            "seeds": [int(seed) for seed in runs.seeds],
            **({"labels": dict(runs.labels)} if runs.labels else {}),
            "summary": {
                metric: _statistics(summary) | {"values": summary.values.tolist()}
                for metric, summary in runs.summary.items()
            },
        }
        if include_timeseries:
            content[name]["timeseries"] = {
                metric: metric_array(runs, metric).tolist() for metric in runs.metric_arrays
            }
            if runs.recorded_at is not None:
                content[name][runs.unit] = runs.recorded_at.tolist()
    text = json.dumps(_without_non_finite(content), indent=2, allow_nan=False)
    _parent_created(filepath).write_text(text + "\n", encoding="utf-8")


def save_experiment_report(
    results: Results,
    output_dir: str | PathLike[str],
    experiment_name: str,
    significance_results: Significance | None = None,
    metric: str = "squared_error",
    *,
    lower_is_better: bool | None = None,
) -> dict[str, Path]:
    """Writes summary, raw data and tables into one folder.

    **Arguments:** `results`: of a sweep, a comparison or lives side by side, or any by name;
    `output_dir`: created if missing;
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


def _label_names(methods: Mapping[str, AggregatedResults]) -> list[str]:
    return list(dict.fromkeys(label for runs in methods.values() for label in runs.labels))


def _labelled(
    name: str, runs: AggregatedResults, methods: Mapping[str, AggregatedResults]
) -> list[Any]:
    """The name of a method and its labels, None for those of others alone."""
    return [name, *(runs.labels.get(label) for label in _label_names(methods))]


def _timeseries_rows(methods: Mapping[str, AggregatedResults], metric: str):
    columns = {}
    for name, one in methods.items():
        runs = metric_array(one, metric).tolist()
        for seed, values in zip(one.seeds, runs, strict=True):
            recorded = one.recordings[: len(values)]
            columns[f"{name}_seed{seed}"] = dict(zip(recorded, values, strict=True))
    steps = sorted({step for column in columns.values() for step in column})
    rows = ([step, *(column.get(step, "") for column in columns.values())] for step in steps)
    return [common_unit(methods), *columns], rows


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
