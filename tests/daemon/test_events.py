"""Lines of JSON in, lines of JSON out."""

import json

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.daemon import Daemon, EventProcessor, EventSchema
from tests.compilations import count_compilations
from tests.trees import once_more_rejected

from .daemons import (
    LEARNERS,
    close_but_for_clocks,
    daemon,
    dim,
    events,
    heads,
    same_but_for_clocks,
    small,
)

NAMES = {"feature_names": ["failed", "hour", "port", "user", "age"], "head_names": ["a", "b", "c"]}


def strict(answer):
    """The one line of strict JSON that an answer is."""

    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    text = answer.decode("utf-8")
    assert text.endswith("\n") and text.count("\n") == 1
    return json.loads(text, parse_constant=refuse)


def ask(processor, event, number=1):
    return strict(processor.answer(json.dumps(event), number))


def plain(row):
    return [None if np.isnan(value) else float(value) for value in row]


@pytest.fixture(scope="module")
def named():
    """A daemon with names, its processor, and a daemon that gets the same as arrays."""
    learner, length, _ = LEARNERS["multi-head"]
    ours = Daemon(learner, length, **NAMES)
    return ours, EventProcessor(ours), daemon("multi-head")


@pytest.mark.parametrize("name", LEARNERS)
def test_lines_are_the_steps_they_describe(name):
    ours, other = daemon(name), daemon(name)
    processor = EventProcessor(ours)
    for number, (observation, targets, ended) in enumerate(events(name, 12), 1):
        event = {"observation": plain(observation), "targets": plain(targets), "terminated": ended}
        found = ask(processor, event | {"id": number}, number)
        expected = other.step(observation, targets, ended)
        assert found == {
            "id": number,
            "step": expected.step,
            "predictions": [float(value) for value in expected.predictions],
            "rejected": False,
        }
    same_but_for_clocks(ours.state, other.state)


def test_names_and_lists_mean_the_same(named):
    ours, processor, other = named
    (observation, targets, _), *_ = events("multi-head", 1)
    targets[:] = [0.5, np.nan, -2.0]
    features = dict(zip(NAMES["feature_names"], plain(observation), strict=True))
    backwards = dict(reversed(features.items()))
    expected = [other.step(observation, targets) for _ in range(4)]
    forms = [
        {"observation": plain(observation), "targets": [0.5, None, -2.0]},
        {"observation": features, "targets": {"a": 0.5, "b": None, "c": -2.0}},
        {"observation": backwards, "targets": {"c": -2.0, "a": 0.5}},
        {"observation": features, "targets": [0.5, None, -2]},
    ]
    for form, result in zip(forms, expected, strict=True):
        found = ask(processor, form)
        assert list(found["predictions"]) == NAMES["head_names"]
        np.testing.assert_array_equal(
            np.float32(list(found["predictions"].values())), result.predictions
        )
    same_but_for_clocks(ours.state, other.state)


def test_a_null_head_is_left_as_it_was(named):
    ours, processor, _ = named
    before = ours.state.head_params.weights
    ask(processor, {"observation": [1, 2, 3, 4, 5], "targets": {"b": 1.0}})
    after = ours.state.head_params.weights
    changed = [not np.array_equal(before[i], after[i]) for i in range(3)]
    assert changed == [False, True, False]


@pytest.mark.parametrize("event", [{}, {"targets": None}, {"id": 3}])
def test_events_without_targets_only_predict(named, event):
    ours, processor, _ = named
    before, steps = ours.state, ours.steps
    row = [0.1, 0.2, 0.3, 0.4, 0.5]
    found = ask(processor, {"observation": row} | event)
    assert (found["step"], found["rejected"]) == (steps, False)
    np.testing.assert_array_equal(
        np.float32(list(found["predictions"].values())), ours.predict(row)
    )
    same_but_for_clocks(ours.state, before)


IDS = [7, "abc", "ünï\u2028code", 1.5, True, None, 2**70, -1, "", [1, [2]], {"a": [1]}, "x" * 1000]


@pytest.mark.parametrize("given", IDS, ids=range(len(IDS)))
def test_any_id_comes_back(given):
    processor = EventProcessor(small())
    found = ask(processor, {"id": given, "observation": [1, 2], "targets": [1]})
    assert found["id"] == given and type(found["id"]) is type(given)
    wrong = ask(processor, {"id": given, "observation": [1], "targets": [1]}, 9)
    assert wrong["id"] == given and wrong["line"] == 9
    if given is not None:
        ask(processor, {"id": given, "observation": [1, 2]})
        late = ask(processor, {"id": given, "targets": [2]}, 3)
        assert (late["id"], late["step"]) == (given, 2)


