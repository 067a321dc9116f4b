"""A disk that refuses: an error of the system, the old checkpoint intact, nothing left behind."""

import contextlib
import errno
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from alberta_framework.checkpoints import (
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)

from .states import number_of, numbered

resource = pytest.importorskip("resource", reason="limits of a process are of POSIX")

TEMPLATE = numbered(0)
LARGE = {"whole": np.zeros(100_000)}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.ckpt"
    for n in (1, 2):
        save_checkpoint(numbered(n), path, keep=2)
    return path


def contents(folder):
    return {one.name: one.read_bytes() for one in folder.iterdir()}


@contextlib.contextmanager
def largest_file(size):
    """No file of this process may grow beyond `size`; Python ignores the signal of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("size", [0, 100, 65_536])
def test_a_file_that_may_not_grow(path, size, blocking):
    before = contents(path.parent)
    with largest_file(size), pytest.raises(OSError) as caught:
        future = save_checkpoint(LARGE, path, keep=2, blocking=blocking)
        future.result(timeout=60)
    assert caught.value.errno == errno.EFBIG
    assert contents(path.parent) == before
    assert [number_of(load_checkpoint(TEMPLATE, one)[0]) for one in list_checkpoints(path)] == [
        2,
        1,
    ]
    save_checkpoint(numbered(3), path, keep=2)
    assert number_of(load_checkpoint(TEMPLATE, path)[0]) == 3


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_call_that_fails(path, monkeypatch, call, number):
    before = contents(path.parent)

    def failing(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, failing)
    with pytest.raises(OSError) as caught:
        save_checkpoint(numbered(3), path)
    monkeypatch.undo()
    assert caught.value.errno == number
    assert contents(path.parent) == before


def test_an_interrupted_save_leaves_nothing_behind(path, monkeypatch):
    before = contents(path.parent)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(numbered(3), path)
    monkeypatch.undo()
    assert contents(path.parent) == before


def test_a_folder_that_may_not_be_written_to(path, unprivileged):
    before = contents(path.parent)
    path.parent.chmod(0o555)
    try:
        with unprivileged(path.parent):
            for keep in (1, 2):
                with pytest.raises(OSError) as caught:
                    save_checkpoint(numbered(3), path.name, keep=keep)
                assert caught.value.errno in (errno.EACCES, errno.EPERM)
            assert number_of(load_checkpoint(TEMPLATE, path.name)[0]) == 2
    finally:
        path.parent.chmod(0o755)
    assert contents(path.parent) == before


@pytest.mark.parametrize("name", ["x.ckpt/inside.ckpt", "x.ckpt/a/b/inside.ckpt"])
@pytest.mark.parametrize("blocking", [True, False])
def test_a_file_in_place_of_a_folder(path, name, blocking):
    before = contents(path.parent)
    with pytest.raises(OSError):
        future = save_checkpoint(numbered(3), path.parent / name, blocking=blocking)
        future.result(timeout=60)
    assert contents(path.parent) == before


FULL = """
import errno, os, sys
import numpy as np
from alberta_framework.checkpoints import load_checkpoint, save_checkpoint
os.chdir(sys.argv[1])
small, large = {"x": np.arange(100.0)}, {"x": np.zeros(100_000)}
save_checkpoint(small, "x.ckpt", keep=2)
for keep in (1, 2):
    try:
        save_checkpoint(large, "x.ckpt", keep=keep)
    except OSError as error:
        print(errno.errorcode[error.errno], sorted(os.listdir(".")))
loaded, _ = load_checkpoint(small, "x.ckpt")
np.testing.assert_array_equal(loaded["x"], small["x"])
save_checkpoint({"x": np.ones(100)}, "x.ckpt")
print(load_checkpoint(small, "x.ckpt")[0]["x"].sum())
"""
MOUNTED = 'mount -t tmpfs -o size=200k none "$1" || exit 77; shift; exec "$@"'


def test_a_full_disk(tmp_path):
    """A small disk in memory, mounted for one process alone."""
    if shutil.which("unshare") is None:
        pytest.skip("needs the command unshare")
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    program = [sys.executable, "-c", FULL, str(tmp_path)]
    command = ["unshare", *rights, "--mount", "sh", "-c", MOUNTED, "sh", str(tmp_path), *program]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if ended.returncode == 77 or "unshare" in ended.stderr:
        pytest.skip(f"cannot mount a disk: {ended.stderr.strip()}")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["ENOSPC ['x.ckpt']"] * 2 + ["100.0"]
