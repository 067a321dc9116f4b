"""Events of named fields in daemons: their features move on with what is learned, and only then."""

import datetime
import json

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.daemon import Daemon, EventProcessor
from alberta_framework.daemon.event_rows import event_recorded, recorded_fields
from tests.event_features.cases import FEATURES, FIELDS, drawn

from .agents import same_life
from .daemons import GAMMA
from .test_events import ask

LEARNER = af.LinearLearner(normalizer=af.EMANormalizer())
TD = af.TDLinearLearner(normalizer=af.EMANormalizer(clip=10.0))
AGENT = af.SARSAAgent(af.SARSAConfig(2), (4,))
BAD = {"ok": "perhaps"}


def made(kind="examples", **options):
    if kind == "transitions":
        return Daemon(TD, features=FEATURES, gamma=GAMMA, **options)
    learner = {"examples": LEARNER, "agent": AGENT}[kind]
    return Daemon(learner, features=FEATURES, **options)


def learn(ours, number, event):
    """An event that is learned from; of transitions some end an episode."""
    if ours.acts:
        return ours.act(event, float(number % 3), terminated=number % 7 == 6)
    return ours.step(event, [float(number % 3)], number % 7 == 6)


def carried(ours):
    """What the features carry on, all of it."""
    return json.dumps(FEATURES.stored(ours.features_state), sort_keys=True)


