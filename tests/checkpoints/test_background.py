"""Saves that do not block: the state as it was at the call, one after another, no error lost."""

import errno
import os
import subprocess
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alberta_framework.checkpoints import (
    list_checkpoints,
    load_checkpoint,
    load_checkpoint_metadata,
    save_checkpoint,
)

from .states import number_of, numbered

TEMPLATE = numbered(0)


def number_at(path):
    return number_of(load_checkpoint(TEMPLATE, path)[0])


class Disk:
    """The disk, slow or failing: `os.fsync` waits for `ready` and then raises `error`, if any."""

    def __init__(self, monkeypatch):
        self.ready, self.error, self.calls = threading.Event(), None, 0
        self._fsync = os.fsync
        self.ready.set()
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, descriptor):
        self.calls += 1
        assert self.ready.wait(60)
        if self.error is not None:
            raise self.error
        return self._fsync(descriptor)


@pytest.fixture
def disk(monkeypatch):
    disk = Disk(monkeypatch)
    yield disk
    disk.ready.set()


def save(path, n, **options):
    return save_checkpoint(numbered(n), path, {"n": n}, blocking=False, **options)


def test_the_future_is_done_when_the_file_is_there(tmp_path, disk):
    disk.ready.clear()
    future = save(tmp_path / "x.ckpt", 1)
    assert not future.done()
    assert not (tmp_path / "x.ckpt").exists()
    disk.ready.set()
    assert future.result(timeout=60) is None
    assert number_at(tmp_path / "x.ckpt") == 1


def test_saves_are_written_in_order(tmp_path, disk):
    path = tmp_path / "x.ckpt"
    disk.ready.clear()
    futures = [save(path, n, keep=10) for n in range(10)]
    disk.ready.set()
    for future in futures:
        future.result(timeout=60)
    assert [number_at(one) for one in list_checkpoints(path)] == list(range(9, -1, -1))


def test_several_paths_do_not_mix(tmp_path, disk):
    disk.ready.clear()
    futures = [save(tmp_path / f"{n % 3}.ckpt", n) for n in range(9)]
    disk.ready.set()
    for future in futures:
        future.result(timeout=60)
    assert [number_at(tmp_path / f"{i}.ckpt") for i in range(3)] == [6, 7, 8]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_blocking_save_does_not_overtake(tmp_path, disk):
    path = tmp_path / "x.ckpt"
    disk.ready.clear()
    future = save(path, 1)
    threading.Timer(0.2, disk.ready.set).start()
    save_checkpoint(numbered(2), path)
    future.result(timeout=60)
    assert number_at(path) == 2


def test_the_state_is_taken_at_the_call(tmp_path, disk):
    path, metadata = tmp_path / "x.ckpt", {"n": [1]}
    state = numbered(1) | {"view": np.arange(10.0)[::2]}
    disk.ready.clear()
    future = save_checkpoint(state, path, metadata, blocking=False)
    for leaf in jax.tree.leaves(state):
        leaf[...] = 2
    metadata["n"].append(2)
    disk.ready.set()
    future.result(timeout=60)
    loaded, told = load_checkpoint(state, path)
    np.testing.assert_array_equal(loaded.pop("view"), np.arange(10.0)[::2])
    assert number_of(loaded) == 1
    assert told == {"n": [1]}


def test_a_donated_array_is_saved_as_it_was(tmp_path, disk):
    """On the CPU the host's view of an array is the memory that a donation hands on."""
    path = tmp_path / "x.ckpt"
    state = {"x": jnp.arange(1000.0), "key": jax.random.key(3)}
    words = np.array(jax.random.key_data(state["key"]))
    negated = jax.jit(lambda x: -x, donate_argnums=0)
    disk.ready.clear()
    future = save_checkpoint(state, path, blocking=False)
    jax.block_until_ready(negated(state["x"]))
    disk.ready.set()
    future.result(timeout=60)
    template = {"x": jnp.zeros(1000), "key": jax.random.key(0)}
    loaded, _ = load_checkpoint(template, path)
    np.testing.assert_array_equal(loaded["x"], np.arange(1000.0))
    np.testing.assert_array_equal(jax.random.key_data(loaded["key"]), words)


def test_a_relative_path_means_the_folder_of_the_call(tmp_path, disk, monkeypatch):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    disk.ready.clear()
    future = save("x.ckpt", 1, keep=2)
    monkeypatch.chdir(tmp_path / "there")
    disk.ready.set()
    future.result(timeout=60)
    assert number_at(tmp_path / "here" / "x.ckpt") == 1
    assert list((tmp_path / "there").iterdir()) == []


@pytest.mark.parametrize("state", [{"x": "text"}, {"x": 2**64}], ids=repr)
def test_a_state_that_cannot_be_saved_is_refused_at_once(tmp_path, state):
    with pytest.raises((TypeError, ValueError), match="'x'"):
        save_checkpoint(state, tmp_path / "x.ckpt", blocking=False)
    assert list(tmp_path.iterdir()) == []


