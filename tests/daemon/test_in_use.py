"""Two daemons on one checkpoint: the second is told, and nothing of the first is lost."""

import os
import subprocess
import sys

import pytest

import alberta_framework as af
from alberta_framework.checkpoints import load_agent

from .daemons import same_but_for_clocks, small, small_events

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
OTHER = """
import sys
import alberta_framework as af
from tests.daemon.daemons import small, small_events
try:
    daemon = small(checkpoint=sys.argv[1], resume=sys.argv[2] == "resume")
except af.CheckpointError as error:
    sys.exit(f"{type(error).__name__}: {error}")
for row in small_events(3):
    daemon.step(*row)
daemon.close()
"""


def other(path, how="resume"):
    """What another process said that wanted the checkpoint too."""
    command = [sys.executable, "-c", OTHER, str(path), how]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)


def steps_at(path):
    return load_agent(path)[2]["daemon"]["steps"]


def test_another_process_is_refused_until_this_one_lets_go(tmp_path):
    path = tmp_path / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every=1)
    ours.step(*small_events(1)[0])
    for how in ("resume", "anew"):
        said = other(path, how)
        assert said.returncode == 1
        holder = f"CheckpointInUseError: {path}: is in use by process {os.getpid()} on "
        assert said.stderr.startswith(holder), said.stderr
    ours.close()
    assert other(path).returncode == 0
    assert steps_at(path) == 4
    # This one is behind now; what it learns meanwhile is its own.
    ours.step(*small_events(1)[0])
    with pytest.raises(af.CheckpointInUseError, match="was saved to by another"):
        ours.save()
    assert steps_at(path) == 4
    with small(checkpoint=path) as again:
        assert again.steps == 4


def test_a_daemon_that_ends_or_is_dropped_lets_go(tmp_path):
    path = tmp_path / "agent.ckpt"
    with small(checkpoint=path) as ours:
        ours.step(*small_events(1)[0])
    assert [file.name for file in tmp_path.iterdir()] == ["agent.ckpt"]
    ours.step(*small_events(2)[1])
    ours.save()  # claims it again
    assert {file.name for file in tmp_path.iterdir()} == {"agent.ckpt", "agent.ckpt.lock"}
    del ours
    assert [file.name for file in tmp_path.iterdir()] == ["agent.ckpt"]
    assert steps_at(path) == 2


def test_a_daemon_that_could_not_be_made_lets_go(tmp_path):
    path = tmp_path / "agent.ckpt"
    with small(checkpoint=path, feature_names=["a", "b"]):
        pass
    with pytest.raises(ValueError, match="feature_names"):
        small(checkpoint=path, feature_names=["b", "a"])
    with pytest.raises(ValueError, match="agent"):
        af.Daemon(af.MLPLearner((2,)), 2, checkpoint=path)
    assert [file.name for file in tmp_path.iterdir()] == ["agent.ckpt"]


def test_a_disk_that_refuses_at_the_end_does_not_keep_the_checkpoint(tmp_path):
    (tmp_path / "disk").mkdir()
    ours = small(checkpoint=tmp_path / "disk" / "agent.ckpt")
    (tmp_path / "disk").rename(tmp_path / "aside")
    (tmp_path / "disk").write_text("in the way")
    with pytest.raises(OSError):
        ours.close()
    (tmp_path / "disk").unlink()
    (tmp_path / "aside").rename(tmp_path / "disk")
    assert other(tmp_path / "disk" / "agent.ckpt").returncode == 0


def test_a_folder_that_cannot_be_written_to_is_told_at_the_start(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for bad in (tmp_path / "file" / "agent.ckpt", "/proc/agent.ckpt"):
        with pytest.raises(OSError):
            small(checkpoint=bad)


def test_within_a_process_the_one_that_is_behind_is_refused(tmp_path, caplog):
    """The later daemon may be the same cell of a notebook, run again: it goes on. Nothing that was
    saved is overwritten by a state without it."""
    path, rows = tmp_path / "agent.ckpt", small_events(6)
    first = small(checkpoint=path, checkpoint_every=2)
    first.step(*rows[0])
    first.save()
    second = small(checkpoint=path, checkpoint_every=2)
    second.step(*rows[1])
    second.save()
    kept = second.state
    with pytest.raises(af.CheckpointInUseError, match="another daemon of this process"):
        first.save()
    with pytest.raises(af.CheckpointInUseError):
        first.close()
    # A save that is due is told, and learning goes on.
    for number, row in enumerate(rows[2:5], 2):
        assert first.step(*row).step == number
    assert "was not saved, going on" in caplog.text and "another" in caplog.text
    told = first.report()["checkpoint"]
    assert told["failed_saves"] >= 3 and told["steps_since"] == 3
    same_but_for_clocks(load_agent(path)[1], kept)
    second.step(*rows[5])
    second.close()
    assert steps_at(path) == 3


def test_a_daemon_without_a_checkpoint_has_nothing_to_let_go(tmp_path):
    ours = small()
    ours.close()
    with small():
        pass
    assert list(tmp_path.iterdir()) == []