@pytest.fixture(scope="module", params=["examples", "transitions", "agent"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def kept(kind):
    """One for all tests of a kind, which has lived."""
    ours = made(kind)
    for number, event in enumerate(drawn(20)):
        learn(ours, number, event)
    return ours


def test_an_event_that_is_learned_from_moves_the_features_on(kept):
    before = carried(kept)
    learn(kept, 0, drawn(1, seed=9)[0])
    assert carried(kept) != before
    assert kept.report()["features"]["events"] == kept.steps


def test_an_event_that_is_only_predicted_changes_nothing(kept):
    event = {"load": 1.0, "host": "never seen", "at": 1_900_000_000_000}
    before, state = carried(kept), kept.state
    if kept.acts:
        kept.act(event, learn=False)
    else:
        kept.predict(event)
        kept.step(event)
        kept.event_row(event)
    assert carried(kept) == before
    same_life(kept.state, state)


def test_an_event_that_was_rejected_changes_nothing(kept):
    before, steps = carried(kept), kept.steps
    found = kept.act({}, np.inf) if kept.acts else kept.step({"host": "new"}, [np.inf])
    assert found.rejected and kept.steps == steps + 1
    assert carried(kept) == before
    learn(kept, 0, {})
    assert carried(kept) != before


def test_a_bad_event_changes_nothing(kept):
    before, state, steps = carried(kept), kept.state, kept.steps
    for bad, error in ((BAD, af.FieldError), ([0.0] * FEATURES.feature_dim, TypeError)):
        with pytest.raises(error, match=r"ok: must be|must be a mapping"):
            learn(kept, 0, bad)
    assert (carried(kept), kept.steps) == (before, steps)
    same_life(kept.state, state)


def test_a_restart_changes_no_bit(kind, tmp_path):
    path, events = tmp_path / "agent.ckpt", drawn(30, seed=4)
    whole = made(kind)
    for number, event in enumerate(events):
        learn(whole, number, event)
    with made(kind, checkpoint=path) as first:
        for number, event in enumerate(events[:17]):
            learn(first, number, event)
    second = made(kind, checkpoint=path)
    assert carried(second) == carried(first)
    for number, event in enumerate(events[17:], 17):
        learn(second, number, event)
    assert carried(second) == carried(whole)
    same_life(second.state, whole.state)


def test_a_frozen_daemon_carries_on_what_one_that_learns_does(kind, tmp_path):
    """Lags, differences and times would else be those of the last event before the checkpoint."""
    path, events = tmp_path / "agent.ckpt", drawn(40, seed=5)
    with made(kind, checkpoint=path) as learning:
        for number, event in enumerate(events[:20]):
            learn(learning, number, event)
        learning.save()
        frozen = made(kind, checkpoint=path, frozen=True)
        state = frozen.state
        for number, event in enumerate(events[20:], 20):
            learn(learning, number, event)
            learn(frozen, number, event)
            assert carried(frozen) == carried(learning)
    before = carried(frozen)
    found = frozen.act({}, np.inf) if frozen.acts else frozen.step({}, [np.inf])
    assert found.step == 20
    assert not (frozen.act({}, learn=False) if frozen.acts else frozen.step({})).rejected
    with pytest.raises(af.FieldError):
        learn(frozen, 0, BAD)
    assert carried(frozen) == before and frozen.steps == 20
    same_life(frozen.state, state)


def test_a_label_that_comes_later_moves_a_frozen_daemon_on_once(tmp_path):
    path, events = tmp_path / "agent.ckpt", drawn(3)
    made(checkpoint=path).close()
    frozen, learning = made(checkpoint=path, frozen=True), made()
    for ours in (frozen, learning):
        processor = EventProcessor(ours)
        for number, event in enumerate(events):
            ask(processor, {"id": number, "observation": event})
        for number in (1, 0, 2):
            ask(processor, {"id": number, "targets": [1.0]})
        ask(processor, {"id": 0, "targets": [2.0], "relabel": True})
    assert carried(frozen) == carried(learning)


def test_numbers_that_json_does_not_know_are_recorded():
    event = {"load": np.inf, "host": np.float32(-np.inf), "ok": True, "user": np.nan}
    told = json.loads(recorded_fields(FEATURES, event), parse_constant=pytest.fail)
    assert event_recorded(told) == event | {"host": -np.inf, "user": None}


def test_the_rows_are_those_of_the_features_alone():
    ours, plain = made(), Daemon(LEARNER, FEATURES.feature_dim)
    state = FEATURES.init()
    for number, event in enumerate(drawn(20)):
        row, state = FEATURES.see(state, event)
        assert ours.predict(event).tobytes() == plain.predict(row).tobytes()
        found, expected = (
            learn(each, number, seen) for each, seen in ((ours, event), (plain, row))
        )
        assert found.predictions.tobytes() == expected.predictions.tobytes()
    same_life(ours.state, plain.state)


def test_a_label_that_comes_later_is_learned_on_the_row_as_it_was():
    learner = af.MultiHeadMLPLearner(n_heads=2, hidden_sizes=(), sparsity=0.0)
    ours = Daemon(learner, features=FEATURES, head_names=["a", "b"])
    plain = Daemon(learner, FEATURES.feature_dim)
    processor = EventProcessor(ours)
    one, other = {"host": "x", "load": 1.0}, {"host": "y", "load": 7.0}
    first, second = ours.event_row(one).features, ours.event_row(other).features
    assert ask(processor, {"id": 1, "observation": one})["step"] == 0
    ask(processor, {"id": 2, "observation": other})
    assert ours.report()["features"]["events"] == 0
    nan = float("nan")
    for number, targets, row in ((2, [3.0, None], second), (1, [1.0, 2.0], first)):
        found = ask(processor, {"id": number, "targets": targets})
        expected = plain.step(row, [nan if target is None else target for target in targets])
        np.testing.assert_array_equal(list(found["predictions"].values()), expected.predictions)
    assert ours.report()["features"]["events"] == 2
    # The other head of an event that was counted already.
    ask(processor, {"id": 2, "targets": [None, 4.0]})
    assert ours.steps == 3 and ours.report()["features"]["events"] == 2
    assert [name for name in relevant(ours) if "=" in name] == ["host=y", "host=x"]


def relevant(ours):
    return list(ours.report()["relevance"]["per_head"]["a"]["weight_relevance"])


def test_a_recording_holds_the_rows_and_the_fields(kind, tmp_path):
    """A replay gives the learner's state and the features', from the beginning or from a checkpoint
    on: through events that are predicted only, rejected or mistakes."""
    path, recording = tmp_path / "agent.ckpt", tmp_path / "events.jsonl"
    ours = made(kind, record=recording, checkpoint=path)
    for number, event in enumerate(drawn(12)):
        learn(ours, number, event)
        if ours.acts:
            ours.act({"host": "seen only"}, learn=False)
            ours.act({"host": "rejected"}, np.inf)
        else:
            ours.step({"host": "seen only"})
            ours.step({"host": "rejected"}, [np.inf])
        with pytest.raises(af.FieldError):
            learn(ours, number, BAD)
        if number == 5:
            ours.save()
    for start in (None, path):
        again = af.replay_daemon(recording, start=start)
        same_life(again.state, ours.state)
        assert carried(again) == carried(ours)
        assert again.report()["features"] == ours.report()["features"]
    assert "seen only" not in recording.read_text()
    _, *lines = recording.read_text().splitlines()
    assert len(lines) == ours.steps and all("fields" in json.loads(line) for line in lines)


def test_late_labels_are_recorded_as_they_were_learned(tmp_path):
    recording = tmp_path / "events.jsonl"
    learner = af.MultiHeadMLPLearner(n_heads=2, hidden_sizes=(), sparsity=0.0)
    ours = Daemon(learner, features=FEATURES, record=recording)
    processor = EventProcessor(ours)
    for number, event in enumerate(drawn(6)):
        ask(processor, {"id": number, "observation": event})
    for number, targets in ((4, [1.0, None]), (0, [1.0, 2.0]), (4, [None, 2.0]), (2, [0.5, 0.5])):
        assert "step" in ask(processor, {"id": number, "targets": targets})
    again = af.replay_daemon(recording)
    same_life(again.state, ours.state)
    assert carried(again) == carried(ours)
    # The other head's label moves nothing on.
    assert again.features_state.events == 3 and again.steps == 4


@pytest.mark.parametrize(
    "event",
    [
        {"load": np.float32(0.1), "host": np.str_("NaN Infinity"), "ok": np.bool_(True)},
        {"load": np.int16(3), "host": 7, "at": np.datetime64("2030-01-31T10:00:00.123456789")},
        {"at": datetime.datetime(2030, 1, 31, 12, 0, 0, 1), "host": "ü\n\ud800", "ok": 1},
        {"at": datetime.datetime(2030, 1, 31, tzinfo=datetime.timezone(datetime.timedelta(0, 5)))},
        {"at": 1_700_000_000_123.25, "load": None, "undeclared": object(), "other": float("nan")},
        {},
    ],
    ids=range(6),
)
def test_values_of_every_kind_are_recorded(event, tmp_path):
    """From Python they may be what JSON does not know; of undeclared ones the name is told."""
    recording = tmp_path / "events.jsonl"
    ours = made(record=recording)
    for number, each in enumerate([drawn(1)[0], event, event, drawn(2)[1]]):
        learn(ours, number, each)
    assert ours.report(brief=True)["failed_records"] == 0
    again = af.replay_daemon(recording)
    assert carried(again) == carried(ours)
    same_life(again.state, ours.state)
    for line in recording.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_a_shadow_learns_from_the_same_rows(tmp_path):
    with made(checkpoint=tmp_path / "agent.ckpt") as first:
        for number, event in enumerate(drawn(12)):
            learn(first, number, event)
    ours = made(checkpoint=tmp_path / "agent.ckpt")
    shadow = af.shadow_of(ours, tmp_path / "agent.ckpt")
    ours.be_shadowed(shadow)
    for number, event in enumerate(drawn(12, seed=8)):
        learn(ours, number, event)
    same_life(shadow.state, ours.state)


@pytest.mark.parametrize("observation", [[1.0], "load", 3], ids=str)
def test_a_line_with_another_observation_is_a_mistake(kept, observation):
    answer = ask(EventProcessor(kept), {"id": 5, "observation": observation})
    assert answer["id"] == 5 and "observation: must be an object of fields" in answer["error"]


def test_a_line_with_a_bad_field_is_a_mistake(kept):
    before, processor = carried(kept), EventProcessor(kept)
    event = {"id": 6, "observation": BAD} | ({"reward": 1.0} if kept.acts else {"targets": [1.0]})
    error = "observation.ok: must be true, false or null, got 'perhaps'"
    assert ask(processor, event) == {"id": 6, "line": 1, "error": error}
    assert carried(kept) == before
    later = {"id": 6, "targets": [1.0]}
    if not kept.learns_transitions and not kept.acts:
        assert "no event 6" in ask(processor, later)["error"]


def test_the_checkpoint_knows_its_fields(tmp_path):
    path = tmp_path / "agent.ckpt"
    with made(checkpoint=path) as first:
        learn(first, 1, drawn(1)[0])
    # None given: those of the checkpoint. What becomes of others may change.
    given = Daemon(LEARNER, FEATURES.feature_dim, checkpoint=path)
    assert given.features == FEATURES and carried(given) == carried(first)
    given.close()
    strict = af.EventFeatures(FIELDS, extra="error")
    Daemon(LEARNER, features=strict, checkpoint=path).close()
    lags = af.NumberField("load", lags=(1, 4), difference=True, missing=True)
    other = af.EventFeatures((lags, *FIELDS[1:]))
    told = r"features.fields\[0\].lags\[1\] is 3 there, 4 here; the weights of the checkpoint"
    with pytest.raises(ValueError, match=told):
        Daemon(LEARNER, features=other, checkpoint=path)
    # What a number may be can become known later: the numbers that are made stay what they were.
    bounded = af.NumberField("load", (1, 3), True, missing=True, low=-9, rounded=True)
    with Daemon(
        LEARNER, features=af.EventFeatures((bounded, *FIELDS[1:])), checkpoint=path
    ) as later:
        learn(later, 1, drawn(1)[0] | {"load": -9999})
        assert later.features_state.missing[0] == 1 + (drawn(1)[0].get("load") is None)


@pytest.mark.parametrize(
    "options, told",
    [
        ({"features": [1]}, "`features` must be an EventFeatures"),
        ({"features": FEATURES, "feature_dim": 3}, "`feature_dim` must be"),
        ({"features": FEATURES, "feature_names": ["a"]}, "`feature_names` must be those"),
        ({}, "`feature_dim` must be an integer"),
    ],
)
def test_arguments(options, told):
    with pytest.raises((TypeError, ValueError), match=told):
        Daemon(LEARNER, **options)


def test_without_features_there_are_no_rows_of_events():
    with pytest.raises(TypeError, match="there are no `features`"):
        Daemon(LEARNER, 2).event_row({"load": 1})
