"""What a save does to what lies at its path, and what it leaves around it."""

import os
import pathlib
import stat
import threading
import time

import pytest

from alberta_framework.checkpoints import (
    checkpoint_exists,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)

from .forging import payload_start
from .states import number_of, numbered

TEMPLATE = numbered(0)


def number_at(path):
    return number_of(load_checkpoint(TEMPLATE, path)[0])


class Located:
    """A path of another library."""

    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return str(self.path)


def test_a_second_save_replaces_the_first(tmp_path):
    path = tmp_path / "x.ckpt"
    save_checkpoint(numbered(1), path, {"n": 1})
    save_checkpoint(numbered(2), path)
    state, metadata = load_checkpoint(TEMPLATE, path)
    assert (number_of(state), metadata) == (2, {})
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", [str, pathlib.Path, Located])
def test_paths_of_any_kind(tmp_path, kind):
    path = kind(tmp_path / "no suffix")
    assert save_checkpoint(numbered(1), path) is None
    assert checkpoint_exists(path)
    assert number_at(path) == 1
    assert list_checkpoints(path) == [tmp_path / "no suffix"]
    assert [one.name for one in tmp_path.iterdir()] == ["no suffix"]


@pytest.mark.parametrize("path", [3, None, b"x.ckpt", ["x"]], ids=repr)
def test_what_is_no_path_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError)):
        save_checkpoint(numbered(1), path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["x.ckpt", "./x.ckpt", "sub/x.ckpt", "a/../x.ckpt"])
def test_relative_paths_and_missing_folders(tmp_path, monkeypatch, path):
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path)
    save_checkpoint(numbered(1), path)
    save_checkpoint(numbered(2), path)
    assert number_at(path) == 2
    assert number_at(tmp_path / path) == 2


def test_missing_parents_are_made(tmp_path):
    save_checkpoint(numbered(1), tmp_path / "a" / "b" / "c" / "x.ckpt")
    assert number_at(tmp_path / "a" / "b" / "c" / "x.ckpt") == 1


FOREIGN = {
    "text": b"my diary\n",
    "empty": b"",
    "almost": b"ALBERTA-CKP",
    "other first word": b"ALBERTA-CKPTS 1 20 00\n{}\n",
    "archive": b"PK\x03\x04" + b"\0" * 60,
    "array": b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}\n",
}


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("keep", [1, 3])
def test_a_foreign_file_is_not_overwritten(tmp_path, name, keep):
    path = tmp_path / "x.ckpt"
    path.write_bytes(FOREIGN[name])
    with pytest.raises(ValueError, match="not a checkpoint, will not overwrite") as caught:
        save_checkpoint(numbered(1), path, keep=keep)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == FOREIGN[name]
    assert list(tmp_path.iterdir()) == [path]


def test_a_foreign_file_behind_a_link_is_not_overwritten(tmp_path):
    (tmp_path / "diary").write_text("mine")
    (tmp_path / "x.ckpt").symlink_to("diary")
    with pytest.raises(ValueError, match="will not overwrite"):
        save_checkpoint(numbered(1), tmp_path / "x.ckpt")
    assert (tmp_path / "diary").read_text() == "mine"


def test_a_foreign_file_is_refused_in_the_background_too(tmp_path):
    path = tmp_path / "x.ckpt"
    path.write_text("my diary")
    with pytest.raises(ValueError, match="will not overwrite"):
        future = save_checkpoint(numbered(1), path, blocking=False)
        future.result()
    assert path.read_text() == "my diary"


@pytest.mark.parametrize("inside", [None, "file"])
def test_a_folder_is_not_overwritten(tmp_path, inside):
    path = tmp_path / "x.ckpt"
    path.mkdir()
    if inside:
        (path / inside).write_text("mine")
    with pytest.raises((ValueError, OSError), match=r"x\.ckpt"):
        save_checkpoint(numbered(1), path)
    assert [one.name for one in path.iterdir()] == ([inside] if inside else [])
    assert list(tmp_path.iterdir()) == [path]


def test_a_device_is_neither_read_nor_overwritten(tmp_path):
    path = tmp_path / "x.ckpt"
    path.symlink_to("/dev/null")
    assert not checkpoint_exists(path)
    with pytest.raises((ValueError, OSError)):
        save_checkpoint(numbered(1), path)
    with pytest.raises((ValueError, OSError)):
        load_checkpoint(TEMPLATE, path)
    assert not path.is_file()


ON_A_PIPE = {
    "exists": checkpoint_exists,
    "save": lambda path: save_checkpoint(numbered(1), path),
    "load": lambda path: load_checkpoint(TEMPLATE, path),
}


