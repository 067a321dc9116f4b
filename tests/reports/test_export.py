import csv
import json

import numpy as np
import pandas as pd
import pytest

from alberta_framework.reports import (
    export_to_csv,
    export_to_json,
    generate_latex_table,
    generate_markdown_table,
    generate_significance_table,
    results_to_dataframe,
    save_experiment_report,
)
from alberta_framework.statistics import pairwise_comparisons
from tests.statistics.runs import constant_runs, golden_results, results_of

AWKWARD = 'a, "b"\n'
RESULTS = {
    "LMS": results_of("LMS", [4, 7], squared_error=[[1.0, 3.0, 8.0], [2.0, 2.0, 1.0]]),
    AWKWARD: results_of(
        AWKWARD, [4, 7], squared_error=[[0.1, 0.2], [1 / 3, np.nan]], error=[[1, 2], [3, 4]]
    ),
}


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_dataframe_has_one_row_of_statistics_per_method():
    frame = results_to_dataframe(golden_results(), "squared_error")
    assert list(frame) == ["method", "mean", "std", "min", "max", "n_seeds"]
    assert list(frame["method"]) == ["method_0", "method_1", "method_2"]
    for row, runs in zip(frame.itertuples(), golden_results().values(), strict=True):
        summary = runs.summary["squared_error"]
        assert row[2:] == (summary.mean, summary.std, summary.min, summary.max, 12)


def test_long_dataframe_has_one_row_per_seed():
    frame = results_to_dataframe(RESULTS, "squared_error", long=True)
    assert list(frame) == ["method", "seed", "value"]
    assert list(frame["method"]) == ["LMS", "LMS", AWKWARD, AWKWARD]
    assert list(frame["seed"]) == [4, 7, 4, 7]
    np.testing.assert_array_equal(frame["value"], [4.0, 5 / 3, 0.1 / 2 + 0.1, np.nan])


def test_long_dataframe_with_time_has_one_row_per_step():
    frame = results_to_dataframe(RESULTS, "squared_error", long=True, include_timeseries=True)
    assert list(frame) == ["method", "seed", "step", "value"]
    assert list(frame["method"]) == ["LMS"] * 6 + [AWKWARD] * 4
    assert list(frame["seed"]) == [4, 4, 4, 7, 7, 7, 4, 4, 7, 7]
    assert list(frame["step"]) == [0, 1, 2, 0, 1, 2, 0, 1, 0, 1]
    expected = [1.0, 3.0, 8.0, 2.0, 2.0, 1.0, 0.1, 0.2, 1 / 3, np.nan]
    np.testing.assert_array_equal(frame["value"], expected)


def test_dataframe_of_nothing_has_its_columns():
    assert list(results_to_dataframe({}, "error")["n_seeds"]) == []
    assert list(results_to_dataframe({}, "error", long=True)["seed"]) == []
    steps = results_to_dataframe({}, "error", long=True, include_timeseries=True)
    assert list(steps["step"]) == []


def test_timeseries_need_the_long_form():
    with pytest.raises(ValueError, match="`include_timeseries=True` needs `long=True`"):
        results_to_dataframe(RESULTS, "squared_error", include_timeseries=True)


def test_summary_csv_reads_back(tmp_path):
    path = tmp_path / "new" / "folder" / "summary.csv"
    export_to_csv(RESULTS, path)
    header, *rows = rows_of(path)
    assert header == ["config", "mean", "std", "min", "max", "n_seeds"]
    assert rows[0] == ["LMS", "2.833333", "1.166667", "1.666667", "4.000000", "2"]
    assert rows[1] == [AWKWARD, "nan", "nan", "nan", "nan", "2"]


def test_timeseries_csv_reads_back_exactly_with_short_runs_padded(tmp_path):
    path = tmp_path / "runs.csv"
    export_to_csv(RESULTS, path, include_timeseries=True)
    header, *rows = rows_of(path)
    assert header == ["step", "LMS_seed4", "LMS_seed7", f"{AWKWARD}_seed4", f"{AWKWARD}_seed7"]
    assert rows[0] == ["0", "1.0", "2.0", "0.1", repr(1 / 3)]
    assert rows[1] == ["1", "3.0", "2.0", "0.2", "nan"]
    assert rows[2] == ["2", "8.0", "1.0", "", ""]
    frame = pd.read_csv(path)
    np.testing.assert_array_equal(frame.iloc[:, 4], [1 / 3, np.nan, np.nan])