def failed_save(path, disk, n=1):
    """A save that the disk refused and nobody asked for."""
    disk.error = OSError(errno.ENOSPC, "No space left on device")
    future = save(path, n)
    while not future.done():
        time.sleep(0.005)
    disk.error = None
    return future


def test_an_error_that_was_asked_for_is_not_raised_again(tmp_path, disk):
    future = failed_save(tmp_path / "x.ckpt", disk)
    with pytest.raises(OSError, match="No space left") as caught:
        future.result()
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []
    save_checkpoint(numbered(2), tmp_path / "x.ckpt")
    assert number_at(tmp_path / "x.ckpt") == 2


def test_an_error_read_as_an_exception_was_asked_for(tmp_path, disk):
    future = failed_save(tmp_path / "x.ckpt", disk)
    assert future.exception().errno == errno.ENOSPC
    save_checkpoint(numbered(2), tmp_path / "x.ckpt")
    assert number_at(tmp_path / "x.ckpt") == 2


@pytest.mark.parametrize("blocking", [True, False])
def test_an_error_nobody_asked_for_is_raised_by_the_next_save_to_that_path(
    tmp_path, disk, blocking
):
    path = tmp_path / "x.ckpt"
    save_checkpoint(numbered(0), path)
    failed_save(path, disk)
    assert number_at(path) == 0
    # Another path is none of its business.
    save_checkpoint(numbered(5), tmp_path / "y.ckpt")
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(numbered(2), path, blocking=blocking)
    # It is told once.
    save_checkpoint(numbered(3), path)
    assert number_at(path) == 3
    assert sorted(one.name for one in tmp_path.iterdir()) == ["x.ckpt", "y.ckpt"]


def test_the_same_path_spelled_otherwise_is_the_same_path(tmp_path, disk, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.ckpt").symlink_to("x.ckpt")
    failed_save(tmp_path / "x.ckpt", disk)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(numbered(2), "link.ckpt")


def test_a_later_save_goes_on_after_a_failed_one(tmp_path, disk, monkeypatch):
    path, fsync = tmp_path / "x.ckpt", disk.fsync

    def first_fails(descriptor):
        fsync(descriptor)
        if disk.calls == 1:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", first_fails)
    disk.ready.clear()
    failing, later = save(path, 1), save(path, 2)
    disk.ready.set()
    assert failing.exception(timeout=60).errno == errno.EIO
    assert later.exception(timeout=60) is None
    assert number_at(path) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_loader_sees_whole_files_only(tmp_path):
    """Saves in the background and loads in the foreground, side by side."""
    path = tmp_path / "x.ckpt"
    save_checkpoint(numbered(0), path)
    futures = [save(path, n) for n in range(1, 60)]
    seen = []
    while not futures[-1].done():
        seen.append(number_at(path))
    assert seen == sorted(seen)
    assert number_at(path) == 59
    assert load_checkpoint_metadata(path) == {"n": 59}


def test_threads_that_save_to_one_path_never_tear_a_file(tmp_path):
    path = tmp_path / "x.ckpt"
    save_checkpoint(numbered(0), path)
    errors = []

    def writer(start):
        try:
            for n in range(start, start + 15):
                save_checkpoint(numbered(n), path, keep=2)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=writer, args=(100 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        number_at(path)
    assert errors == []
    assert number_at(path) in {14, 114, 214, 314}
    assert {one.name for one in tmp_path.iterdir()} <= {"x.ckpt", "x.ckpt.1"}


EXIT = """
import errno, os, sys
import numpy as np
from alberta_framework.checkpoints import save_checkpoint
fsync = os.fsync
def failing(descriptor):
    raise OSError(errno.ENOSPC, "No space left on device")
save_checkpoint({"x": np.ones(3)}, "good.ckpt", blocking=False)
os.fsync = fsync
future = save_checkpoint({"x": np.ones(3)}, "awaited.ckpt", blocking=False)
future.result()
os.fsync = failing
save_checkpoint({"x": np.ones(3)}, "bad.ckpt", blocking=False)
"""


def test_a_process_ends_with_its_saves_written_and_its_errors_told(tmp_path):
    command = [sys.executable, "-c", EXIT]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0
    for name in ("good.ckpt", "awaited.ckpt"):
        loaded, _ = load_checkpoint({"x": np.zeros(3)}, tmp_path / name)
        np.testing.assert_array_equal(loaded["x"], np.ones(3))
    assert "bad.ckpt" in ended.stderr
    assert "No space left on device" in ended.stderr
    assert sorted(one.name for one in tmp_path.iterdir()) == ["awaited.ckpt", "good.ckpt"]
