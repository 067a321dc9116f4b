"""Legends hold every name, and no point that diverged sets the scale of a figure."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import alberta_framework as af
from alberta_framework.figures import drawing
from tests.comparisons.comparisons import small
from tests.statistics.runs import results_of
from tests.sweeps.grids import swept

NAMES = ["_baseline", "__", "_child1", "_nolegend_", "plain", "$5_a$"]


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.fixture(scope="module")
def comparison():
    grid = {"optimizer.step_size": [0.01, 0.05]}
    learners = {name: af.Contender(af.LinearLearner(), grid) for name in NAMES[:-1]}
    learners[NAMES[-1]] = af.LinearLearner(af.IDBD(0.05, 0.02))
    return af.run_comparison(small(learners=learners, num_steps=40, evaluate_last=20))


def test_the_legends_of_a_comparison_hold_every_name(comparison):
    curves, sensitivity, step_sizes = af.plot_comparison(comparison).axes
    point = " (step size 0.05)"
    assert legend_of(curves) == [name + point for name in NAMES[:-1]] + NAMES[-1:]
    assert legend_of(sensitivity) == [f"{name}: step size" for name in NAMES[:-1]]
    assert legend_of(step_sizes) == NAMES[-1:]


def test_each_entry_of_a_legend_has_the_color_of_its_curve(comparison):
    ax = af.plot_comparison(comparison).axes[0]
    handles = ax.get_legend().legend_handles
    colors = [handle.get_color() for handle in handles]
    assert colors == [line.get_color() for line in ax.lines] == [f"C{i}" for i in range(6)]


def test_the_legend_of_a_comparison_in_control_holds_every_name():
    agent = af.SARSAAgent(af.SARSAConfig(2), (), af.LMS(0.05))
    agents = {"_a": af.Contender(agent, {"optimizer.step_size": [0.02, 0.1]}), "_b": agent}
    environment = {"id": "CartPole-v1", "max_episode_steps": 5}
    result = af.run_control_comparison(
        af.ControlComparison("_c", environment, agents, episodes=2, seeds=1)
    )
    curves, sensitivity = af.plot_control_comparison(result).axes
    assert [name[:2] for name in legend_of(curves)] == ["_a", "_b"]
    assert legend_of(sensitivity) == ["_a: step size"]


def test_the_legends_of_a_sweep_hold_every_name(own_components):
    class _Learner(af.AbstractLearner):
        loss: float

        def init(self, feature_dim):
            return af.LinearLearner().init(feature_dim)

        def learn(self, state, experience):
            return state, {"loss": self.loss}

    axes = {"learner": [_Learner(1.0), _Learner(2.0)], "stream.drift_rate": [0.1, 0.2]}
    result = swept(_Learner(1.0), axes=axes)
    names = legend_of(result.plot().axes[0])
    assert len(names) == 4 and names[0] == "learner _Learner(loss=1.0), drift rate 0.1"
    # A label alone may begin so: the last name of a path is what is spoken.
    renamed = dataclasses.replace(result, axes=af.Axes({"_x": [1, 2], "_y": [3.0, 4.0]}))
    figure = renamed.plot(kind="sensitivity", over="_y")
    assert legend_of(figure.axes[0]) == [" x 1", " x 2"]


def runs(*names):
    return {
        name: results_of(name, squared_error=np.ones((2, 5)), mean_step_size=np.ones((2, 5)))
        for name in names
    }


def test_the_legends_of_many_seeds_hold_every_name():
    _, axes = af.create_comparison_figure(runs(*NAMES))
    for ax in (axes[0, 0], axes[1, 0], axes[1, 1]):
        assert legend_of(ax) == NAMES
    assert [text.get_text() for text in axes[0, 1].get_xticklabels()] == NAMES


def test_a_legend_holds_what_was_drawn_before():
    ax = Figure().add_subplot()
    ax.plot([0, 1], [1, 1], label="theirs")
    ax.plot([0, 1], [2, 2], label="_hidden by its owner")
    ax.plot([0, 1], [3, 3])
    ax.fill_between([0, 1], [0, 0], [1, 1], label="a band")
    af.plot_learning_curves(runs("_first"), ax=ax)
    af.plot_learning_curves(runs("_second", "third"), ax=ax)
    assert legend_of(ax) == ["theirs", "_first", "_second", "third", "a band"]


finite = st.floats(1e-6, 1e6)


@given(st.lists(finite, min_size=1), st.lists(st.sampled_from([np.nan, np.inf, 1e21, -np.inf])))
def test_what_is_on_the_scale_is_near_the_least_and_finite(sound, wild):
    means = np.array(sound + wild)
    shown = drawing.on_scale(means)
    least = min(sound)
    assert shown[np.argmin(sound)] and not shown[len(sound) :].any()
    np.testing.assert_array_equal(shown[: len(sound)], np.array(sound) <= 30.0 * least)


def test_numbers_of_both_signs_have_no_scale():
    assert drawing.on_scale(np.array([-1.0, 1e-3, 1e6, np.nan])).tolist() == [True] * 3 + [False]
    assert drawing.on_scale(np.array([0.0, 1e-3, 1e6])).tolist() == [True, True, False]
    assert drawing.on_scale(np.array([np.nan, np.inf])).tolist() == [False, False]
    assert drawing.on_scale(np.array([1.0, 40.0]), best=2.0).tolist() == [True, True]


def constant(*sizes):
    return np.broadcast_to(np.array(sizes)[:, None, None], (len(sizes), 2, 5)).copy()


@pytest.mark.parametrize("log, limit", [(True, 1e4), (False, 30.0)])
def test_the_axis_spans_curves_near_the_best(log, limit):
    curves = constant(1.0, 0.9 * limit, 1.1 * limit, 1e21)
    fine = np.zeros((4, 2), bool)
    found = drawing.curves_on_scale(curves, fine, 0, log=log)
    assert found.tolist() == [True, True, False, False]
    # The sign of a curve is not its size.
    assert drawing.curves_on_scale(-curves, fine, 0, log=log).tolist() == found.tolist()
    # What exploded to the better side is not what the others are measured by.
    exploded = constant(1e21, 1.0, 2.0)
    found = drawing.curves_on_scale(-exploded, fine[:3], 0, log=log)
    assert found.tolist() == [False, True, True]
    # A higher one may well be the best.
    high = constant(20.0, 1.0, 1e-3)
    assert drawing.curves_on_scale(high, fine[:3], 0, log=log).all()


def test_curves_of_points_that_diverged_do_not_count():
    curves, diverged = constant(1.0, 2.0, 3.0), np.zeros((3, 2), bool)
    diverged[1, 1], curves[2, 0, 3] = True, np.nan
    assert drawing.curves_on_scale(curves, diverged, 0, log=True).tolist() == [True, False, True]
    assert not drawing.curves_on_scale(curves, ~diverged | True, 0, log=True).any()


def spanned(values, shown, log):
    ax = Figure().add_subplot()
    lines = [drawing.named_line(ax, np.arange(5), v, label=str(i)) for i, v in enumerate(values)]
    drawing.span(ax, lines, np.array(shown), log=log)
    return ax, lines


@pytest.mark.parametrize("log", [True, False])
def test_a_curve_off_the_scale_leaves_the_axis_and_says_so(log):
    values = [np.linspace(1, 2, 5), np.linspace(3, 1e21, 5)]
    ax, lines = spanned(values, [True, False], log)
    assert ax.get_ylim()[1] < 3 and [line.get_label() for line in lines] == [
        "0",
        "1 (off the scale)",
    ]
    assert ax.get_yscale() == ("log" if log else "linear")
    # If there is nothing else, it is shown.
    ax, lines = spanned(values[1:], [False], log)
    assert ax.get_ylim()[1] > 1e21 and lines[0].get_label() == "0"
    flat, _ = spanned([np.zeros(5)], [True], log)
    assert flat.get_ylim()[0] < flat.get_ylim()[1]


@pytest.mark.parametrize("steps", [20, 400])
def test_a_learner_that_diverged_does_not_set_the_scale_of_a_comparison(steps):
    """After 20 steps its errors are finite, and 1e30 times the others'."""
    learners = {
        "LMS": af.Contender(af.LinearLearner(), {"optimizer.step_size": [0.01, 0.05, 50.0]}),
        "IDBD": af.LinearLearner(af.IDBD(0.05)),
        "wild": af.Contender(af.LinearLearner(), {"optimizer.step_size": [40.0, 50.0]}),
    }
    result = af.run_comparison(small(learners=learners, num_steps=steps, evaluate_last=20))
    curves, sensitivity, *_ = af.plot_comparison(result).axes
    healthy = np.concatenate([result.learners[name].curves[0].ravel() for name in ("LMS", "IDBD")])
    for ax in (curves, sensitivity):
        low, high = ax.get_ylim()
        assert 0 < low < high < 100 * healthy.max()
    assert [name.endswith("(off the scale)") for name in legend_of(curves)] == [False, False, True]
    crosses = [line for line in sensitivity.lines if line.get_marker() == "x"]
    assert [line.get_xdata().tolist() for line in crosses] == [[50.0], [40.0, 50.0]]
    heights = [line.get_ydata()[0] for line in crosses]
    assert heights[0] > heights[1] > 0.9  # a row for each learner, at the upper edge


def test_crosses_are_at_the_edge_of_the_worse():
    ax = Figure().add_subplot()
    scores, shown = np.array([[1.0, 2.0], [np.nan, 1.0]]), np.array([True, False])
    drawing.draw_scores(ax, np.array([0.1, 0.2]), scores, shown, 0, "C3", "x", False, star=0)
    curve, star, crosses = ax.lines
    assert np.isnan(curve.get_ydata()[1]) and curve.get_ydata()[0] == 1.5
    assert (star.get_xdata(), star.get_ydata()) == ([0.1], [1.5])
    assert crosses.get_ydata()[0] < 0.1 and crosses.get_xdata().tolist() == [0.2]


def test_a_legend_below_tells_each_name_once_and_covers_no_panel():
    figure = Figure(layout="constrained")
    panels = figure.subplots(1, 2)
    for ax in panels:
        for name in NAMES:
            drawing.draw_mean(ax, np.arange(3), np.ones((2, 3)), "C0", "-", name)
    drawing.draw_legend_below(figure, panels)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == NAMES
    top = legend.get_window_extent().y1
    assert all(ax.get_tightbbox().y0 >= top for ax in panels)
