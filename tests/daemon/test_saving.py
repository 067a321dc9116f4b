"""When a daemon saves, and that it never writes two checkpoints at once."""

import json
import os
import threading
import time

import pytest

from alberta_framework.checkpoints import (
    checkpoint_exists,
    list_checkpoints,
    load_agent,
    load_checkpoint_metadata,
    verify_checkpoint,
)
from alberta_framework.daemon import Daemon, EventProcessor

from .daemons import (
    LEARNERS,
    daemon,
    events,
    kept,
    same_but_for_clocks,
    small,
    small_events,
)

PATIENCE = 30  # seconds, for a machine that is busy with other tests


def wait_until(happened):
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def saved_steps(path):
    """Step count of the state that lies at `path`; None without one."""
    return load_agent(path)[1].step_count if checkpoint_exists(path) else None


def test_a_save_every_so_many_events(tmp_path):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every=5)
    rows = small_events(17)
    for number, row in enumerate(rows, 1):
        ours.step(*row)
        due = 5 * (number // 5)
        if number % 5 == 0:
            wait_until(lambda due=due: saved_steps(path) == due)
        assert saved_steps(path) == (due or None)
    verify_checkpoint(path)


def test_rejected_events_count_towards_a_save_and_predictions_do_not(tmp_path):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every=4)
    rows = small_events(4)
    for observation, _ in rows:
        ours.step(observation)
        ours.predict(observation)
    for observation, target in rows[:3]:
        ours.step(observation, target)
    assert not path.exists()
    ours.step(rows[3][0] * float("nan"), rows[3][1])
    wait_until(path.exists)
    _, state, _ = load_agent(path)
    assert (state.step_count, state.rejected_count) == (3, 1)


def test_a_save_every_so_many_seconds(tmp_path):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every_s=0.2)
    rows = small_events(3)
    time.sleep(0.25)
    ours.step(*rows[0])
    wait_until(lambda: saved_steps(path) == 1)
    time.sleep(0.25)
    ours.step(*rows[1])
    wait_until(lambda: saved_steps(path) == 2)


def test_nothing_is_saved_unasked(tmp_path):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path)
    for row in small_events(50):
        ours.step(*row)
    time.sleep(0.05)
    assert [file.name for file in tmp_path.iterdir()] == ["agent.ckpt.lock"]
    ours.save()
    assert saved_steps(path) == 50


def test_the_context_manager_saves_after_an_error_too(tmp_path):
    path = tmp_path / "agent.ckpt"
    rows = small_events(3)
    with small(checkpoint=path) as ours:
        assert isinstance(ours, Daemon)
        ours.step(*rows[0])
    assert saved_steps(path) == 1
    with pytest.raises(RuntimeError, match="mine"), small(checkpoint=path) as ours:
        ours.step(*rows[1])
        raise RuntimeError("mine")
    assert saved_steps(path) == 2
    with kept("linear"):
        pass  # nowhere to save to


class SlowDisk:
    """Its writers wait until the gate is open; how many came, and how many were there at once."""

    def __init__(self):
        self.gate, self.entered = threading.Event(), threading.Event()
        self.lock, self.calls, self.now, self.most = threading.Lock(), 0, 0, 0
        self.fsync = os.fsync

    def slow_fsync(self, descriptor):
        with self.lock:
            self.calls += 1
            self.now += 1
            self.most = max(self.most, self.now)
        self.entered.set()
        assert self.gate.wait(PATIENCE)
        try:
            self.fsync(descriptor)
        finally:
            with self.lock:
                self.now -= 1


@pytest.fixture
def disk(monkeypatch):
    slow = SlowDisk()
    monkeypatch.setattr(os, "fsync", slow.slow_fsync)
    yield slow
    slow.gate.set()


def test_events_go_on_while_one_disk_is_written(tmp_path, disk):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every=1)
    for number, row in enumerate(small_events(40), 1):
        assert ours.step(*row).step == number  # nobody opened the gate: no step waits for the disk
    assert disk.entered.wait(PATIENCE)
    assert (disk.calls, disk.most) == (1, 1)
    disk.gate.set()
    wait_until(path.exists)
    ours.save()
    assert disk.most == 1
    assert saved_steps(path) == 40


def test_a_save_that_was_due_meanwhile_follows(tmp_path, disk):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every=3)
    rows = small_events(8)
    for row in rows[:7]:
        ours.step(*row)
    assert disk.entered.wait(PATIENCE)
    disk.gate.set()
    wait_until(lambda: saved_steps(path) == 3)
    wait_until(lambda: disk.now == 0)
    ours.step(*rows[7])
    wait_until(lambda: saved_steps(path) in (7, 8))
    assert disk.most == 1


def test_a_blocking_save_waits_for_the_one_that_is_being_written(tmp_path, disk):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every=2)
    for row in small_events(3):
        ours.step(*row)
    assert disk.entered.wait(PATIENCE)
    threading.Timer(0.1, disk.gate.set).start()
    ours.save()
    assert (saved_steps(path), disk.most) == (3, 1)


def test_a_saved_state_is_of_one_moment(tmp_path):
    """Events that come while a checkpoint is being written leave no trace in it."""
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every=20)
    states = {}
    for row in small_events(400):
        ours.step(*row)
        states[ours.steps] = ours.state
        if checkpoint_exists(path):
            _, state, _ = load_agent(path)
            same_but_for_clocks(state, states[state.step_count])
    assert len(states) == 400


@pytest.mark.parametrize("name", LEARNERS)
def test_the_checkpoint_is_an_agent(name, tmp_path):
    """Learner, state and counts come back with the functions for checkpoints alone."""
    path = tmp_path / "deep" / "agent.ckpt"
    ours = daemon(name, checkpoint=path)
    for row in events(name, 9):
        ours.step(*row)
    ours.save()
    learner, state, metadata = load_agent(path)
    assert learner.to_config() == LEARNERS[name][0].to_config()
    same_but_for_clocks(state, ours.state)
    assert metadata == load_checkpoint_metadata(path)
    assert state.birth_timestamp == ours.state.birth_timestamp
    assert list_checkpoints(path) == [path]


def test_as_many_files_are_kept_as_asked(tmp_path):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, keep=3)
    for row in small_events(5):
        ours.step(*row)
        ours.save()
    ours.close()
    assert [saved_steps(file) for file in list_checkpoints(path)] == [5, 5, 4]
    assert len(list(tmp_path.iterdir())) == 3


def test_what_is_only_predicted_brings_a_save_that_is_late(tmp_path, monkeypatch):
    """Of what was learned, and of events that wait for labels; of nothing that is saved already."""
    clock, path = [1000.0], tmp_path / "agent.ckpt"
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    ours = small(checkpoint=path, checkpoint_every_s=30.0)
    client = EventProcessor(ours, client="web")

    def ask(number, **more):
        clock[0] += 20.0
        client.answer(json.dumps({"id": number, "observation": [1, 2], **more}), number)
        if ours._saving._under_way is not None:
            ours._saving._under_way.result()
        return path.stat().st_mtime_ns if path.exists() else None

    assert ask(1, targets=[3]) is None
    first = ask(2)
    assert first is not None and load_agent(path)[1].step_count == 1
    ask(3)
    assert ask(4) > first
    last = path.read_bytes()
    for _ in range(3):
        clock[0] += 40.0
        ours.step([1, 2])
    assert path.read_bytes() == last
    ours.close()
