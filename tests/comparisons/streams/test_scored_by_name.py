"""A comparison scores a metric by its name, whatever place it has in what a step gives."""

import csv
import dataclasses
import json

import numpy as np
import pytest

import alberta_framework as af
from tests.comparisons.comparisons import small
from tests.reporter import Reporter, UnnumberedReporter

OFFSETS = {"offset": [0.25, 0.5]}


def scored(form="sorted", score="loss", grid=None, **changes):
    arguments = {"num_steps": 40, "evaluate_last": 20, "window": 5, "seeds": 2} | changes
    has_life = arguments.pop("has_life", True)
    learner = Reporter(form=form, has_life=has_life)
    contender = af.Contender(learner, OFFSETS if grid is None else grid)
    return small(learners={"Mine": contender}, score=score, **arguments)


@pytest.mark.parametrize(
    "form, score, values, has_life",
    [
        ("sorted", "loss", [3.25, 3.5], False),
        ("unsorted", "loss", [3.25, 3.5], True),
        ("unsorted", "gain", [-0.25, -0.5], True),
        ("array", "output_1", [2.25, 2.5], False),
        ("squared last", "squared_error", [3.25, 3.5], True),
    ],
)
def test_the_score_is_the_metric_of_its_name(form, score, values, has_life):
    result = af.run_comparison(scored(form, score, has_life=has_life))
    np.testing.assert_allclose(result.scores("Mine").T, [values] * 2, rtol=1e-6)
    assert result.best("Mine") == np.argmin(values)
    assert result.standing("Mine").diverged == 0 == result.standing("Mine").rejected
    assert (result.learners["Mine"].rejected_at is None) is not has_life


@pytest.mark.parametrize(
    "form, score, message",
    [
        (
            "unsorted",
            "squared_error",
            r"learners\.Mine: `score` must be one of zero, loss, gain, which Reporter gives, or "
            r"value_error, got 'squared_error'\.",
        ),
        ("array", "loss", r"must be one of output_0, output_1, .* got 'loss'"),
        ("sorted", 3, r"must be one of gain, loss, .* got 3"),
        ("tuple", "loss", r"learners\.Mine: .*must give a dictionary, a Module or one array"),
    ],
)
def test_a_missing_metric_is_an_error_that_lists_those_there_are(form, score, message):
    with pytest.raises(ValueError, match=message):
        scored(form, score)


def test_a_learner_without_hyperparameters_takes_part():
    comparison = small(
        learners={"None": UnnumberedReporter(), "Mine": Reporter(form="loss")}, score="loss"
    )
    result = af.run_comparison(comparison)
    np.testing.assert_allclose(result.scores("None"), [[159.5] * 2])
    assert result.scores("Mine").shape == (1, 2)


def test_every_learner_must_have_the_metric():
    learners = {"LMS": af.LinearLearner(), "Mine": Reporter(form="sorted")}
    with pytest.raises(ValueError, match=r"learners\.Mine: .* got 'mean_step_size'"):
        small(learners=learners, score="mean_step_size")
    with pytest.raises(ValueError, match=r"learners\.LMS: .*mean_step_size, which LinearLearner"):
        small(learners=learners, score="loss")


def test_the_squared_error_of_a_learner_of_values_is_that_of_its_td_error():
    demon = af.GVFSpec("one", af.DemonType.PREDICTION, 1.0, 0.0, 0)
    learners = {
        "TD": af.TDLinearLearner(),
        "Horde": af.HordeLearner(af.create_horde_spec([demon]), ()),
    }
    comparison = small(stream=af.RandomWalkChainStream(5), learners=learners)
    assert comparison.scored_metrics == dict.fromkeys(learners, "squared_td_error")
    assert comparison.measure == "Squared TD error"
    assert list(comparison.rows) == ["TD", "Horde: one"]
    assert small().scored_metrics == {"LMS": "squared_error", "IDBD": "squared_error"}
    by_name = small(stream=af.RandomWalkChainStream(5), learners=learners, score="td_error")
    assert by_name.measure == "TD error"