def test_ids_that_differ_in_kind_are_different():
    """In JSON, 1, true, 1.5 and "1" are four values, though Python calls the first two equal."""
    ours = small()
    processor = EventProcessor(ours)
    ask(processor, {"id": 1, "observation": [1, 2]})
    for other in (True, "1", 1.5, [1]):
        assert "error" in ask(processor, {"id": other, "targets": [1]}), other
    assert ours.steps == 0
    assert ask(processor, {"id": 1, "targets": [1]})["step"] == 1


def test_a_late_label_is_learned_on_its_own_observation():
    ours, other = small(), small()
    processor = EventProcessor(ours)
    rows = np.float32(np.random.default_rng(0).normal(size=(6, 2)))
    for i, row in enumerate(rows):
        ask(processor, {"id": f"e{i}", "observation": row.tolist()})
    assert ours.steps == 0
    for step, i in enumerate((4, 0, 5), 1):
        found = ask(processor, {"id": f"e{i}", "targets": [float(i)]})
        expected = other.step(rows[i], [float(i)])
        assert found["step"] == step == expected.step
        assert found["predictions"] == [float(value) for value in expected.predictions]
    same_but_for_clocks(ours.state, other.state)


def test_a_repeated_id_means_the_latest_observation():
    ours, other = small(), small()
    processor = EventProcessor(ours)
    ask(processor, {"id": 1, "observation": [1, 2]})
    ask(processor, {"id": 1, "observation": [3, 4]})
    ask(processor, {"id": 1, "targets": [5]})
    other.step([3, 4], [5])
    same_but_for_clocks(ours.state, other.state)


@pytest.mark.parametrize("window", [0, 1, 3])
def test_the_window_of_labels_is_bounded(window):
    ours = small()
    processor = EventProcessor(ours, window)
    for i in range(10):
        ask(processor, {"id": i, "observation": [i, 1]})
    kept = range(10 - window, 10)
    for i in range(10):
        found = ask(processor, {"id": i, "targets": [1]}, number=i + 1)
        assert ("error" not in found) == (i in kept)
        if "error" in found:
            assert found["line"] == i + 1 and str(i) in found["error"] and "id" in found["error"]
    assert ours.steps == window


def test_a_rejected_event_is_told_and_its_numbers_are_null():
    ours = small()
    processor = EventProcessor(ours)
    for token in ("1e400", "-1e400", "1e39", "NaN", "Infinity"):
        before = ours.state
        found = strict(processor.answer(f'{{"observation":[{token},1],"targets":[1]}}', 5))
        assert found.get("rejected") or found["line"] == 5
        if "predictions" in found:
            assert found["predictions"] == [None]
        expected = once_more_rejected(before) if found.get("rejected") else before
        same_but_for_clocks(ours.state, expected)


def test_bytes_and_text_are_the_same():
    processor = EventProcessor(small())
    line = '{"id": "é", "observation": [1, 2]}'
    assert processor.answer(line, 1) == processor.answer(line.encode() + b"\n", 1)
    assert strict(processor.answer(line, 1)) == processor.process(line, 1)


@pytest.mark.parametrize("name", ["td", "horde"])
def test_terminated_ends_the_episode(name):
    ours = daemon(name)
    processor = EventProcessor(ours)
    row, label = [1.0] * dim(name), [1.0] * heads(name)
    ask(processor, {"observation": row, "targets": label})
    assert ours.last_observation is not None
    ask(processor, {"observation": row, "targets": label, "terminated": True})
    assert ours.last_observation is None


def test_late_labels_are_no_transitions():
    """Their observation has passed: a learner of transitions cannot learn from it, and says so."""
    ours = daemon("td")
    processor = EventProcessor(ours)
    ask(processor, {"id": 1, "observation": [1, 2, 3], "targets": [1]})
    before, last = ours.state, np.array(ours.last_observation)
    ask(processor, {"id": 2, "observation": [4, 5, 6]})
    found = ask(processor, {"id": 1, "targets": [1]}, 3)
    assert found["line"] == 3 and found["error"]
    close_but_for_clocks(ours.state, before)
    np.testing.assert_array_equal(ours.last_observation, last)


def labelled(processor, event_id, targets, number=1):
    return ask(processor, {"id": event_id, "targets": targets}, number)


