"""A disk that refuses is told and counted; the daemon lives on, and saves again when it can."""

import json
import logging
import os
import shutil
import subprocess
import sys
import time

import pytest

from alberta_framework.checkpoints import load_agent

from .daemons import same_but_for_clocks, small, small_events

PATIENCE = 30  # seconds, for a machine that is busy with other tests

FULL_DISK = """
import json, resource, sys, time
import jax
from tests.daemon.daemons import small, small_events
from alberta_framework.checkpoints import load_agent

path, limit = sys.argv[1:]
ours, rows, steps = small(checkpoint=path, checkpoint_every=2), small_events(60), []
for row in rows[:3]:
    ours.step(*row)
ours.save()
whole = open(path, "rb").read()
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), hard))
for row in rows[3:20]:
    steps.append(ours.step(*row).step)
    time.sleep(0.01)
try:
    ours.save()
    refused = None
except OSError as error:
    refused = str(error)
failed = ours.report()["checkpoint"]["failed_saves"]
untouched = open(path, "rb").read() == whole
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
ours.step(*rows[20])
ours.save()
found = {"steps": steps, "refused": refused, "failed": failed, "untouched": untouched}
found["saved"] = load_agent(path)[1].step_count
print(json.dumps(found))
"""


def wait_until(happened):
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def refuse(folder, how):
    """Take the disk away; root may write to folders without the permission to, so not by mode."""
    if how == "removed":
        shutil.rmtree(folder)
        folder.write_text("in the way")
    else:
        folder.rename(folder.with_name("aside"))
        folder.symlink_to("/proc")


def allow(folder, how):
    folder.unlink()
    if how == "removed":
        folder.mkdir()
    else:
        folder.with_name("aside").rename(folder)


@pytest.mark.parametrize("how", ["removed", "read-only"])
def test_the_daemon_outlives_a_disk_that_refuses(how, tmp_path, caplog):
    folder = tmp_path / "disk"
    folder.mkdir()
    path = folder / "agent.ckpt"
    ours = small(checkpoint=path, checkpoint_every=2)
    rows = small_events(60)
    for row in rows[:2]:
        ours.step(*row)
    wait_until(path.exists)
    ours.save()
    refuse(folder, how)
    caplog.set_level(logging.WARNING)

    def failures():
        return ours.report()["checkpoint"]["failed_saves"]

    for number, row in enumerate(rows[2:30], 3):
        assert ours.step(*row).step == number
        time.sleep(0.002)
    wait_until(lambda: ours.step(*rows[30]).step and failures() > 0)
    assert "agent.ckpt" in caplog.text
    with pytest.raises(OSError):
        ours.save()
    told = failures()
    allow(folder, how)
    if how == "read-only":
        assert load_agent(path)[1].step_count == 2  # the old one is intact
    for row in rows[30:40]:
        ours.step(*row)
        time.sleep(0.01)
    ours.save()
    same_but_for_clocks(load_agent(path)[1], ours.state)
    # Once it works again nothing more is counted as failed (one save may have been on its way).
    assert failures() <= told + 1


def test_a_blocking_save_that_fails_is_counted(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    ours = small(checkpoint=folder / "agent.ckpt")
    refuse(folder, "removed")
    with pytest.raises(OSError):
        ours.save()
    assert ours.report()["checkpoint"]["failed_saves"] == 1


def test_a_save_in_the_background_raises_the_failure_of_the_last(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    ours = small(checkpoint=folder / "agent.ckpt")
    refuse(folder, "removed")
    with pytest.raises(OSError):
        for _ in range(20):
            ours.save(blocking=False)
            time.sleep(0.02)


@pytest.mark.parametrize("limit", [0, 100, 1000])
def test_a_full_disk_leaves_the_old_checkpoint(limit, tmp_path):
    path = tmp_path / "agent.ckpt"
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(limit)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["steps"] == list(range(4, 21))
    assert "agent.ckpt" in found["refused"] or "File too large" in found["refused"]
    assert found["failed"] >= 1 and found["untouched"]
    assert found["saved"] == 21
    assert "agent.ckpt" in ran.stderr  # logged
    assert [file.name for file in tmp_path.iterdir()] == ["agent.ckpt"]