def test_csv_holds_the_metric_asked_for(tmp_path):
    path = tmp_path / "error.csv"
    export_to_csv({AWKWARD: RESULTS[AWKWARD]}, str(path), metric="error", include_timeseries=True)
    assert rows_of(path)[1:] == [["0", "1.0", "3.0"], ["1", "2.0", "4.0"]]
    with pytest.raises(KeyError, match="'error' in the summary of 'LMS'"):
        export_to_csv(RESULTS, path, metric="error")


def test_json_reads_back(tmp_path):
    path = tmp_path / "new" / "results.json"
    export_to_json(golden_results(), path)
    content = json.loads(path.read_text())
    assert list(content) == ["method_0", "method_1", "method_2"]
    for name, runs in golden_results().items():
        summary = runs.summary["squared_error"]
        assert content[name] == {
            "seeds": list(range(12)),
            "summary": {
                "squared_error": {
                    "mean": summary.mean,
                    "std": summary.std,
                    "min": summary.min,
                    "max": summary.max,
                    "n_seeds": 12,
                    "values": summary.values.tolist(),
                }
            },
        }
    assert path.read_text().startswith('{\n  "method_0": {\n    "seeds": [\n')


def test_json_holds_every_metric_and_null_for_what_is_no_number(tmp_path):
    path = tmp_path / "results.json"
    seeds = np.arange(2, dtype=np.int32)
    runs = {"x": results_of("x", list(seeds), a=[[1.0, np.inf], [2.0, np.nan]], b=[[5], [6]])}
    export_to_json(runs, path, include_timeseries=True)

    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(path.read_text(), parse_constant=refuse)["x"]
    assert content["seeds"] == [0, 1]
    assert content["timeseries"] == {"a": [[1.0, None], [2.0, None]], "b": [[5.0], [6.0]]}
    assert content["summary"]["a"]["mean"] is None
    assert content["summary"]["b"] == {
        **{"mean": 5.5, "std": 0.5, "min": 5.0, "max": 6.0, "n_seeds": 2},
        "values": [5.0, 6.0],
    }


def test_report_writes_what_the_single_functions_give(tmp_path):
    results = golden_results()
    tests = pairwise_comparisons(results)
    paths = save_experiment_report(results, tmp_path / "out", "drift", tests)
    assert {kind: path.name for kind, path in paths.items()} == {
        "summary_csv": "drift_summary.csv",
        "json": "drift_results.json",
        "latex_table": "drift_table.tex",
        "markdown_table": "drift_table.md",
        "significance_latex": "drift_significance.tex",
        "significance_md": "drift_significance.md",
    }
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths.values())
    texts = {kind: path.read_text(encoding="utf-8") for kind, path in paths.items()}
    assert texts["latex_table"] == generate_latex_table(results, tests)
    assert texts["markdown_table"] == generate_markdown_table(results, tests)
    assert texts["significance_latex"] == generate_significance_table(tests)
    assert texts["significance_md"] == generate_significance_table(tests, "markdown")
    assert [row[0] for row in rows_of(paths["summary_csv"])] == ["config", *results]
    assert list(json.loads(texts["json"])) == list(results)


def test_report_without_tests_writes_four_files(tmp_path):
    results = {"a": constant_runs("a", 1.0), "b": constant_runs("b", 2.0)}
    paths = save_experiment_report(results, str(tmp_path), "v1.5", lower_is_better=False)
    assert list(paths) == ["summary_csv", "json", "latex_table", "markdown_table"]
    assert paths["json"] == tmp_path / "v1.5_results.json"
    assert sorted(tmp_path.iterdir()) == sorted(paths.values())
    assert "| b | **2.0000 ± 0.0000** | 1 |" in paths["markdown_table"].read_text("utf-8")


@pytest.mark.parametrize("name", ["", "a/b", "../up"])
def test_report_name_must_begin_a_file_name(tmp_path, name):
    with pytest.raises(ValueError, match=r"`experiment_name` must be .* got "):
        save_experiment_report({}, tmp_path, name)
    assert list(tmp_path.iterdir()) == []
