"""One process to a checkpoint, whatever becomes of that process."""

import errno
import fcntl
import gc
import os
import signal
import subprocess
import sys

import pytest

from alberta_framework.checkpoints import CheckpointError, CheckpointInUseError, lock
from alberta_framework.checkpoints.lock import CheckpointClaim

PATIENCE = 120  # seconds, for a machine that is busy with other tests

# Claims, says so, and does what it is told, line by line; a fork does it in a child.
HOLDER = """
import os, sys
from alberta_framework.checkpoints import CheckpointError
from alberta_framework.checkpoints.lock import CheckpointClaim
claims, path = [], sys.argv[1]
def said(text):
    print(text, flush=True)
def claim():
    try:
        claims.append(CheckpointClaim(path))
        said(f"claimed {os.getpid()}")
    except CheckpointError as error:
        said(f"refused: {error}")
def save():
    try:
        claims[-1].before_save()
        open(path, "a").write("saved")
        said("saved")
    except CheckpointError as error:
        said(f"refused: {error}")
def release():
    claims.pop().release()
    said("released")
def fork():
    child = os.fork()
    if child:
        said(f"forked {child}")
        signal_pipe.append(child)
    else:
        os.setsid()
        for line in os.fdopen(os.open(path + ".child", os.O_RDONLY)):
            globals()[line.strip()]()
        os._exit(0)
signal_pipe = []
claim()
for line in sys.stdin:
    globals()[line.strip()]()
"""


class Holder:
    """A process that claims a path."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", HOLDER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.said = self.process.stdout.readline().strip()

    def does(self, what):
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def stop(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def hold():
    started = []

    def start(path):
        started.append(Holder(path))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "agent.ckpt"


def files(path):
    return sorted(file.name for file in path.parent.iterdir())


def test_another_process_is_refused_by_name_until_the_holder_is_dead(path, hold):
    holder = hold(path)
    pid = int(holder.said.split()[1])
    assert pid == holder.process.pid
    for _ in range(2):
        with pytest.raises(
            CheckpointInUseError, match=rf"agent\.ckpt: is in use by process {pid} "
        ):
            CheckpointClaim(path)
    assert holder.does("save") == "saved"
    # Another name of the file is the same file; another file is another.
    path.with_name("link").symlink_to("agent.ckpt")
    with pytest.raises(CheckpointError, match="in use"):
        CheckpointClaim(path.with_name("link"))
    CheckpointClaim(path.with_name("other.ckpt")).release()
    holder.process.send_signal(signal.SIGKILL)
    holder.process.wait(PATIENCE)
    claim = CheckpointClaim(path)
    claim.before_save()
    assert f"process {os.getpid()} " in path.with_name("agent.ckpt.lock").read_text()
    claim.release()
    assert "agent.ckpt.lock" not in files(path)


def test_a_claim_that_was_released_or_dropped_is_anothers(path, hold):
    claim = CheckpointClaim(path)
    claim.release()
    claim.release()
    assert files(path) == []
    holder = hold(path)
    assert holder.said.startswith("claimed") and holder.does("release") == "released"
    again = CheckpointClaim(path)
    assert holder.does("claim").startswith("refused")
    del again
    gc.collect()
    assert holder.does("claim").startswith("claimed")


def test_who_comes_back_finds_what_another_has_saved(path, hold):
    """A writer that let go is behind whoever saved since, and would overwrite it."""
    claim = CheckpointClaim(path)
    claim.before_save()
    path.write_text("mine")
    claim.release()
    claim.before_save()  # nobody was here
    claim.release()
    holder = hold(path)
    with pytest.raises(CheckpointInUseError, match="in use by process"):
        claim.before_save()
    assert holder.does("save") == "saved" and holder.does("release") == "released"
    for _ in range(2):
        with pytest.raises(CheckpointInUseError, match="was saved to by another"):
            claim.before_save()
    # It keeps nobody out meanwhile.
    assert holder.does("claim").startswith("claimed")


def test_within_a_process_the_later_of_two_savers_is_refused(path):
    first, second = CheckpointClaim(path), CheckpointClaim(path)
    first.before_save()
    first.before_save()
    with pytest.raises(CheckpointInUseError, match="another daemon of this process"):
        second.before_save()
    third = CheckpointClaim(path)
    third.before_save()
    with pytest.raises(CheckpointInUseError):
        first.before_save()
    third.before_save()
    # The lock is held as long as one of them is there.
    first.release()
    third.release()
    assert files(path) == ["agent.ckpt.lock"]
    second.release()
    assert files(path) == []


def test_a_fork_neither_keeps_nor_takes_the_lock_of_its_parent(path, hold):
    """A worker that outlives the daemon which forked it is in nobody's way."""
    os.mkfifo(f"{path}.child")
    holder = hold(path)
    pid, child = holder.process.pid, int(holder.does("fork").split()[1])
    with open(f"{path}.child", "w", buffering=1) as orders:
        orders.write("save\n")
        assert f"refused: {path}: is in use by process {pid} " in holder.process.stdout.readline()
        with pytest.raises(CheckpointInUseError):
            CheckpointClaim(path)
        holder.process.kill()
        holder.process.wait(PATIENCE)
        os.kill(child, 0)  # it lives
        claim = CheckpointClaim(path)
        claim.before_save()
        orders.write("save\n")
        assert f"in use by process {os.getpid()} " in holder.process.stdout.readline()


