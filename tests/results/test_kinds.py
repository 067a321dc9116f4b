"""Every statistic, table, figure and export takes a result of every kind, numbers with labels."""

import csv
import json

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.results.methods import method_of, methods_of
from tests.results import kinds

SEVERAL = [name for name in kinds.KINDS if name not in ("lives", "one_of_many_seeds")]


@pytest.fixture(params=kinds.KINDS)
def kind(request):
    return kinds.of(request.param)


@pytest.fixture(params=SEVERAL)
def several(request):
    return kinds.of(request.param)


def test_the_runs_of_each_method_have_its_numbers_and_labels(kind):
    methods = methods_of(kind.result)
    assert len(methods) == len(kind.arrays)
    rows = zip(methods.items(), kind.arrays, kind.finals, kind.labels, strict=True)
    for (name, runs), array, finals, labels in rows:
        assert isinstance(runs, af.AggregatedResults) and name
        assert runs.labels == labels and runs.unit == kind.unit
        assert list(runs.recordings) == kind.recorded.tolist()
        assert len(runs.seeds) == len(array)
        summary = runs.summary[kind.metric]
        np.testing.assert_allclose(summary.values, finals, rtol=1e-12)
        assert summary.mean == pytest.approx(finals.mean(), rel=1e-12)


def test_a_name_tells_a_sweep_s_values_apart():
    assert list(methods_of(kinds.of("components").result)) == [
        "optimizer LMS(step_size=0.01)",
        "optimizer LMS(step_size=0.05)",
        "optimizer IDBD",
    ]
    assert list(methods_of(kinds.of("zipped").result)) == [
        "meta step size 0, drift rate 0.01",
        "meta step size 0.05, drift rate 0.1",
    ]
    close = {kinds.META: [0.01, 0.01 + 1e-9]}
    names = [*methods_of(kinds.swept(axes=close, num_steps=20))]
    assert names == [f"{kinds.META} 0.01", f"{kinds.META} 0.010000001"]


def test_labelled_arrays(kind):
    """The same names of dimensions everywhere, and each number where its labels say."""
    data = af.results_to_xarray(kind.result)
    values = data[kind.metric]
    assert values.dims[:3] == ("point", "seed", kind.unit)
    assert data[kind.unit].values.tolist() == kind.recorded.tolist()
    for name, array, labels in zip(data.point.values, kind.arrays, kind.labels, strict=True):
        own = values.sel(point=name)
        for label, value in labels.items():
            assert own[label].item() == value
        own = own.mean(own.dims[2]) if own.ndim > 2 else own
        np.testing.assert_allclose(own.values, array, rtol=1e-6)


@pytest.mark.parametrize("name", ["product", "zipped", "components", "heads"])
def test_labelled_arrays_of_a_sweep(name):
    result = kinds.of(name).result
    data = result.to_xarray()
    for place, labels in enumerate(result.labels):
        chosen = labels if name != "zipped" else {"point": data.point.values[place]}
        own = data.sel(chosen)
        for metric, values in result.metrics.items():
            np.testing.assert_array_equal(own[metric].values, values[place])
        np.testing.assert_array_equal(own.rejected.values, result.rejected[place])
    assert data.squared_error.dims[-1] == ("head" if name == "heads" else "step")


def test_labelled_arrays_of_comparisons_hold_all_points():
    compared, lived = (kinds.of(name).result for name in ("comparison", "control"))
    data = compared.to_xarray()
    assert data.squared_error.dims == ("point", "seed", "step")
    assert data.learner.values.tolist() == ["LMS"] * 3 + ["IDBD"] * 2
    for name, learner in compared.learners.items():
        own = data.sel(point=data.learner == name)
        np.testing.assert_array_equal(own.squared_error.values, learner.curves)
        for path in learner.points[0]:
            assert own[path].values.tolist() == [point[path] for point in learner.points]
    data = lived.to_xarray()
    assert data["return"].dims == ("point", "seed", "episode")
    own = data.sel(point=data.learner == "grid")
    np.testing.assert_array_equal(own["return"].values, lived.agents["grid"].returns)
    np.testing.assert_array_equal(own["steps"].values, lived.agents["grid"].steps)
    assert own["optimizer.step_size"].values.tolist() == [0.001, 0.01]