@pytest.mark.parametrize("first", [{"targets": [5]}, {}], ids=["at once", "later"])
def test_a_label_is_learned_once(first):
    """A queue may deliver a line twice."""
    ours = small()
    processor = EventProcessor(ours)
    ask(processor, {"id": 1, "observation": [3, 4]} | first)
    if not first:
        assert labelled(processor, 1, [5])["step"] == 1
    before = ours.state
    for targets in ([5], [6]):
        found = labelled(processor, 1, targets, 7)
        assert found["line"] == 7 and found["id"] == 1
        assert "targets.0: event 1 has learned it already" in found["error"]
    assert ours.steps == 1
    same_but_for_clocks(ours.state, before)


def test_each_head_learns_its_label_once():
    learner, length, _ = LEARNERS["multi-head"]
    ours, other = (Daemon(learner, length, **NAMES) for _ in range(2))
    processor, row = EventProcessor(ours), [0.1, 0.2, 0.3, 0.4, 0.5]
    ask(processor, {"id": 1, "observation": row})
    assert labelled(processor, 1, {"b": 1.0})["step"] == 1
    # One head that has learned makes the line wrong, and the others learn nothing from it.
    assert "targets.b" in labelled(processor, 1, {"a": 0.5, "b": 1.0})["error"]
    assert labelled(processor, 1, {"a": 0.5, "b": None})["step"] == 2
    assert labelled(processor, 1, {"c": -1.0})["step"] == 3
    assert all("error" in labelled(processor, 1, {head: 0.0}) for head in "abc")
    for targets in ([np.nan, 1.0, np.nan], [0.5, np.nan, np.nan], [np.nan, np.nan, -1.0]):
        other.step(row, targets)
    same_but_for_clocks(ours.state, other.state)


def test_a_label_may_be_learned_again_if_that_is_said():
    """The second is learned on top of the first: nothing is unlearned."""
    ours, other = small(), small()
    processor = EventProcessor(ours)
    ask(processor, {"id": 1, "observation": [3, 4], "targets": [5]})
    found = ask(processor, {"id": 1, "targets": [6], "relabel": True})
    assert (found["step"], found["rejected"]) == (2, False)
    assert "error" in ask(processor, {"id": 1, "targets": [6], "relabel": False})
    other.step([3, 4], [5])
    other.step([3, 4], [6])
    same_but_for_clocks(ours.state, other.state)
    for wrong in ({"relabel": 1}, {"relabel": True, "observation": [3, 4]}):
        assert ask(processor, {"id": 1, "targets": [6]} | wrong)["error"].startswith("relabel: ")
    assert "id: " in ask(processor, {"id": 2, "targets": [6], "relabel": True})["error"]


def test_a_label_that_was_rejected_may_be_corrected():
    ours = small()
    processor = EventProcessor(ours)
    ask(processor, {"id": 1, "observation": [3, 4]})
    assert labelled(processor, 1, [1e39])["rejected"]
    assert labelled(processor, 1, [5])["rejected"] is False
    assert "error" in labelled(processor, 1, [5])


def test_an_id_that_is_used_again_is_another_event():
    ours = small()
    processor = EventProcessor(ours)
    for step in (1, 2, 3):
        ask(processor, {"id": 1, "observation": [step, 4]})
        assert labelled(processor, 1, [5])["step"] == step


NULLS = {"one": [None], "none": {}, "named": {"y": None}, "nan": [float("nan")]}


@pytest.mark.parametrize("targets", NULLS.values(), ids=NULLS)
@pytest.mark.parametrize("how", ["at once", "later"])
def test_a_null_label_is_no_label(targets, how):
    ours = small(head_names=["y"])
    processor = EventProcessor(ours)
    ask(processor, {"observation": [1, 2], "targets": [1]})
    before = ours.state
    expected = ask(processor, {"id": 5, "observation": [3, 4]})
    event = {"id": 5, "observation": [3, 4]} if how == "at once" else {"id": 5}
    found = ask(processor, event | {"targets": targets})
    assert found == expected and (found["rejected"], found["step"]) == (False, 1)
    same_but_for_clocks(ours.state, before)
    # It is still open for one.
    assert labelled(processor, 5, [1])["step"] == 2


def test_targets_of_many_heads_that_are_all_null_are_no_label():
    learner, length, _ = LEARNERS["multi-head"]
    ours = Daemon(learner, length, **NAMES)
    before = ours.state
    for targets in ([None] * 3, {}, {"a": None}):
        found = ask(EventProcessor(ours), {"observation": [1, 2, 3, 4, 5], "targets": targets})
        assert (found["rejected"], found["step"]) == (False, 0)
    same_but_for_clocks(ours.state, before)


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("token", ["1e39", "-1e400", "Infinity", "NaN"])
def test_an_event_that_cannot_be_predicted_is_rejected(name, token):
    """Whether it brings a label or not."""
    ours = daemon(name)
    processor, before, last = EventProcessor(ours), ours.state, ours.last_observation
    numbers = ",".join([token, *["1"] * (dim(name) - 1)])
    found = strict(processor.answer(f'{{"observation":[{numbers}]}}', 5))
    assert (found["rejected"], found["step"], ours.steps) == (True, 0, 0)
    assert found["predictions"] == [None] * heads(name)
    same_but_for_clocks(ours.state, before)
    assert ours.last_observation is last
    assert ask(processor, {"observation": [1] * dim(name)})["rejected"] is False


