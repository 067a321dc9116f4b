import math

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgba
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from alberta_framework.figures import (
    create_comparison_figure,
    plot_final_performance_bars,
    plot_hyperparameter_heatmap,
    plot_learning_curves,
    plot_step_size_evolution,
    save_figure,
)
from alberta_framework.statistics import (
    SignificanceResult,
    compute_running_mean,
    compute_timeseries_statistics,
    pairwise_comparisons,
)
from tests.statistics import golden
from tests.statistics.runs import constant_runs, golden_results, results_of

METHODS = ["method_0", "method_1", "method_2"]


def lines_of(ax):
    return {line.get_label(): line for line in ax.get_lines()}


def band_edges(collection, steps):
    """Lower and upper edge of a band at every step, from its outline."""
    outline = collection.get_paths()[0].vertices
    at = [outline[outline[:, 0] == step, 1] for step in range(steps)]
    return np.array([v.min() for v in at]), np.array([v.max() for v in at])


def bars_with_errors(ax):
    heights = [bar.get_height() for bar in ax.patches]
    errors = [c.lines[2][0] for c in ax.containers if isinstance(c, ErrorbarContainer)]
    return heights, [tuple(error.get_segments()[0][:, 1]) for error in errors]


def two_metrics(results):
    return {
        name: results_of(
            name,
            squared_error=runs.metric_arrays["squared_error"],
            mean_step_size=0.01 * runs.metric_arrays["squared_error"] + place,
        )
        for place, (name, runs) in enumerate(results.items())
    }


@pytest.fixture
def untouched():
    """Nothing global changes: settings, backend, pyplot's figures."""
    # Other tests of this process may have left figures of their own.
    before, open_before = dict(mpl.rcParams), pyplot.get_fignums()
    yield
    assert dict(mpl.rcParams) == before
    assert pyplot.get_fignums() == open_before


@pytest.mark.parametrize("window", [1, 20, 1000])
def test_learning_curves_are_means_of_smoothed_seeds_with_their_interval(window, untouched):
    results = golden_results()
    figure, ax = plot_learning_curves(results, window_size=window)
    assert ax.get_yscale() == "log" and ax.figure is figure
    assert [text.get_text() for text in ax.get_legend().get_texts()] == METHODS
    for name, band in zip(METHODS, ax.collections, strict=True):
        runs = compute_running_mean(golden.array(f"stats_{name}", "metric_array"), window)
        mean, lower, upper = compute_timeseries_statistics(runs)
        line = lines_of(ax)[name]
        np.testing.assert_array_equal(line.get_xdata(), np.arange(150))
        np.testing.assert_allclose(line.get_ydata(), mean, rtol=1e-12)
        np.testing.assert_allclose(band_edges(band, 150), (lower, upper), rtol=1e-12)
        assert band.get_facecolor()[0][:3] == pytest.approx(to_rgba(line.get_color())[:3])


def test_learning_curves_take_axes_colors_and_labels(untouched):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    returned = plot_learning_curves(
        golden_results(),
        show_ci=False,
        log_scale=False,
        ax=right,
        colors={"method_1": "black"},
        labels={"method_0": "LMS"},
    )
    assert returned == (figure, right)
    assert right.get_yscale() == "linear"
    assert list(lines_of(right)) == ["LMS", "method_1", "method_2"]
    assert lines_of(right)["method_1"].get_color() == "black"
    assert len(right.collections) == 0 and len(left.get_lines()) == 0


def test_one_seed_has_a_curve_and_no_band(untouched):
    runs = {"one": results_of("one", squared_error=[[4.0, 2.0, 1.0]])}
    _, ax = plot_learning_curves(runs, window_size=1)
    assert lines_of(ax)["one"].get_ydata().tolist() == [4.0, 2.0, 1.0]
    assert len(ax.collections) == 0


def test_runs_of_different_length_share_a_figure(untouched, tmp_path):
    results = {
        "long": results_of("long", squared_error=np.ones((2, 9))),
        "short": results_of("short", squared_error=np.ones((3, 4))),
    }
    figure, ax = plot_learning_curves(results)
    assert [len(line.get_xdata()) for line in ax.get_lines()] == [9, 4]
    save_figure(figure, tmp_path / "both", ["png"], dpi=40)