def test_methods_of_other_seeds_and_lengths_have_nothing_where_they_did_not_run():
    def runs(seeds, steps, **metrics):
        arrays = {n: np.full((len(seeds), steps), value) for n, value in metrics.items()}
        return af.AggregatedResults("x", seeds, arrays, {})

    results = {"a": runs([3, 1], 2, error=1.0), "b": runs([1, 2], 3, error=2.0, other=5.0)}
    data = af.results_to_xarray(results)
    assert data.seed.values.tolist() == [3, 1, 2] and data.step.values.tolist() == [0, 1, 2]
    nan = np.nan
    for name, of_a, of_b in (
        ("error", [[1, 1, nan], [1, 1, nan], [nan] * 3], [[nan] * 3, [2, 2, 2], [2, 2, 2]]),
        ("other", [[nan] * 3] * 3, [[nan] * 3, [5, 5, 5], [5, 5, 5]]),
    ):
        np.testing.assert_array_equal(data[name].values, [of_a, of_b])


def test_final_performance(kind):
    found = af.get_final_performance(kind.result, kind.metric)
    for performance, finals in zip(found.values(), kind.finals, strict=True):
        assert performance == pytest.approx((finals.mean(), finals.std()), rel=1e-9)


def test_final_performance_over_a_window_of_steps(kind):
    """So many of the last steps, rounded up to whole recordings."""
    every = int(np.diff(kind.recorded)[0])
    for count in (1, 2):
        for window in {every * count, every * (count - 1) + 1}:
            found = af.get_final_performance(kind.result, kind.metric, window)
            for performance, array in zip(found.values(), kind.arrays, strict=True):
                finals = array[:, -count:].mean(axis=1, dtype=float)
                assert performance == pytest.approx((finals.mean(), finals.std()), rel=1e-6)


@pytest.mark.parametrize("test", ["ttest", "wilcoxon", "mann_whitney"])
def test_pairwise_comparisons(several, test):
    found = af.pairwise_comparisons(several.result, several.metric, test=test)
    names = list(methods_of(several.result))
    alone = {
        "ttest": af.ttest_comparison,
        "wilcoxon": af.wilcoxon_comparison,
        "mann_whitney": af.mann_whitney_comparison,
    }[test]
    count = len(names) * (len(names) - 1) // 2
    assert len(found) == count
    for (a, b), pair in found.items():
        first, second = (several.finals[names.index(name)] for name in (a, b))
        if not np.array_equal(first, second):
            expected = alone(first, second)
            assert pair.p_value == pytest.approx(expected.p_value, rel=1e-9)
            assert pair.effect_size == pytest.approx(expected.effect_size, rel=1e-9)
    table = af.generate_significance_table(found, "markdown")
    assert table.count("\n") == count + 2


def test_samples_of_every_kind(kind):
    """One number per seed is what the statistics of samples take."""
    for runs, finals in zip(methods_of(kind.result).values(), kind.finals, strict=True):
        values = runs.summary[kind.metric].values
        assert af.compute_statistics(values).mean == pytest.approx(finals.mean(), rel=1e-12)
        assert af.bootstrap_ci(values, n_bootstrap=50)[0] == pytest.approx(finals.mean())
    data = af.results_to_xarray(kind.result)[kind.metric].isel(point=0)
    data = data.mean(data.dims[2]) if data.ndim > 2 else data
    mean, *_ = af.compute_timeseries_statistics(data)
    np.testing.assert_allclose(mean, kind.arrays[0].mean(0, dtype=float), rtol=1e-6)
    assert af.compute_statistics(data.isel({kind.unit: -1})).mean == pytest.approx(mean[-1])


