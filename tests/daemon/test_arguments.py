"""Bad arguments raise errors that name them, and change nothing."""

import re

import jax
import numpy as np
import pandas as pd
import pytest

import alberta_framework as af
from alberta_framework.daemon import Daemon, EventProcessor
from tests.horde import cases as horde_cases

from .daemons import LEARNERS, dim, events, heads, kept, same_but_for_clocks, small


def bad_rows(length):
    row = [0.5] * length
    return {
        "short": row[:-1],
        "long": [*row, 0.5],
        "nested": [row],
        "matrix": np.zeros((length, length + 1), np.float32),
        "text": "a" * length,
        "texts": ["a"] * length,
        "table": {"a": 1.0},
        "ragged": [row, row[:-1]],
        "complex": np.zeros(length, complex) + 1j,
        "object": object(),
        "huge": [10**400] * length,
    }


KINDS = list(bad_rows(2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", LEARNERS)
def test_bad_rows_name_the_argument(name, kind):
    daemon, (observation, targets, _) = kept(name), events(name, 1)[0]
    before, steps, last = daemon.state, daemon.steps, daemon.last_observation
    bad = bad_rows(dim(name))[kind]
    calls = {
        "observation": [
            lambda: daemon.step(bad, targets),
            lambda: daemon.step(bad),
            lambda: daemon.update(bad, targets),
            lambda: daemon.predict(bad),
        ],
        "targets": [
            lambda: daemon.step(observation, bad_rows(heads(name))[kind]),
            lambda: daemon.update(observation, bad_rows(heads(name))[kind]),
        ],
    }
    for argument, attempts in calls.items():
        for attempt in attempts:
            with pytest.raises((TypeError, ValueError), match=f"`{argument}`"):
                attempt()
    same_but_for_clocks(daemon.state, before)
    assert daemon.steps == steps
    np.testing.assert_array_equal(daemon.last_observation, last)


def test_update_needs_targets():
    daemon = kept("linear")
    with pytest.raises(TypeError, match="targets"):
        daemon.update(np.zeros(dim("linear")), None)


def test_a_matrix_names_the_shape():
    with pytest.raises(TypeError, match=re.escape("`observation` must be 3 numbers, got shape")):
        kept("linear").predict(np.zeros((3, 1)))


@pytest.mark.parametrize("terminated", ["no", 2.5, [True, False], np.array([True, False])])
def test_terminated_is_a_flag(terminated):
    daemon, (observation, targets, _) = kept("td"), events("td", 1)[0]
    steps = daemon.steps
    with pytest.raises((TypeError, ValueError), match="`terminated`"):
        daemon.step(observation, targets, terminated)
    assert daemon.steps == steps


@pytest.mark.parametrize("terminated", [1, 0, np.True_, np.bool_(False)])
def test_flags_of_any_kind_are_taken(terminated):
    daemon, (observation, targets, _) = kept("td"), events("td", 1)[0]
    daemon.step(observation, targets, terminated)
    assert (daemon.last_observation is None) == bool(terminated)


AGENT = horde_cases.agent()
LINEAR, TD = af.LinearLearner(af.LMS(0.1)), af.TDLinearLearner()
CONSTRUCTIONS = {
    "no learner": (ValueError, "learner", {"learner": None}),
    "an optimizer": (ValueError, "learner", {"learner": af.LMS()}),
    "an agent with heads": (ValueError, "head_names", {"learner": AGENT, "head_names": ["a"]}),
    "an agent with a discount": (ValueError, "gamma", {"learner": AGENT, "gamma": 0.9}),
    "a class": (ValueError, "learner", {"learner": af.LinearLearner}),
    "no features": (ValueError, "feature_dim", {"feature_dim": 0}),
    "negative features": (ValueError, "feature_dim", {"feature_dim": -3}),
    "half a feature": (ValueError, "feature_dim", {"feature_dim": 2.5}),
    "a flag of features": (ValueError, "feature_dim", {"feature_dim": True}),
    "text features": (ValueError, "feature_dim", {"feature_dim": "2"}),
    "every 0": (ValueError, "checkpoint_every", {"checkpoint": "a", "checkpoint_every": 0}),
    "every 1.5": (ValueError, "checkpoint_every", {"checkpoint": "a", "checkpoint_every": 1.5}),
    "every -1 s": (ValueError, "checkpoint_every_s", {"checkpoint": "a", "checkpoint_every_s": -1}),
    "every nan s": (
        ValueError,
        "checkpoint_every_s",
        {"checkpoint": "a", "checkpoint_every_s": float("nan")},
    ),
    "every text": (
        ValueError,
        "checkpoint_every_s",
        {"checkpoint": "a", "checkpoint_every_s": "1"},
    ),
    "nowhere to save": (ValueError, "checkpoint", {"checkpoint_every": 5}),
    "nowhere to save in time": (ValueError, "checkpoint", {"checkpoint_every_s": 5.0}),
    "a number as path": (TypeError, "checkpoint", {"checkpoint": 5}),
    "keep none": (ValueError, "keep", {"keep": 0}),
    "keep half": (ValueError, "keep", {"keep": 0.5}),
    "few names": (ValueError, "feature_names", {"feature_names": ["a"]}),
    "equal names": (ValueError, "feature_names", {"feature_names": ["a", "a"]}),
    "numbers as names": (ValueError, "feature_names", {"feature_names": [1, 2]}),
    "many heads": (ValueError, "head_names", {"head_names": ["a", "b"]}),
    "a discount": (ValueError, "gamma", {"gamma": 0.9}),
    "no discount": (ValueError, "gamma", {"learner": TD}),
    "a large discount": (ValueError, "gamma", {"learner": TD, "gamma": 1.5}),
    "a discount of nan": (ValueError, "gamma", {"learner": TD, "gamma": float("nan")}),
    "a text discount": (ValueError, "gamma", {"learner": TD, "gamma": "0.9"}),
    "a number as key": (TypeError, "key", {"key": 5, "learner": af.MLPLearner((2,))}),
}


@pytest.mark.parametrize("row", CONSTRUCTIONS)
def test_bad_construction_names_the_argument(row, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kind, argument, changes = CONSTRUCTIONS[row]
    kinds = (kind, TypeError) if kind is ValueError else kind
    with pytest.raises(kinds, match=f"`{argument}`"):
        Daemon(**{"learner": LINEAR, "feature_dim": 2} | changes)
    assert list(tmp_path.iterdir()) == []


def test_saving_needs_a_path():
    with pytest.raises(ValueError, match="`checkpoint`"):
        small().save()


@pytest.mark.parametrize("window", [-1, 1.5, True, "3"])
def test_a_label_window_is_a_count(window):
    with pytest.raises((TypeError, ValueError), match="`label_window`"):
        EventProcessor(kept("linear"), window)


def test_the_key_draws_the_initial_weights():
    learner = af.MLPLearner((4,), af.LMS(0.1), sparsity=0.0)
    ours = Daemon(learner, 2, key=jax.random.key(7)).state
    same_but_for_clocks(ours, learner.init(2, jax.random.key(7)))
    weights = Daemon(learner, 2).state.params.weights[0]
    np.testing.assert_array_equal(weights, learner.init(2, jax.random.key(0)).params.weights[0])
    assert not np.array_equal(ours.params.weights[0], weights)


def test_one_target_may_be_a_number():
    daemon, (observation, targets, _) = kept("linear"), events("linear", 1)[0]
    step = daemon.steps + 1
    assert daemon.step(observation, float(targets[0])).step == step


def test_masked_entries_are_refused_and_change_nothing():
    ours = small()
    masked = np.ma.masked_array([1.0, -9999.0], mask=[False, True])
    calls = {
        "observation": [lambda: ours.step(masked, [1.0]), lambda: ours.predict(masked)],
        "targets": [
            lambda: ours.step([1.0, 2.0], np.ma.masked_array([5.0], mask=[True])),
            lambda: ours.step([1.0, 2.0], np.ma.masked),
        ],
    }
    for argument, attempts in calls.items():
        for attempt in attempts:
            with pytest.raises(TypeError, match=rf"`{argument}`: .*masked entries.*filled"):
                attempt()
    assert ours.steps == 0
    sound = np.ma.masked_array([1.0, 2.0], mask=[False, False])
    assert ours.step(sound, np.ma.masked_array([1.0])).step == 1


def named(**options):
    learner = af.MultiHeadMLPLearner(2, (), af.LMS(0.1), sparsity=0.0)
    return Daemon(
        learner, 3, **{"feature_names": ["a", "b", "c"], "head_names": ["y", "z"]} | options
    )


def test_a_series_is_taken_by_its_names():
    ours, other = named(), named()
    row, targets = {"a": 1.0, "b": 2.0, "c": 3.0}, {"y": 1.0, "z": -1.0}
    forms = [
        (pd.Series(row), pd.Series(targets)),
        (pd.Series(dict(reversed(row.items()))), pd.Series(dict(reversed(targets.items())))),
        (pd.Series({"c": 3, "a": 1, "b": 2}), pd.Series({"z": -1, "y": 1}, dtype="Int64")),
        (pd.DataFrame([{"b": 2, "c": 3, "a": 1}]).iloc[0], [1.0, -1.0]),
    ]
    for observation, wanted in forms:
        expected = other.step(list(row.values()), list(targets.values()))
        np.testing.assert_array_equal(ours.predict(observation), expected.predictions)
        np.testing.assert_array_equal(
            ours.step(observation, wanted).predictions, expected.predictions
        )
    # A head that is not named has no target, as in an event.
    other.step(list(row.values()), [np.nan, 2.0])
    ours.step(pd.Series(row), pd.Series({"z": 2}, dtype="Int64"))
    same_but_for_clocks(ours.state, other.state)
    # A missing number is none: the event is rejected.
    assert ours.step(pd.Series({"a": 1, "b": None, "c": 3}, dtype="Int64"), [1.0, 2.0]).rejected
    assert ours.step(pd.Series(row | {"b": None}), [1.0, 2.0]).rejected


LABELS = {
    "another name": {"a": 1.0, "b": 2.0, "d": 3.0},
    "a name missing": {"a": 1.0, "b": 2.0},
    "one too many": {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0},
    "numbers": {0: 1.0, 1: 2.0, 2: 3.0},
}


@pytest.mark.parametrize("row", LABELS)
def test_labels_that_are_not_the_names_are_refused(row):
    ours = named()
    with pytest.raises(TypeError, match=r"`observation` must have the labels \['a', 'b', 'c'\]"):
        ours.step(pd.Series(LABELS[row]), [1.0, 2.0])
    with pytest.raises(TypeError, match="`targets` must have the labels"):
        ours.step([1.0, 2.0, 3.0], pd.Series({"y": 1.0, "x": 2.0}))
    twice = pd.Series([1.0, 2.0, 3.0, 4.0], index=["a", "b", "c", "a"])
    with pytest.raises(TypeError, match="`observation`"):
        ours.predict(twice)
    with pytest.raises(TypeError, match="`observation`"):
        ours.predict(pd.Series({"a": "x", "b": 2.0, "c": 3.0}))
    assert ours.steps == 0


def test_without_names_labels_are_refused():
    for labelled in (pd.Series([1.0, 2.0]), pd.DataFrame([[1.0, 2.0]])):
        with pytest.raises(TypeError, match=r"`observation`: a .* by position.*to_numpy"):
            small().predict(labelled)
    with pytest.raises(TypeError, match="`observation`"):
        named().predict(pd.DataFrame([{"a": 1.0, "b": 2.0, "c": 3.0}]))
