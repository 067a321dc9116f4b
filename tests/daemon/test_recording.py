"""A life that was recorded can be lived again, bit for bit, and one that is frozen stands still."""

import json
import logging
import os

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import CheckpointError
from alberta_framework.daemon import Daemon, replay_daemon
from alberta_framework.daemon.metrics_file import prometheus_text

from . import agents
from .daemons import daemon, events, same_but_for_clocks, small, small_events
from .test_divergence import bare, calm, run_away, told


@pytest.mark.parametrize("name", ["multi-head", "td"])
def test_it_is_the_same_life(name, tmp_path):
    path, rows = tmp_path / "events.jsonl", events(name, 30, seed=2)
    rows[7] = (rows[7][0] * np.nan, *rows[7][1:])
    rows[9] = (rows[9][0], rows[9][1] * np.inf, False)
    ours = daemon(name, record=path)
    for number, row in enumerate(rows):
        ours.step(*row)
        if number % 3 == 0:
            ours.step(row[0])  # predicted only, which changes nothing
    again = replay_daemon(path)
    same_but_for_clocks(again.state, ours.state)
    assert (again.steps, again.checkpoint) == (30, None)
    np.testing.assert_array_equal(again.last_observation, ours.last_observation)
    lines = path.read_text().splitlines()
    assert len(lines) == 31

    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    assert [json.loads(line, parse_constant=refuse).get("step") for line in lines[1:]] == [
        *range(1, 31)
    ]


def test_the_life_of_an_agent(tmp_path):
    path = tmp_path / "events.jsonl"
    ours = agents.daemon("Lever", record=path)
    for row in agents.events(40):
        ours.act(*row)
    ours.act(np.ones(agents.DIM), np.nan)
    ours.act(np.ones(agents.DIM), learn=False)
    again = replay_daemon(path)
    agents.same_life(again.state, ours.state)
    assert again.report()["episodes"] == ours.report()["episodes"]


def test_what_a_crash_took_back_is_not_lived(tmp_path):
    """A torn line, and events that come again from the checkpoint on, other ones at that."""
    path, checkpoint, rows = tmp_path / "events.jsonl", tmp_path / "agent.ckpt", small_events(40)
    first = small(record=path, checkpoint=checkpoint)
    for row in rows[:10]:
        first.step(*row)
    first.save()
    start = tmp_path / "start.ckpt"
    first.save_to(start)
    for row in rows[10:15]:
        first.step(*row)
    del first
    with path.open("ab") as file:
        file.write(b'{"step":16,"observa')
    second = small(record=path, checkpoint=checkpoint)
    assert second.steps == 10
    for row in rows[20:]:
        second.step(*row)
    same_but_for_clocks(replay_daemon(path).state, second.state)
    same_but_for_clocks(replay_daemon(path, start=start).state, second.state)
    # A recording that goes on from a checkpoint needs it.
    later = tmp_path / "later.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    later.write_text(lines[0] + "".join(line for line in lines[17:]))
    with pytest.raises(ValueError, match="begins with event 11; without `start`"):
        replay_daemon(later)
    same_but_for_clocks(replay_daemon(later, start=start).state, second.state)
    later.write_text("".join([*lines[:4], *lines[6:9]]))
    with pytest.raises(ValueError, match="event 4 to 5 was not recorded"):
        replay_daemon(later)
    with pytest.raises(ValueError, match="is no recording"):
        replay_daemon(start)


@pytest.mark.parametrize("way", ["restore", "reset"])
def test_recoveries_are_lived_again(way, tmp_path):
    path = tmp_path / "events.jsonl"
    ours = bare(record=path, checkpoint=tmp_path / "agent.ckpt", keep=2, on_divergence=way)
    for seed in range(2):
        calm(ours, seed=seed)
        ours.save()
    for _ in range(3):
        run_away(ours)
    calm(ours)
    again = replay_daemon(path)
    same_but_for_clocks(again.state, ours.state)
    assert told(again) == told(ours) and told(ours)["diverged"] == 3