def test_tables(kind):
    markdown = af.generate_markdown_table(kind.result, metric=kind.metric)
    latex = af.generate_latex_table(kind.result, metric=kind.metric)
    rows = markdown.splitlines()[2:]
    for row, name, finals in zip(rows, methods_of(kind.result), kind.finals, strict=True):
        assert name in row and f"{finals.mean():.4f} ± {finals.std():.4f}" in row
        assert rf"{finals.mean():.4f} $\pm$ {finals.std():.4f}" in latex


def test_data_frames(kind):
    methods = methods_of(kind.result)
    long = af.results_to_dataframe(kind.result, kind.metric, long=True)
    np.testing.assert_allclose(long.value, np.concatenate(kind.finals), rtol=1e-12)
    wide = af.results_to_dataframe(kind.result, kind.metric)
    whole = af.results_to_dataframe(kind.result, kind.metric, long=True, include_timeseries=True)
    assert list(wide.method) == list(methods)
    for name, array, labels in zip(methods, kind.arrays, kind.labels, strict=True):
        for frame in (long, wide, whole):
            rows = frame[frame.method == name]
            for label, value in labels.items():
                assert set(rows[label]) == {value}
        rows = whole[whole.method == name]
        np.testing.assert_allclose(rows.value, array.ravel(), rtol=1e-6)
        assert rows[kind.unit].tolist() == kind.recorded.tolist() * len(array)


def test_files(kind, tmp_path):
    methods = methods_of(kind.result)
    af.export_to_csv(kind.result, tmp_path / "a.csv", kind.metric)
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row, name, labels in zip(rows, methods, kind.labels, strict=True):
        assert row["config"] == name
        assert {label: row[label] for label in labels} == {n: str(v) for n, v in labels.items()}
    af.export_to_csv(kind.result, tmp_path / "b.csv", kind.metric, include_timeseries=True)
    with (tmp_path / "b.csv").open() as file:
        header, *lines = csv.reader(file)
    assert header[0] == kind.unit
    assert [int(line[0]) for line in lines] == kind.recorded.tolist()
    first = [float(line[1]) for line in lines]
    np.testing.assert_allclose(first, kind.arrays[0][0], rtol=1e-6)
    af.export_to_json(kind.result, tmp_path / "c.json", include_timeseries=True)
    found = json.loads((tmp_path / "c.json").read_text())
    assert list(found) == list(methods)
    for entry, labels, array in zip(found.values(), kind.labels, kind.arrays, strict=True):
        assert entry.get("labels", {}) == labels
        np.testing.assert_allclose(entry["timeseries"][kind.metric], array, rtol=1e-6)
        assert entry.get(kind.unit, kind.recorded.tolist()) == kind.recorded.tolist()


def test_report(kind, tmp_path):
    paths = af.save_experiment_report(kind.result, tmp_path, "x", metric=kind.metric)
    assert all(path.stat().st_size for path in paths.values())


def test_learning_curves(kind):
    _, ax = af.plot_learning_curves(kind.result, kind.metric, window_size=1, log_scale=False)
    assert ax.get_xlabel() == kind.unit.capitalize()
    for line, array in zip(ax.get_lines(), kind.arrays, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), kind.recorded)
        np.testing.assert_allclose(line.get_ydata(), array.mean(0, dtype=float), rtol=1e-6)
    assert [line.get_label() for line in ax.get_lines()] == list(methods_of(kind.result))


