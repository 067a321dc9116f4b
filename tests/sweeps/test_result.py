"""Labels, scores, the best point, tables, figures."""

import numpy as np
import pytest
from scipy import stats

import alberta_framework as af
from tests.sweeps.grids import DRIFT, META, SEEDS, STEPS, rows, swept

INITIAL = "learner.optimizer.initial_step_size"


@pytest.fixture(scope="module")
def product():
    return swept(axes={META: [0.0, 0.05], INITIAL: [0.01, 0.05, 0.1]}, record=af.WindowMean(10))


@pytest.fixture(scope="module")
def diverging():
    axes = {"learner.optimizer": [af.LMS(0.05), af.LMS(50.0), af.LMS(0.01)]}
    return swept(axes=axes, num_steps=400)


def test_xarray_names_every_axis(product):
    data = product.to_xarray()
    assert data.error.dims == (META, INITIAL, "seed", "step")
    assert data.sizes == {META: 2, INITIAL: 3, "seed": SEEDS, "step": 6}
    np.testing.assert_array_equal(data.step, [10, 20, 30, 40, 50, 60])
    chosen = data.squared_error.sel({META: 0.05, INITIAL: 0.1})
    point = product.points.index({META: 0.05, INITIAL: 0.1})
    np.testing.assert_array_equal(chosen, product.metrics["squared_error"][point])
    assert data.rejected.dims == (META, INITIAL, "seed")


def test_zipped_points_are_one_axis():
    result = swept(axes={META: [0.0, 0.05], DRIFT: [0.1, 0.2]}, combine="zip")
    data = result.to_xarray()
    assert data.error.dims == ("point", "seed", "step")
    np.testing.assert_array_equal(data[DRIFT], [0.1, 0.2])
    frame = result.to_dataframe()
    assert list(frame.columns[:4]) == [META, DRIFT, "seed", "step"]
    assert len(frame) == 2 * SEEDS * STEPS and set(zip(frame[META], frame[DRIFT], strict=True)) == {
        (0.0, 0.1),
        (0.05, 0.2),
    }


def test_the_frame_has_a_row_per_recording(product):
    frame = product.to_dataframe()
    assert len(frame) == 6 * SEEDS * 6
    row = frame[
        (frame[META] == 0.05) & (frame[INITIAL] == 0.01) & (frame.seed == 1) & (frame.step == 30)
    ]
    assert row.error.item() == product.metrics["error"][3, 1, 2]


def test_the_summary_is_by_scipy(product):
    summary = product.summary("squared_error", last=20, confidence_level=0.9)
    scores = np.float64(product.metrics["squared_error"][4, :, -2:]).mean(-1)
    row = summary.iloc[4]
    assert row[META] == 0.05 and row[INITIAL] == 0.05 and row.n_seeds == SEEDS
    interval = stats.t.interval(0.9, SEEDS - 1, scores.mean(), stats.sem(scores))
    np.testing.assert_allclose([row.ci_lower, row.ci_upper], interval, rtol=1e-12)


def test_the_best_point_comes_with_its_learner(product):
    best = product.best()
    means = product.scores().mean(-1)
    assert best.index == np.argmin(means) and best.score.mean == means.min()
    assert best.learner.optimizer.initial_step_size == best.point[INITIAL]
    assert best.learner.optimizer.meta_step_size == best.point[META]
    worst = product.best(lower_is_better=False)
    assert worst.index == np.argmax(means)
    np.testing.assert_array_equal(product.ranking(), product.ranking(lower_is_better=False)[::-1])


def test_a_diverged_point_is_never_the_best(diverging):
    assert not np.isfinite(diverging.scores()[1]).all()
    for lower_is_better in (True, False):
        assert diverging.ranking(lower_is_better=lower_is_better)[-1] == 1
    summary = diverging.summary()
    assert summary.diverged.tolist() == [0, SEEDS, 0]
    labels = list(summary["learner.optimizer"])
    assert labels == ["LMS(step_size=0.05)", "LMS(step_size=50.0)", "LMS(step_size=0.01)"]


def test_unknown_names_are_told(product):
    with pytest.raises(ValueError, match="unknown metric 'eror': did you mean 'error'"):
        product.scores("eror")
    with pytest.raises(ValueError, match="`last` must be an integer >= 1 and < 61, got 61"):
        product.scores(last=61)
    with pytest.raises(ValueError, match="`kind` must be one of"):
        product.plot(kind="bars")
    with pytest.raises(ValueError, match=r"unknown path 'stream\.x' in `over`"):
        product.plot(kind="sensitivity", over="stream.x")


def test_curves_show_the_best_points_with_bands(product):
    (ax,) = product.plot(points=2).axes
    lines = ax.get_lines()
    order = product.ranking()[:2]
    for line, index in zip(lines, order, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), product.recorded_at)
        mean = product.curves()[index].mean(0)
        np.testing.assert_allclose(line.get_ydata(), mean, rtol=1e-12)
    assert len(ax.collections) == 2


def test_sensitivity_has_a_curve_for_each_of_the_others(product):
    (ax,) = product.plot(kind="sensitivity", over=INITIAL).axes
    curves = [line for line in ax.get_lines() if line.get_linestyle() == "-"]
    assert len(curves) == 2
    for line, start in zip(curves, (0, 3), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [0.01, 0.05, 0.1])
        means = product.scores()[start : start + 3].mean(-1)
        np.testing.assert_allclose(line.get_ydata(), means, rtol=1e-12)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "meta step size 0",
        "meta step size 0.05",
    ]


def test_points_off_the_scale_are_crosses():
    result = swept(
        af.LinearLearner(), axes={"learner.optimizer.step_size": [0.05, 50.0]}, num_steps=400
    )
    (ax,) = result.plot(kind="sensitivity").axes
    crosses = [line for line in ax.get_lines() if line.get_marker() == "x"]
    np.testing.assert_array_equal(crosses[0].get_xdata(), [50.0])


def test_only_a_path_of_numbers_has_a_sensitivity(diverging):
    assert diverging.numeric_paths == []
    with pytest.raises(ValueError, match="Known: none"):
        diverging.plot(kind="sensitivity")


def test_heads_are_averaged_in_scores():
    x, _, targets = rows()
    stream = af.RecordedStream(af.MultiHeadStep(x, targets))
    result = swept(af.MultiHeadMLPLearner(2, (4,)), stream, {}, record=af.WindowMean(1))
    errors = np.float64(result.metrics["squared_error"])
    np.testing.assert_allclose(result.scores(), np.nanmean(errors, -1).mean(-1), rtol=1e-12)
    assert np.isfinite(result.scores()).all()