def test_a_recording_is_of_one_life(tmp_path):
    path = tmp_path / "events.jsonl"
    small(record=path).step([1, 2], [3])
    with pytest.raises(ValueError, match=r"`record`.* is of another life: learner"):
        Daemon(af.LinearLearner(), 2, record=path)
    named = tmp_path / "fields.jsonl"

    def bounded(low):
        fields = af.NumberField("x", low=low), af.BooleanField("ok")
        return Daemon(af.LinearLearner(), features=af.EventFeatures(fields), record=named)

    bounded(0.0)
    told = r"another life: features\.\S+\.0\.low is 0\.0 there, got 1\.0; choose"
    with pytest.raises(ValueError, match=told):
        bounded(1.0)
    path.write_text("mine")
    with pytest.raises(ValueError, match=r"`record`.*is no recording"):
        small(record=path)
    assert path.read_text() == "mine"
    with pytest.raises(OSError):
        small(record=tmp_path / "missing" / "events.jsonl")


def test_an_event_that_cannot_be_recorded_is_learned_and_told(tmp_path, monkeypatch, caplog):
    path, rows = tmp_path / "events.jsonl", small_events(6)
    ours, write = small(record=path), os.write

    def full(descriptor, data):
        if descriptor == ours._recording._descriptor and b'"step":3' in data:
            write(descriptor, data[:5])
            return 5
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    with caplog.at_level(logging.ERROR):
        for row in rows:
            ours.step(*row)
    assert ours.steps == 6 and ours.report()["failed_records"] == len(caplog.records) == 1
    assert "alberta_failed_records_total 1.0" in prometheus_text(ours.report(brief=True))
    with pytest.raises(ValueError, match="event 3 was not recorded"):
        replay_daemon(path)


def test_a_disk_that_takes_no_recording_does_not_fill_the_log(tmp_path, monkeypatch, caplog):
    """The first event that is missing is told, and that they are written again."""
    ours, rows = small(record=tmp_path / "events.jsonl"), small_events(40)

    def full(descriptor, data):
        raise OSError("no space left")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(os, "write", full)
        for row in rows[:30]:
            ours.step(*row)
    for row in rows[30:]:
        ours.step(*row)
    assert [text.partition("events.jsonl")[2] for text in caplog.messages] == [
        ": was not recorded, going on: no space left",
        ": is recorded again, after 30 that failed",
    ]
    assert ours.steps == 40 and ours.report()["failed_records"] == 30


@pytest.mark.parametrize("cut, known", [(5, 5), (1, 6), (0, 6)])
def test_a_recording_that_is_cut_off_says_so(cut, known, tmp_path, caplog):
    path, rows = tmp_path / "events.jsonl", small_events(6)
    ours = small(record=path)
    for row in rows:
        ours.step(*row)
    octets = path.read_bytes()
    path.write_bytes(octets[: len(octets) - cut])
    with caplog.at_level(logging.WARNING):
        again = replay_daemon(path)
    told = [record.getMessage() for record in caplog.records]
    assert again.steps == known
    assert len(told) == (cut > 0)
    if told:
        assert f"after event {known} nothing is known" in told[0]


def test_a_frozen_daemon_learns_nothing_and_leaves_the_checkpoint_to_others(tmp_path):
    path, rows = tmp_path / "agent.ckpt", small_events(40)
    with pytest.raises(CheckpointError, match="frozen"):
        small(checkpoint=path, frozen=True)
    with small(checkpoint=path) as live:
        for row in rows:
            live.step(*row)
        live.save()
        frozen = small(checkpoint=path, frozen=True)
        before = frozen.state
        for observation, target in rows:
            found = frozen.step(observation, target)
            np.testing.assert_array_equal(found.predictions, live.predict(observation))
            assert (found.step, found.rejected) == (40, False)
        assert frozen.step([np.nan, 1.0], [1.0]).rejected
        same_but_for_clocks(frozen.state, before)
        report = frozen.report(brief=True)
        assert (report["frozen"], report["events_not_learned"]) == (True, 41)
        assert report["events_without_label"] == 0
        assert report["losses"]["heads"]["0"]["latest"]["events"] == 40
        frozen.close()
        live.step(*rows[0])
    with pytest.raises(ValueError, match="frozen"):
        frozen.save()
    for wrong in ({}, {"checkpoint": path, "resume": False}, {"checkpoint": path, "frozen": 2}):
        with pytest.raises((TypeError, ValueError), match="`frozen`"):
            small(**{"frozen": True} | wrong)
    with pytest.raises(ValueError, match="`frozen`"):
        small(checkpoint=path, frozen=True, checkpoint_every=3)
    with pytest.raises(ValueError, match="`frozen` one learns nothing that it could `record`"):
        small(checkpoint=path, frozen=True, record=tmp_path / "events.jsonl")
    assert not (tmp_path / "events.jsonl").exists()