def test_a_prediction_that_overflows_is_rejected():
    """Its observation is finite; what the weights make of it is not."""
    ours = Daemon(af.LinearLearner(af.LMS(0.1)), 1)
    processor = EventProcessor(ours)
    for _ in range(3):
        ask(processor, {"observation": [2], "targets": [50]})
    found = ask(processor, {"observation": [3e38]})
    assert (found["rejected"], found["predictions"]) == (True, [None])


EXACT = [0, 2**24, -(2**24), 2**24 + 2, 10**9, 2**60, -(2**127), 2**128 - 2**104]
LOST = [2**24 + 1, -(2**24) - 1, 2**25 + 2, 1_700_000_001, 10**20 + 1, 2**128, 10**39, 10**400]


@pytest.mark.parametrize("field", ["observation", "targets"])
@pytest.mark.parametrize("value", EXACT)
def test_an_integer_that_float32_holds_is_taken(field, value):
    event = {"observation": [1, 2], "targets": [1]}
    event[field] = [value, *event[field][1:]]
    parsed = EventSchema(2, 1).parsed(json.dumps(event))
    assert int(getattr(parsed, field)[0]) == value


@pytest.mark.parametrize("field", ["observation", "targets"])
@pytest.mark.parametrize("value", LOST)
def test_an_integer_that_float32_cannot_hold_is_refused_by_name(field, value):
    """The last digits of an identifier, or of a time, are what tells it from another."""
    ours = small(feature_names=["user", "b"], head_names=["y"])
    processor = EventProcessor(ours)
    event = {"observation": {"user": 1, "b": 2}, "targets": {"y": 1}}
    name = next(iter(event[field]))
    event[field][name] = value
    found = ask(processor, event, 3)
    assert found["error"].startswith(f"{field}.{name}: ") and "float32" in found["error"]
    assert len(found["error"]) < 400 and ours.steps == 0
    if abs(value) < 2**60:
        event[field][name] = float(value)  # a fraction is rounded, as all are
        assert ask(processor, event)["rejected"] is False


LOSSES = {
    "by head": (
        af.MultiHeadMLPLearner(2, (), loss=("logistic", "squared")),
        {"a": 2, "b": 1},
        "targets.a: 2 is no probability",
    ),
    "softmax": (
        af.MultiHeadMLPLearner(2, (), loss="softmax"),
        {"a": 0.9, "b": 0.6},
        "targets: 1.5 is more than probabilities add up to",
    ),
    "classes": (
        af.SoftmaxLinearLearner(2),
        [2],
        "targets.0: 2 is the number of no class, 0 to 1",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_target_that_the_loss_does_not_allow_is_rejected_with_a_reason(name):
    learner, targets, reason = LOSSES[name]
    ours = Daemon(learner, 2, head_names=["a", "b"])
    processor, before = EventProcessor(ours), ours.state
    with count_compilations() as seen:
        found = ask(processor, {"id": 1, "observation": [1, 2], "targets": targets})
        assert (found["rejected"], found["reason"]) == (True, reason)
        # It was not learned: the label that is right comes under the same id.
        right = [1] if name == "classes" else {"a": 1, "b": 0}
        again = ask(processor, {"id": 1, "targets": right})
        assert not again["rejected"] and "reason" not in again
    assert len(seen) == 0 and ours.state.step_count == before.step_count + 1


@pytest.mark.parametrize(
    "event, reason",
    [
        (
            {"observation": [1e39, 2], "targets": [1]},
            "observation.a:",
        ),
        ({"observation": [1, -1e39]}, "observation.b:"),
        ({"observation": [1, 2], "targets": [1e39]}, "targets.0:"),
        (
            {"observation": [1e38, 1e38], "targets": [-1e38]},
            "the learner's numbers would not be finite",
        ),
    ],
)
def test_what_is_rejected_has_a_reason(event, reason):
    learner = af.LinearLearner(af.LMS(1.0))
    found = ask(EventProcessor(Daemon(learner, 2, feature_names=["a", "b"])), event)
    assert found["rejected"] and found["reason"].startswith(reason)
    assert reason.startswith("the") or found["reason"].endswith(": is no finite number of float32")