def test_step_sizes_are_drawn_as_they_are(untouched):
    results = two_metrics(golden_results())
    _, ax = plot_step_size_evolution(results, colors={"method_2": "red"})
    assert ax.get_yscale() == "linear" and ax.get_ylabel() == "Mean step size"
    for place, (name, band) in enumerate(zip(METHODS, ax.collections, strict=True)):
        runs = 0.01 * golden.array(f"stats_{name}", "metric_array") + place
        mean, lower, upper = compute_timeseries_statistics(runs)
        np.testing.assert_allclose(lines_of(ax)[name].get_ydata(), mean, rtol=1e-12)
        np.testing.assert_allclose(band_edges(band, 150), (lower, upper), rtol=1e-12)
    assert lines_of(ax)["method_2"].get_color() == "red"
    assert len(plot_step_size_evolution(results, show_ci=False)[1].collections) == 0


@pytest.mark.parametrize("lower_is_better", [True, False])
def test_bars_show_mean_and_std_and_frame_the_best(lower_is_better, untouched):
    results = golden_results()
    figure, ax = plot_final_performance_bars(results, lower_is_better=lower_is_better)
    summaries = [runs.summary["squared_error"] for runs in results.values()]
    heights, ends = bars_with_errors(ax)
    assert heights == [s.mean for s in summaries]
    np.testing.assert_allclose(ends, [(s.mean - s.std, s.mean + s.std) for s in summaries])
    assert [label.get_text() for label in ax.get_xticklabels()] == METHODS
    framed = [bar.get_edgecolor()[3] == 1.0 for bar in ax.patches]
    assert framed == ([True, False, False] if lower_is_better else [False, False, True])
    assert len(ax.texts) == 0 and ax.figure is figure


def test_stars_stand_above_the_bars_that_differ_from_the_best(untouched):
    results = golden_results()
    tests = pairwise_comparisons(results)
    _, ax = plot_final_performance_bars(results, significance_results=tests)
    tops = [s.mean + s.std for s in (r.summary["squared_error"] for r in results.values())]
    # p = 0.0074 and 4.6e-6 against method_0.
    assert [(text.get_text(), *text.xy) for text in ax.texts] == [
        ("**", 1, pytest.approx(tops[1])),
        ("***", 2, pytest.approx(tops[2])),
    ]
    _, plain = plot_final_performance_bars(
        results, show_significance=False, significance_results=tests
    )
    assert len(plain.texts) == 0