@pytest.mark.parametrize("call", ON_A_PIPE)
def test_a_pipe_is_not_waited_for(tmp_path, call):
    path, outcome = tmp_path / "x.ckpt", []
    os.mkfifo(path)

    def attempt():
        try:
            outcome.append(ON_A_PIPE[call](path))
        except (ValueError, OSError) as error:
            outcome.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(5)
    waits = thread.is_alive()
    if waits:  # let it go: with a writer that comes and goes the pipe is at its end
        while thread.is_alive():
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
            thread.join(0.01)
    assert not waits
    assert outcome == [False] if call == "exists" else isinstance(outcome[0], Exception)
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.parametrize("damage", ["cut", "flipped", "longer"])
@pytest.mark.parametrize("keep", [1, 3])
def test_a_damaged_checkpoint_is_still_ours_and_is_replaced(tmp_path, damage, keep):
    path = tmp_path / "x.ckpt"
    save_checkpoint(numbered(1), path)
    data = path.read_bytes()
    start = payload_start(data)
    changed = {
        "cut": data[: start + 10],
        "flipped": data[:start] + bytes([data[start] ^ 1]) + data[start + 1 :],
        "longer": data + b"x",
    }
    path.write_bytes(changed[damage])
    save_checkpoint(numbered(2), path, keep=keep)
    assert number_at(path) == 2


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "disk").mkdir()
    real, link = tmp_path / "disk" / "real.ckpt", tmp_path / "x.ckpt"
    link.symlink_to(os.path.join("disk", "real.ckpt"))
    for n in (1, 2):  # the first makes the file that the link dangles to
        save_checkpoint(numbered(n), link)
        assert link.is_symlink()
        assert real.is_file() and not real.is_symlink()
        assert number_at(link) == number_at(real) == n
    assert sorted(one.name for one in tmp_path.iterdir()) == ["disk", "x.ckpt"]
    assert [one.name for one in real.parent.iterdir()] == ["real.ckpt"]


def test_links_to_links_are_followed(tmp_path):
    (tmp_path / "b").symlink_to("c")
    (tmp_path / "a").symlink_to("b")
    save_checkpoint(numbered(1), tmp_path / "a")
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "b").is_symlink()
    assert number_at(tmp_path / "c") == 1


def test_links_in_a_circle_are_an_error(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert checkpoint_exists(tmp_path / "a") is False
    with pytest.raises((OSError, ValueError, RuntimeError)):
        save_checkpoint(numbered(1), tmp_path / "a")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "b"]


@pytest.fixture
def umask():
    old = os.umask(0o027)
    yield 0o027
    os.umask(old)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path, umask):
    save_checkpoint(numbered(1), tmp_path / "x.ckpt")
    assert mode(tmp_path / "x.ckpt") == 0o666 & ~umask


@pytest.mark.parametrize("given", [0o600, 0o444, 0o664])
def test_the_mode_of_the_file_replaced_is_kept(tmp_path, umask, given):
    path = tmp_path / "x.ckpt"
    save_checkpoint(numbered(1), path)
    path.chmod(given)
    save_checkpoint(numbered(2), path, keep=2)
    save_checkpoint(numbered(3), path, keep=2)
    assert mode(path) == mode(tmp_path / "x.ckpt.1") == given
    assert number_at(path) == 3


def test_an_error_before_writing_leaves_the_disk_untouched(tmp_path):
    path = tmp_path / "x.ckpt"
    save_checkpoint(numbered(1), path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    for state, metadata in (({"x": "text"}, None), (numbered(2), {"x": object()})):
        with pytest.raises(TypeError):
            save_checkpoint(state, path, metadata, keep=3)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


def aged(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.mark.parametrize("name", ["x.ckpt", "x[1]*.ckpt"])
def test_leftovers_of_an_hour_ago_are_deleted(tmp_path, name):
    old, young = tmp_path / f".{name}.tmp-old12345", tmp_path / f".{name}.tmp-young123"
    others = [
        tmp_path / "x.ckpt.tmp-old",
        tmp_path / ".y.ckpt.tmp-old12345",
        tmp_path / ".x1.ckpt.tmp-old12345",
        tmp_path / f".{name}.old",
    ]
    for one in (old, young, *others):
        one.write_text("half a checkpoint")
        aged(one, 3700)
    aged(young, 3000)
    save_checkpoint(numbered(1), tmp_path / name)
    assert not old.exists()
    assert young.exists()
    assert all(one.exists() for one in others)


def test_an_old_folder_of_a_leftovers_name_does_not_stop_a_save(tmp_path):
    folder = tmp_path / ".x.ckpt.tmp-old12345"
    folder.mkdir()
    (folder / "file").write_text("mine")
    aged(folder, 7200)
    save_checkpoint(numbered(1), tmp_path / "x.ckpt")
    assert number_at(tmp_path / "x.ckpt") == 1
    assert (folder / "file").read_text() == "mine"


def test_an_open_reader_keeps_its_file(tmp_path):
    """A reader that opened the old file reads it to its end while a save replaces it."""
    path = tmp_path / "x.ckpt"
    save_checkpoint(numbered(1), path)
    whole = path.read_bytes()
    with path.open("rb") as reader:
        start = reader.read(100)
        save_checkpoint(numbered(2), path)
        assert start + reader.read() == whole


def test_the_file_is_on_disk_before_it_replaces_and_the_folder_after(tmp_path, monkeypatch):
    """Without the first a crash leaves an empty file, without the second the old one."""
    path, order = tmp_path / "x.ckpt", []
    save_checkpoint(numbered(1), path)
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        order.append((kind, os.fstat(descriptor).st_size))
        return fsync(descriptor)

    def watched_replace(source, target, **options):
        if pathlib.Path(target).name == "x.ckpt":
            order.append(("replace", os.stat(source).st_size))
        return replace(source, target, **options)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    save_checkpoint(numbered(2), path)
    kinds = [kind for kind, _ in order]
    assert kinds == ["file", "replace", "folder"]
    assert order[0][1] == order[1][1] == path.stat().st_size


@pytest.mark.parametrize("backend", ["zip", "", None, 3], ids=repr)
def test_an_unknown_backend_is_named(tmp_path, backend):
    with pytest.raises((TypeError, ValueError), match="backend"):
        save_checkpoint(numbered(1), tmp_path / "x.ckpt", backend=backend)
    assert list(tmp_path.iterdir()) == []
