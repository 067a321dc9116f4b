"""The parts of `benchmarks/prequential.py` that need neither River nor statsmodels."""

import importlib
import math
from pathlib import Path

import numpy as np
import pytest

import alberta_framework as af

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    """The benchmark, which imports its neighbours as a script does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        return importlib.import_module("prequential")


@pytest.fixture(scope="module")
def sets(benchmark):
    """A set of each task, of a number and a text."""
    rng = np.random.default_rng(0)
    events = [{"x": float(rng.normal()), "kind": str(rng.choice(["a", "b"]))} for _ in range(200)]
    numbers = [1e3 + 20.0 * x["x"] + 50.0 * (x["kind"] == "a") for x in events]
    classes = [int(x["x"] > 0.0) for x in events]
    made = benchmark.DataSet
    return {
        "regression": made("lines", "here", "y", events, numbers, None),
        "classification": made("signs", "here", "y", events, classes, 2),
    }


def systems(benchmark, task):
    """All that run without further packages."""
    plain = {
        "regression": ("running_mean", "last_value"),
        "classification": ("class_frequencies", "last_class"),
    }[task]
    learner = benchmark.ours
    found = {name: getattr(benchmark, name) for name in plain}
    return found | {"ours": lambda data: learner(af.recommended_learner, data)}


def test_the_predictions_without_inputs_are_known(benchmark):
    made = benchmark.DataSet
    numbers = made("n", "here", "y", [{"x": 0.0}] * 3, [4.0, 8.0, 0.0], None)
    classes = made("c", "here", "y", [{"x": 0.0}] * 3, [1, 1, 0], 2)
    assert benchmark.running_mean(numbers).predictions.tolist() == [0.0, 4.0, 6.0]
    assert benchmark.last_value(numbers).predictions.tolist() == [0.0, 4.0, 8.0]
    found = benchmark.class_frequencies(classes).predictions
    np.testing.assert_allclose(found, [[1 / 2, 1 / 2], [1 / 3, 2 / 3], [1 / 4, 3 / 4]])
    found = benchmark.last_class(classes).predictions
    np.testing.assert_allclose(found, [[1 / 2, 1 / 2], [1 / 2, 1 / 2], [1 / 3, 2 / 3]])


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_no_system_knows_the_target_it_predicts(benchmark, sets, task):
    data, at = sets[task], 120
    targets = list(data.targets)
    targets[at] = 1 - targets[at] if task == "classification" else targets[at] + 1e4
    for name, run in systems(benchmark, task).items():
        before, after = (run(one).predictions for one in (data, data._replace(targets=targets)))
        np.testing.assert_array_equal(before[: at + 1], after[: at + 1], err_msg=name)
        assert not np.array_equal(before[at + 1], after[at + 1]), name


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_ours_is_what_single_calls_give_and_learns(benchmark, sets, task):
    data = sets[task]
    answers = benchmark.ours(af.recommended_learner, data)
    learner = af.recommended_learner(data.n_classes)
    features = benchmark.event_features(data.events)
    state, seen = learner.init(features.feature_dim), features.init()
    for event, target, told in zip(
        data.events[:50], data.targets, answers.predictions, strict=False
    ):
        row, seen = features.see(seen, event)
        predicted = np.ravel(learner.predict(state, row))
        # One program of all events rounds otherwise than one of each.
        np.testing.assert_allclose(predicted, np.ravel(told), rtol=1e-3, atol=1e-3)
        state = learner.update(state, row, target).state
    assert answers.rejected == 0 and answers.us > 0.0
    measure, naive = benchmark.JUDGED[task][0], systems(benchmark, task)
    mine = benchmark.figures_of(data, answers).measures[measure]
    for name in naive.keys() - {"ours"}:
        bar = benchmark.figures_of(data, naive[name](data)).measures[measure]
        assert mine < 0.6 * bar, name


def test_the_last_target_is_that_of_the_event_before(benchmark, sets):
    data = sets["regression"]
    found = benchmark.with_last_target(data)
    assert [event["last target"] for event in found.events] == [0.0, *data.targets[:-1]]
    assert found.targets == data.targets and "last target" not in data.events[0]


def test_a_learner_of_many_heads_gets_a_target_for_each_class(benchmark, sets):
    data = sets["classification"]
    heads = af.MultiHeadMLPLearner(2, (4,), sparsity=0.0, loss="softmax")
    found = benchmark.targets_of(heads, data)
    assert found.shape == (200, 2) and found.dtype == np.float32
    assert found.argmax(axis=1).tolist() == data.targets and set(found.sum(axis=1)) == {1.0}


def test_the_measures_are_known(benchmark):
    made, answers = benchmark.DataSet, benchmark.Answers
    data = made("n", "here", "y", [{"x": 0.0}] * 2, [1.0, 5.0], None)
    figures = benchmark.figures_of(data, answers(np.array([1.0, 2.0]), 1, 3.0))
    assert figures.measures == {"MAE": 1.5, "RMSE": math.sqrt(4.5)}
    assert (figures.rejected, figures.not_finite, figures.us) == (0.5, 0.0, 3.0)
    data = made("c", "here", "y", [{"x": 0.0}] * 2, [0, 1], 2)
    told = np.array([[0.5, 0.5], [1.0, 0.0]])
    measures = benchmark.figures_of(data, answers(told, 0, 3.0)).measures
    assert measures["log loss"] == pytest.approx((math.log(2.0) + math.log(1e6)) / 2.0)
    assert measures["accuracy"] == measures["share of errors"] == 0.5


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_prediction_that_is_not_finite_is_never_a_good_one(benchmark, bad):
    made, answers = benchmark.DataSet, benchmark.Answers
    data = made("n", "here", "y", [{"x": 0.0}] * 4, [1.0] * 4, None)
    figures = benchmark.figures_of(data, answers(np.array([1.0, 1.0, 1.0, bad]), 0, 0.0))
    assert figures.measures == {"MAE": math.inf, "RMSE": math.inf} and figures.not_finite == 0.25
    data = made("c", "here", "y", [{"x": 0.0}], [0], 2)
    figures = benchmark.figures_of(data, answers(np.array([[bad, 0.5]]), 0, 0.0))
    assert figures.measures == {"log loss": math.inf, "share of errors": 1.0, "accuracy": 0.0}


def test_a_class_that_an_answer_does_not_name_is_as_probable_as_any(benchmark, sets):
    data = sets["classification"]._replace(n_classes=4)
    told = benchmark.one_by_one(data, lambda event: {0: 0.5, 1: 0.5}, lambda *_: None)
    np.testing.assert_allclose(told.predictions[0], [1 / 3, 1 / 3, 1 / 6, 1 / 6])
    told = benchmark.one_by_one(data, lambda event: {}, lambda *_: None)
    np.testing.assert_allclose(told.predictions[0], [1 / 4] * 4)


def results(benchmark, **mine):
    """MAEs of 10 on three sets by all, but of 9 by the linear model, and `mine` by us."""

    def of(mae, rejected=0.0):
        infinite = float(math.isinf(mae))
        return benchmark.Figures({"MAE": mae, "RMSE": mae}, rejected, infinite, 1.0)

    others = {"running mean": of(10.0), "River linear": of(9.0), "River, scaled target": of(10.0)}
    return {name: others | {"ours": of(*values)} for name, values in mine.items()}


@pytest.mark.parametrize(
    ("mine", "verdicts"),
    [
        ({"a": (9.0,), "b": (9.8,), "c": (9.8,)}, (True, True, True)),
        ({"a": (9.0,), "b": (10.0,), "c": (9.8,)}, (False, True, True)),
        ({"a": (9.0,), "b": (20.0,), "c": (20.0,)}, (False, False, True)),
        ({"a": (9.0,), "b": (9.0, 0.01), "c": (9.0,)}, (True, True, False)),
        ({"a": (9.0,), "b": (9.0,), "c": (math.inf,)}, (False, True, False)),
    ],
)
def test_the_targets_are_judged(benchmark, mine, verdicts):
    found = benchmark.judged("regression", results(benchmark, **mine), "ours")
    assert found.verdicts == verdicts and found.sets == 3


def test_the_tables_name_every_set_and_system(benchmark, sets):
    data = sets["regression"]
    found = {
        name: benchmark.figures_of(data, run(data))
        for name, run in systems(benchmark, "regression").items()
    }
    text = benchmark.tables("regression", {"lines": data}, {"lines": found})
    lines = text.splitlines()
    assert lines[0] == "| MAE | running_mean | last_value | ours |"
    best = f"**{benchmark.number(found['ours'].measures['MAE'])}**"
    assert lines[2].startswith("| lines (200) |") and lines[2].endswith(f"{best} |")


def test_what_is_missing_or_unknown_is_told(benchmark, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "river" else name)
    with pytest.raises(SystemExit, match=r"pip install river$"):
        benchmark.require_packages()
    with pytest.raises(SystemExit, match=r"--sets: Trump unknown; known: .*TrumpApproval"):
        benchmark.chosen_sets("diabetes,Trump")
    assert benchmark.chosen_sets("iris,diabetes") == {
        "regression": ["diabetes"],
        "classification": ["iris"],
    }


@pytest.mark.parametrize(
    ("task", "name", "size"), [("regression", "diabetes", 442), ("classification", "iris", 150)]
)
def test_sets_of_scikit_learn_are_there_without_the_network(benchmark, task, name, size):
    pytest.importorskip("sklearn")
    data, again = (benchmark.loaded(task, name) for _ in range(2))
    assert data.size == size and data == again
    assert len({tuple(event) for event in data.events}) == 1
    # The file of iris is sorted by class.
    assert data.n_classes is None or len(set(data.targets[:20])) == data.n_classes