def test_bars_take_colors_and_axes(untouched):
    figure = Figure()
    ax = figure.add_subplot()
    assert plot_final_performance_bars(golden_results(), ax=ax, colors={"method_1": "red"}) == (
        figure,
        ax,
    )
    assert [bar.get_facecolor() for bar in ax.patches] == [
        to_rgba(color) for color in ("C0", "red", "C2")
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_diverged_method_keeps_its_place_among_the_bars(value, untouched, tmp_path):
    results = {"bad": constant_runs("bad", value, 1.0), "good": constant_runs("good", 1.0, 2.0)}
    test = SignificanceResult("U", 0.0, 1e-5, True, 0.05, 1.0, "bad", "good")
    figure, ax = plot_final_performance_bars(results, significance_results={("bad", "good"): test})
    assert [bar.get_x() + bar.get_width() / 2 for bar in ax.patches] == pytest.approx([0, 1])
    assert [bar.get_edgecolor()[3] for bar in ax.patches] == [0.0, 1.0]
    assert len(ax.texts) == 0
    low, high = ax.get_ylim()
    assert low == 0.0 and 2.0 < high < 3.0
    save_figure(figure, tmp_path / "bars", ["png"], dpi=40)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_curve_shows_the_steps_before_a_run_diverged(value, untouched, tmp_path):
    runs = {"x": results_of("x", squared_error=[[1.0, 2.0, value], [3.0, 4.0, 5.0]])}
    figure, ax = plot_learning_curves(runs, window_size=1)
    assert lines_of(ax)["x"].get_ydata()[:2].tolist() == [2.0, 3.0]
    assert ax.get_ylim()[1] < 1e3
    save_figure(figure, tmp_path / "curve", ["png"], dpi=40)


def test_names_are_escaped_where_latex_sets_the_text():
    results = two_metrics(golden_results())
    with mpl.rc_context({"text.usetex": True}):
        _, axes = create_comparison_figure(results)
        _, labelled = plot_learning_curves(results, labels={"method_0": "$m_0$"})
        _, heat = plot_hyperparameter_heatmap(
            {"a_b": constant_runs("a_b", 1.0)}, "step_size", ["a"], "50%", ["b"]
        )
    escaped = [name.replace("_", r"\_") for name in METHODS]
    curves, bars, step_sizes, cumulative = axes.ravel()
    for ax in (curves, step_sizes, cumulative):
        assert list(lines_of(ax)) == escaped
    assert [label.get_text() for label in bars.get_xticklabels()] == escaped
    assert list(lines_of(labelled)) == ["$m_0$", *escaped[1:]]
    assert (heat.get_ylabel(), heat.get_xlabel()) == (r"step\_size", r"50\%")


@pytest.mark.parametrize(("lower_is_better", "best"), [(True, (1, 0)), (False, (0, 2))])
def test_heatmap_places_each_mean_and_frames_the_best(lower_is_better, best, untouched):
    means = {"a0.1_b1": 3.0, "a0.1_b2": 4.0, "a0.1_b3": 9.0, "a0.2_b1": 1.0, "a0.2_b3": 2.5}
    figure, ax = plot_hyperparameter_heatmap(
        {name: constant_runs(name, mean) for name, mean in means.items()},
        "alpha",
        [0.1, 0.2],
        "beta",
        [1, 2, 3],
        name_pattern="a{p1}_b{p2}",
        lower_is_better=lower_is_better,
    )
    (image,) = ax.images
    grid = image.get_array()
    assert grid.filled(-1.0).tolist() == [[3.0, 4.0, 9.0], [1.0, -1.0, 2.5]]
    assert image.get_cmap().name == "viridis_r"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("beta", "alpha")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "3"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.1", "0.2"]
    cells = {text.get_position(): text.get_text() for text in ax.texts}
    assert cells == {(0, 0): "3", (1, 0): "4", (2, 0): "9", (0, 1): "1", (2, 1): "2.5"}
    (frame,) = ax.patches
    row, column = best
    assert frame.get_bbox().bounds == (column - 0.5, row - 0.5, 1.0, 1.0)
    assert len(figure.axes) == 2  # the colorbar


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_heatmap_of_diverged_cells_stays_blank(value, untouched, tmp_path):
    results = {name: constant_runs(name, value) for name in ("1_1", "1_2")}
    figure, ax = plot_hyperparameter_heatmap(results, "a", [1], "b", [1, 2])
    assert len(ax.texts) == 0 and len(ax.patches) == 0
    save_figure(figure, tmp_path / "map", ["png"], dpi=40)


def test_heatmap_without_any_result_says_so():
    with pytest.raises(ValueError, match=r"`name_pattern` '\{p1\}_\{p2\}' .* none .* lms"):
        plot_hyperparameter_heatmap({"lms": constant_runs("lms", 1.0)}, "a", [1], "b", [2])


def test_comparison_figure_has_four_panels(untouched, tmp_path):
    results = two_metrics(golden_results())
    tests = pairwise_comparisons(results)
    figure, axes = create_comparison_figure(results, tests)
    assert axes.shape == (2, 2) and axes.ravel().tolist() == figure.axes
    smooth = compute_running_mean(golden.array("stats_method_1", "metric_array"), 100)
    curves, bars, step_sizes, cumulative = axes.ravel()
    np.testing.assert_allclose(lines_of(curves)["method_1"].get_ydata(), smooth.mean(axis=0))
    assert [text.get_text() for text in bars.texts] == ["**", "***"]
    np.testing.assert_allclose(
        lines_of(step_sizes)["method_1"].get_ydata(),
        results["method_1"].metric_arrays["mean_step_size"].mean(axis=0),
    )
    sums = np.cumsum(golden.array("stats_method_1", "metric_array"), axis=1)
    mean, lower, upper = compute_timeseries_statistics(sums)
    np.testing.assert_allclose(lines_of(cumulative)["method_1"].get_ydata(), mean)
    np.testing.assert_allclose(band_edges(cumulative.collections[1], 150), (lower, upper))
    for ax in (curves, step_sizes, cumulative):
        assert [line.get_color() for line in lines_of(ax).values()] == ["C0", "C1", "C2"]
    assert [bar.get_facecolor() for bar in bars.patches] == [to_rgba(f"C{i}") for i in range(3)]
    save_figure(figure, tmp_path / "all", ["png"], dpi=40)


def test_comparison_figure_leaves_out_methods_without_step_sizes(untouched):
    results = two_metrics(golden_results())
    results["method_0"] = golden_results()["method_0"]
    _, axes = create_comparison_figure(results)
    assert {name: line.get_color() for name, line in lines_of(axes[1, 0]).items()} == {
        "method_1": "C1",
        "method_2": "C2",
    }
    _, axes = create_comparison_figure(golden_results())
    assert len(axes[1, 0].get_lines()) == 0 and axes[1, 0].get_legend() is None


@pytest.mark.parametrize(
    "plot", [plot_learning_curves, plot_step_size_evolution, plot_final_performance_bars]
)
def test_plots_name_a_missing_metric(plot):
    with pytest.raises(KeyError, match=r"'reward' in the .* of 'method_0'; present: squared_error"):
        plot(golden_results(), "reward")