def test_the_running_mean_counts_steps(kind):
    every = int(np.diff(kind.recorded)[0])
    _, ax = af.plot_learning_curves(kind.result, kind.metric, window_size=2 * every + every // 2)
    for line, array in zip(ax.get_lines(), kind.arrays, strict=True):
        last = array[:, -2:].mean(dtype=float)
        assert line.get_ydata()[-1] == pytest.approx(last, rel=1e-6)


def test_other_figures(kind):
    _, ax = af.plot_final_performance_bars(kind.result, kind.metric)
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == pytest.approx([finals.mean() for finals in kind.finals], rel=1e-9)
    _, ax = af.plot_step_size_evolution(kind.result, kind.metric)
    assert len(ax.get_lines()) == len(kind.arrays)
    figure, axes = af.create_comparison_figure(kind.result, metric=kind.metric)
    assert axes[1, 1].get_xlabel() == kind.unit.capitalize() and figure.axes


def test_a_heatmap_finds_its_cells_by_their_labels():
    kind = kinds.of("product")
    rows, columns = [0.05, 0.0], [0.01, 0.1]
    _, ax = af.plot_hyperparameter_heatmap(kind.result, kinds.META, rows, kinds.DRIFT, columns)
    pairs = zip(kind.labels, kind.finals, strict=True)
    means = {tuple(labels.values()): finals.mean() for labels, finals in pairs}
    expected = [[means[row, column] for column in columns] for row in rows]
    np.testing.assert_allclose(ax.get_images()[0].get_array(), expected, rtol=1e-9)
    with pytest.raises(
        ValueError, match="one method for each cell, got 2 of learner = LMS, stream = a"
    ):
        double = {
            name: af.AggregatedResults(name, [0], {}, {}, labels={"learner": "LMS", "stream": "a"})
            for name in ("a", "b")
        }
        af.plot_hyperparameter_heatmap(double, "learner", ["LMS"], "stream", ["a"])


def test_hyperparameters_of_a_name(several):
    found = af.extract_hyperparameter_results(several.result, several.metric, lambda name: name)
    assert list(found) == list(methods_of(several.result))


def test_timeseries_of_one_method(kind):
    for runs, array in zip(methods_of(kind.result).values(), kind.arrays, strict=True):
        mean, lower, upper = af.get_metric_timeseries(runs, kind.metric)
        np.testing.assert_allclose(mean, array.mean(0, dtype=float), rtol=1e-6)
        np.testing.assert_allclose(
            upper - lower, 2 * array.std(0, dtype=float), rtol=1e-4, atol=1e-7
        )


def test_results_by_name_hold_methods_of_all_kinds():
    sweep, seeds = kinds.of("components").result, kinds.of("one_of_many_seeds").result
    results = {"sweep": sweep, "seeds": seeds}
    names = list(methods_of(results))
    assert names[0] == "sweep: optimizer LMS(step_size=0.01)" and names[-1] == "seeds"
    assert all(name in af.generate_markdown_table(results) for name in names)
    with pytest.raises(ValueError, match=r"one method, got 3: optimizer LMS.* of `results.aggreg"):
        method_of(sweep)


def test_steps_and_episodes_are_not_mixed(tmp_path):
    results = {"a": kinds.of("control").result, "b": kinds.of("one_of_many_seeds").result}
    renamed = {
        name: af.AggregatedResults(
            name, one.seeds, {"m": next(iter(one.metric_arrays.values()))}, {}, unit=one.unit
        )
        for name, one in methods_of(results).items()
    }
    for use in (
        af.results_to_xarray,
        lambda results: af.plot_learning_curves(results, "m"),
        lambda results: af.export_to_csv(results, tmp_path / "x.csv", "m", include_timeseries=True),
        lambda results: af.results_to_dataframe(results, "m", long=True, include_timeseries=True),
    ):
        with pytest.raises(ValueError, match=r"all count the same: 'a: grid' counts episodes, .*"):
            use(renamed)


@pytest.mark.parametrize("wrong", [3, [1.0, 2.0], {"a": np.ones((2, 3))}, None])
def test_what_holds_no_runs_is_refused_by_name(wrong):
    named = r"results\['a'\]" if isinstance(wrong, dict) else "results"
    for use in (af.pairwise_comparisons, af.generate_markdown_table, af.results_to_dataframe):
        with pytest.raises(TypeError, match=f"`{named}` must be what a sweep, a comparison"):
            use(wrong)


def test_a_missing_metric_is_told_with_those_there_are(kind):
    with pytest.raises(KeyError, match=f"no metric 'nothing' .*present: .*{kind.metric}"):
        af.get_final_performance(kind.result, "nothing")


def test_results_print_as_one_short_line(kind):
    told = kind.result.values() if isinstance(kind.result, dict) else [kind.result]
    for result in told:
        assert "\n" not in repr(result) and len(repr(result)) < 200
