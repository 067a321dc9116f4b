import csv
import dataclasses
import importlib.metadata
import json

import jax.random as jr
import numpy as np
import pytest
from matplotlib.image import imread

import alberta_framework as af
from alberta_framework.comparisons import (
    Contender,
    comparison_from_config,
    plot_comparison,
    run_comparison,
    save_comparison,
)
from tests.comparisons.comparisons import small


@pytest.fixture(scope="module")
def result():
    return run_comparison(small(relevant_inputs=2))


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    path = tmp_path_factory.mktemp("results")
    saved = save_comparison(result, path)
    assert sorted(saved) == sorted(path.iterdir())
    return path


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_score_can_be_computed_again_from_its_row(folder):
    found = rows(folder / "results.csv")
    assert len(found) == 3 * 2 + 2 * 2
    for row in found:
        if row["learner"] == "LMS":
            learner = af.LinearLearner(af.LMS(float(row["optimizer.step_size"])))
            assert row["optimizer.meta_step_size"] == ""
        else:
            numbers = ("optimizer.initial_step_size", "optimizer.meta_step_size")
            learner = af.LinearLearner(af.IDBD(*(float(row[n]) for n in numbers)), use_bias=False)
            assert row["optimizer.step_size"] == ""
        stream, key = small().stream, jr.key(int(row["seed"]))
        state, metrics = af.run_learning_loop(learner, stream, 200, key)
        score = np.asarray(metrics)[-80:, 0].mean()
        # One float32 recursion in two programs.
        np.testing.assert_allclose(float(row["score"]), score, rtol=2e-4)
        sizes = np.broadcast_to(learner.optimizer.step_sizes(state.optimizer_state), 3)
        np.testing.assert_allclose(float(row["step_size_relevant"]), sizes[:2].mean(), rtol=2e-4)
        np.testing.assert_allclose(float(row["step_size_irrelevant"]), sizes[2], rtol=2e-4)
        assert row["rejected"] == "0"


def test_the_curves_of_the_best_points_are_written_in_full(folder, result):
    found = rows(folder / "curves.csv")
    for name, learner in result.learners.items():
        best = learner.curves[result.best(name)]
        own = [row for row in found if row["learner"] == name]
        assert [int(row["seed"]) for row in own] == [0] * 20 + [1] * 20
        assert [int(row["step"]) for row in own[:20]] == list(range(10, 210, 10))
        values = np.array([float(row["squared_error"]) for row in own], np.float32)
        np.testing.assert_array_equal(values, best.ravel())


def test_the_config_runs_again_with_the_same_scores(folder, result):
    config = json.loads((folder / "config.json").read_text())
    assert config["run"]["steps_done"] == 200
    version = importlib.metadata.version("jax")
    assert config["run"]["versions"]["jax"] == version
    again = run_comparison(comparison_from_config(config))
    for name in result.learners:
        np.testing.assert_array_equal(again.scores(name), result.scores(name))


def test_the_picture_shows_something(folder):
    picture = imread(folder / "curves.png")
    height, width, _ = picture.shape
    assert width > 2 * height > 1000
    # Each third, a panel, holds ink.
    for panel in np.split(picture[:, : width // 3 * 3], 3, axis=1):
        assert np.ptp(panel[..., :3]) > 0.5


def test_the_figure_draws_the_means_and_the_grid(result):
    curves, sensitivity, step_sizes = plot_comparison(result).axes
    for line, name in zip(curves.lines, ("LMS", "IDBD"), strict=True):
        best = result.learners[name].curves[result.best(name)]
        np.testing.assert_allclose(line.get_ydata(), best.mean(axis=0), rtol=1e-5)
        np.testing.assert_array_equal(line.get_xdata(), result.window_ends)
    labels = [text.get_text() for text in curves.get_legend().get_texts()]
    assert labels == ["LMS (step size 0.05)", "IDBD (meta step size 0.02)"]
    line, star = sensitivity.lines[:2]
    np.testing.assert_allclose(line.get_ydata(), result.scores("LMS").mean(axis=-1))
    np.testing.assert_allclose(line.get_xdata(), [0.01, 0.05, 0.1])
    assert star.get_xdata() == 0.05
    # A grid that holds 0 has no logarithmic axis.
    assert sensitivity.get_xscale() == "symlog"
    # Only IDBD's step sizes change: the relevant and the irrelevant ones.
    assert [line.get_label() for line in step_sizes.lines] == [
        "IDBD, relevant inputs",
        "IDBD, irrelevant inputs",
    ]
    np.testing.assert_allclose(
        step_sizes.lines[0].get_ydata(),
        result.group_step_sizes("IDBD")["relevant"][1].mean(axis=0),
    )


def test_a_diverged_point_is_a_cross_at_the_edge():
    contender = Contender(af.LinearLearner(af.LMS()), {"optimizer.step_size": [0.01, 0.05, 50.0]})
    result = run_comparison(small(learners={"LMS": contender}))
    _, sensitivity = plot_comparison(result).axes
    line, star, crosses = sensitivity.lines
    assert np.isnan(line.get_ydata()[2]) and np.isfinite(line.get_ydata()[:2]).all()
    np.testing.assert_array_equal(crosses.get_xdata(), [50.0])
    assert star.get_xdata() == 0.05


def test_one_setting_gives_one_panel_and_no_blank_columns(tmp_path):
    learners = {"LMS": Contender(af.LinearLearner(af.LMS(0.1)))}
    result = run_comparison(small(learners=learners, seeds=1))
    (curves,) = plot_comparison(result).axes
    assert curves.lines[0].get_label() == "LMS"
    save_comparison(result, tmp_path)
    columns = ["learner", "optimizer.step_size", "seed", "score", "step_size", "rejected"]
    assert list(rows(tmp_path / "results.csv")[0]) == columns


def test_a_run_in_which_everything_diverged_can_be_saved(tmp_path, result):
    curves = np.full((3, 2, 20), np.nan, np.float32)
    other = dataclasses.replace(result.learners["LMS"], curves=curves)
    nothing = dataclasses.replace(
        result,
        comparison=small(learners={"LMS": small().learners["LMS"]}),
        learners={"LMS": other},
    )
    save_comparison(nothing, tmp_path)
    assert {row["score"] for row in rows(tmp_path / "results.csv")} == {"nan"}