def test_any_metric_of_a_learner_may_be_scored():
    comparison = small(score="mean_step_size")
    result = af.run_comparison(comparison)
    found = result.scores("LMS").mean(-1)
    np.testing.assert_allclose(found, [0.01, 0.05, 0.1], rtol=1e-5)
    assert comparison.measure == "Mean step size" and result.best("LMS") == 0
    most = af.run_comparison(small(score="mean_step_size", lower_is_better=False))
    assert most.best("LMS") == 2
    again = af.comparison_from_config(json.loads(json.dumps(most.comparison.to_config())))
    assert again.lower_is_better is False and again.score == "mean_step_size"
    assert "lower_is_better" not in comparison.to_config()
    with pytest.raises(ValueError, match="`lower_is_better` must be one of"):
        small(lower_is_better="yes")


def test_of_accuracy_more_is_better(tmp_path):
    data = af.LabelledArrays(np.eye(4), [0, 1, 2, 0])
    learner = af.MultiHeadMLPLearner(3, (), af.LMS(), loss="softmax", sparsity=0.0)
    softmax = {"Softmax": af.Contender(learner, {"optimizer.step_size": [1e-6, 0.5]})}
    numbered = af.SoftmaxLinearLearner(3, af.LMS())
    for one_hot, learners in ((True, softmax), (False, {"Softmax": numbered})):
        comparison = small(
            stream=af.PermutedClassificationStream(data, 1000, one_hot=one_hot),
            learners=learners,
            score="accuracy",
        )
        assert list(comparison.rows) == ["Softmax"] and comparison.measure == "Accuracy"
        assert comparison.less_is_better is False
        assert "lower_is_better" not in comparison.to_config()
    # Told otherwise, it is otherwise.
    assert small(score="error", lower_is_better=False).less_is_better is False
    comparison = small(
        stream=af.PermutedClassificationStream(data, 1000), learners=softmax, score="accuracy"
    )
    result = af.run_comparison(comparison)
    assert result.best("Softmax") == 1 and result.scores("Softmax")[1].min() > 0.7
    log_loss = af.run_comparison(dataclasses.replace(comparison, score="log_loss"))
    assert log_loss.best("Softmax") == 1 and log_loss.comparison.less_is_better
    af.save_comparison(result, tmp_path)
    assert (tmp_path / "curves.png").stat().st_size > 0


def test_each_part_of_a_metric_has_a_row(tmp_path):
    comparison = scored("parts", "each")
    assert comparison.rows == {f"Mine: {i}": ("Mine", i) for i in range(3)}
    result = af.run_comparison(comparison)
    for i, row in enumerate(result.learners):
        np.testing.assert_allclose(result.scores(row)[:, 0], [0.25 + i, 0.5 + i], rtol=1e-6)
    af.save_comparison(result, tmp_path)
    with (tmp_path / "curves.csv").open(newline="") as file:
        names = {(row["learner"], row["each"]) for row in csv.DictReader(file)}
    assert names == {(f"Mine: {i}", f"{i}.25") for i in range(3)}


def test_a_window_without_a_number_has_not_diverged():
    result = af.run_comparison(scored("now and then"))
    curves = result.learners["Mine"].curves
    assert np.isnan(curves[0, 0]).tolist() == [False, True] * 4
    np.testing.assert_allclose(result.scores("Mine")[:, 0], [3.25, 3.5], rtol=1e-6)
    assert result.standing("Mine").diverged == 0
    # Who does not count what it rejects cannot be told from one that diverged.
    untold = af.run_comparison(scored("now and then", has_life=False))
    assert untold.standing("Mine").diverged == 2


def test_rejections_are_told_by_window():
    x = np.float32(np.random.default_rng(0).normal(size=(10, 3)))
    x[[2, 3]] = np.nan
    stream = af.ArrayStream(x, x[:, :1] * 0)
    learners = {"LMS": af.LinearLearner(), "IDBD": af.LinearLearner(af.IDBD())}
    comparison = small(stream=stream, learners=learners, num_steps=200, window=5)
    result = af.run_comparison(comparison)
    for learner in result.learners.values():
        np.testing.assert_array_equal(learner.rejected_at[0, 0], [2, 0] * 20)
        assert (learner.rejected == 40).all()
    assert result.standing("LMS").diverged == 0


def test_steps_that_were_rejected_one_and_all_are_a_divergence():
    x = np.full((5, 3), np.nan, np.float32)
    stream = af.ArrayStream(np.concatenate([np.ones_like(x), x]), np.ones((10, 1), np.float32))
    learners = {"LMS": af.LinearLearner()}
    result = af.run_comparison(small(stream=stream, learners=learners, window=5))
    assert result.standing("LMS").diverged == 2 and np.isnan(result.scores("LMS")).all()