def test_processes_that_come_at_once_are_let_in_one_by_one(path, hold):
    """Each removes the file as it lets go, just when the next has opened it."""
    holders = [hold(path) for _ in range(3)]
    assert [holder.said.startswith("claimed") for holder in holders] == [True, False, False]
    inside = holders[0]
    for turn in range(30):
        waiting = [holder for holder in holders if holder is not inside]
        inside.process.stdin.write("release\n")
        inside.process.stdin.flush()
        found = [holder.does("claim").startswith("claimed") for holder in waiting]
        assert inside.process.stdout.readline() == "released\n"
        assert sum(found) <= 1, turn
        if not any(found):
            assert inside.does("claim").startswith("claimed")
        else:
            inside = waiting[found.index(True)]
        others = [holder.does("claim") for holder in holders if holder is not inside]
        assert all(said.startswith("refused") for said in others)


def test_a_lock_file_that_somebody_removed_is_made_anew(path, hold):
    claim = CheckpointClaim(path)
    path.with_name("agent.ckpt.lock").unlink()
    claim.before_save()
    assert hold(path).said.startswith("refused")
    path.with_name("agent.ckpt.lock").unlink()
    usurper = hold(path)
    assert usurper.said.startswith("claimed")
    with pytest.raises(CheckpointInUseError, match=f"process {usurper.process.pid} "):
        claim.before_save()


def test_what_a_dead_process_left_is_taken_over(path):
    left = path.with_name("agent.ckpt.lock")
    left.write_text("process 1 on another since yesterday, and a much longer text than ours\n")
    claim = CheckpointClaim(path)
    assert left.read_text().startswith(f"process {os.getpid()} ")
    assert left.read_text().count("\n") == 1
    claim.release()


def test_where_nothing_can_be_written_nothing_is_claimed(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for bad in (tmp_path / "file" / "agent.ckpt", "/proc/agent.ckpt"):
        with pytest.raises(OSError):
            CheckpointClaim(bad)


def test_a_file_system_without_locks_is_told_and_used(path, monkeypatch, caplog):
    def unsupported(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    claim = CheckpointClaim(path)
    claim.before_save()
    claim.release()
    assert "locks are not supported here" in caplog.text and str(path) in caplog.text


def test_a_platform_without_locks_keeps_its_own_writers_apart(path, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)
    first, second = CheckpointClaim(path), CheckpointClaim(path)
    first.before_save()
    with pytest.raises(CheckpointInUseError):
        second.before_save()
    first.release()
    second.release()
