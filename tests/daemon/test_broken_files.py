"""A checkpoint that another program breaks while the daemon runs costs no event and no file."""

import time

import pytest

from alberta_framework.checkpoints import (
    checkpoint_exists,
    list_checkpoints,
    load_agent,
    save_checkpoint,
)

from .daemons import same_but_for_clocks, small, small_events

PATIENCE = 60  # seconds, for a machine that is busy with other tests


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


BREAKS = {
    "emptied": lambda path: path.write_bytes(b""),
    "foreign": lambda path: path.write_bytes(b"my diary\n"),
    "cut short": cut,
    "removed": lambda path: path.unlink(),
}


def saved(path):
    return load_agent(path)[1].step_count


def saved_in_time(path):
    deadline = time.monotonic() + PATIENCE
    while not checkpoint_exists(path) or saved(path) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("how", BREAKS)
def test_a_due_save_replaces_what_was_broken(how, tmp_path, caplog):
    path, rows = tmp_path / "agent.ckpt", small_events(8)
    ours = small(checkpoint=path, checkpoint_every=2, keep=2)
    ours.step(*rows[0])
    ours.save()
    ours.save()
    BREAKS[how](path)
    broken = path.read_bytes() if path.exists() else None
    for number, row in enumerate(rows[1:], 2):
        assert ours.step(*row).step == number
    saved_in_time(path)
    ours.save()
    assert (saved(path), ours.report()["checkpoint"]["failed_saves"]) == (8, 0)
    aside = path.with_name("agent.ckpt.damaged")
    if broken is None:
        assert not aside.exists() and caplog.text == ""
    else:
        assert aside.read_bytes() == broken
        assert "agent.ckpt.damaged" in caplog.text
    # A broken file is none of those that are kept.
    assert all(load_agent(file)[1].step_count > 0 for file in list_checkpoints(path))


def test_what_was_set_aside_before_stays(tmp_path):
    path, rows = tmp_path / "agent.ckpt", small_events(1)
    ours = small(checkpoint=path)
    ours.step(*rows[0])
    for content in (b"first", b"second", b"", b"third", b""):
        path.write_bytes(content)
        ours.save()
        assert saved(path) == 1
    aside = {file.name: file.read_bytes() for file in tmp_path.glob("*.damaged*")}
    assert aside == {
        "agent.ckpt.damaged": b"first",
        "agent.ckpt.damaged-2": b"second",
        "agent.ckpt.damaged-3": b"third",
        "agent.ckpt.damaged-4": b"",
    }


def test_what_is_no_file_is_not_moved(tmp_path, caplog):
    """It is told at every save that is due, and learning goes on."""
    path, rows = tmp_path / "agent.ckpt", small_events(6)
    ours = small(checkpoint=path, checkpoint_every=1)
    path.mkdir()
    (path / "mine").write_text("mine")
    for number, row in enumerate(rows, 1):
        assert ours.step(*row).step == number
        time.sleep(0.01)
    with pytest.raises(ValueError, match="will not overwrite"):
        ours.save()
    assert "agent.ckpt" in caplog.text and "will not overwrite" in caplog.text
    told = ours.report()["checkpoint"]
    assert told["failed_saves"] > 1 and told["steps_since"] == 6
    (path / "mine").unlink()
    path.rmdir()
    ours.save()
    assert ours.report()["checkpoint"]["steps_since"] == 0
    same_but_for_clocks(load_agent(path)[1], ours.state)


def test_a_daemon_that_begins_anew_takes_no_file_of_another_kind(tmp_path):
    """Its path is wrong, which is told before anything is learned."""
    path = tmp_path / "agent.ckpt"
    path.write_text("my diary")
    with pytest.raises(ValueError, match="will not overwrite"):
        small(checkpoint=path, resume=False)
    assert [file.name for file in tmp_path.iterdir()] == ["agent.ckpt"]
    assert path.read_text() == "my diary"


def test_whatever_a_save_raises_the_event_was_learned(tmp_path, monkeypatch, caplog):
    ours = small(checkpoint=tmp_path / "agent.ckpt", checkpoint_every=1)

    def failing(*arguments, **options):
        raise MemoryError("no room for a copy")

    monkeypatch.setattr("alberta_framework.daemon.saving.save_agent", failing)
    rows = small_events(3)
    assert [ours.step(*row).step for row in rows] == [1, 2, 3]
    assert caplog.text.count("was not saved, going on: no room for a copy") == 1
    assert ours.report()["checkpoint"]["failed_saves"] == 3
    monkeypatch.undo()
    ours.save()
    assert saved(tmp_path / "agent.ckpt") == 3


def test_a_disk_that_stays_full_does_not_fill_the_log(tmp_path, monkeypatch, caplog):
    """The first failure is told, one a minute, and the end."""
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    ours = small(checkpoint=tmp_path / "agent.ckpt", checkpoint_every=1)

    def failing(*arguments, **options):
        raise OSError("no space left")

    for _ in range(2):
        caplog.clear()
        with monkeypatch.context() as full:
            full.setattr("alberta_framework.daemon.saving.save_agent", failing)
            for row in small_events(150):
                clock[0] += 1.0
                ours.step(*row)
        told = [line for line in caplog.messages if "was not saved" in line]
        assert [line.rpartition("left")[2] for line in told] == [
            "",
            " (61 times in a row)",
            " (121 times in a row)",
        ]
        ours.save()
        assert "is saved again, after 150 that failed" in caplog.messages[-1]
        ours.save()
        assert len([line for line in caplog.messages if "saved again" in line]) == 1
    assert ours.report()["checkpoint"]["failed_saves"] == 300


def test_set_aside_is_for_whoever_asks(tmp_path, caplog):
    path = tmp_path / "x.ckpt"
    path.write_text("mine")
    with pytest.raises(ValueError, match="will not overwrite"):
        save_checkpoint({"x": 1}, path)
    with pytest.raises(ValueError, match="`foreign`"):
        save_checkpoint({"x": 1}, path, foreign="replace")
    assert caplog.text == "" and path.read_text() == "mine"
    save_checkpoint({"x": 1}, path, foreign="set aside")
    assert path.with_name("x.ckpt.damaged").read_text() == "mine"
    assert str(path) in caplog.text
    save_checkpoint({"x": 2}, path, foreign="set aside")
    assert len(list(tmp_path.iterdir())) == 2
