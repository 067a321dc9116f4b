"""What lies at a path: nothing, a folder, a foreign file, a checkpoint of today or tomorrow."""

import errno
import os

import numpy as np
import pytest

from alberta_framework.checkpoints import (
    CheckpointError,
    checkpoint_exists,
    checkpoint_header,
    import_reference_checkpoint,
    load_agent,
    load_checkpoint,
    load_checkpoint_metadata,
    save_checkpoint,
    verify_checkpoint,
)

from .forging import TEMPLATE, VALUES, block, forged, sealed, taken_apart

READERS = {
    "load_checkpoint": lambda path: load_checkpoint(TEMPLATE, path),
    "load_agent": load_agent,
    "load_checkpoint_metadata": load_checkpoint_metadata,
    "verify_checkpoint": verify_checkpoint,
    "checkpoint_header": checkpoint_header,
}
# Those, and what reads a checkpoint otherwise.
FINDERS = READERS | {
    "load_checkpoint with fallback": lambda path: load_checkpoint(TEMPLATE, path, fallback=True),
    "load_agent with fallback": lambda path: load_agent(path, fallback=True),
    "import_reference_checkpoint": lambda path: import_reference_checkpoint(path, TEMPLATE),
}


@pytest.fixture
def path(tmp_path):
    save_checkpoint({"x": VALUES}, tmp_path / "x.ckpt", {"n": 1})
    return tmp_path / "x.ckpt"


def test_a_checkpoint_exists_and_is_sound(path):
    assert checkpoint_exists(path) is True
    assert checkpoint_exists(str(path)) is True
    assert verify_checkpoint(path) is None


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("name", ["gone.ckpt", "no/such/folder/x.ckpt", "link"])
def test_a_missing_checkpoint_is_not_found_and_it_is_told_where(
    tmp_path, monkeypatch, finder, name
):
    """A relative path may be meant from another folder."""
    (tmp_path / "link").symlink_to("nothing")
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / name, name):
        with pytest.raises(FileNotFoundError) as caught:
            FINDERS[finder](path)
        told = f"[Errno 2] no checkpoint was found at: {str(tmp_path / name)!r}"
        assert str(caught.value) == told and caught.value.errno == errno.ENOENT
        assert checkpoint_exists(path) is False


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "content", [b"", b"\n", b"my diary\n", b"ALBERTA-CKPT", b"ALBERTA-CKPT 1\n", b"\0" * 5000]
)
def test_a_foreign_file_is_named(tmp_path, reader, content):
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        READERS[reader](path)
    assert str(caught.value).startswith(str(path))
    assert checkpoint_exists(path) is False


@pytest.mark.parametrize("reader", READERS)
def test_a_folder_that_is_no_checkpoint_is_an_error(tmp_path, reader):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("mine")
    with pytest.raises((ValueError, OSError), match="folder"):
        READERS[reader](tmp_path / "folder")
    assert checkpoint_exists(tmp_path / "folder") is False


@pytest.mark.parametrize("reader", READERS)
def test_a_file_in_place_of_a_folder_is_an_error(path, reader):
    with pytest.raises((ValueError, OSError)):
        READERS[reader](path / "x.ckpt")
    assert checkpoint_exists(path / "x.ckpt") is False


@pytest.mark.parametrize(
    "where",
    ["", ".", "/", "\0", "a\0b", "x" * 5000, "\ud800", "~", "/dev/null", "/proc/self/mem"],
    ids=ascii,
)
def test_existence_never_raises(tmp_path, monkeypatch, where):
    monkeypatch.chdir(tmp_path)
    assert checkpoint_exists(where) is False


def test_existence_reads_the_header_and_the_size(path):
    data = path.read_bytes()
    for changed in (data[:-1], data + b"\0", data[:60], data[:20] + b"x" + data[21:]):
        path.write_bytes(changed)
        assert checkpoint_exists(path) is False
    path.write_bytes(data)
    assert checkpoint_exists(path) is True


def test_metadata_are_read_without_the_payload(path):
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert load_checkpoint_metadata(path) == {"n": 1}
    assert checkpoint_exists(path) is True
    for reader in (verify_checkpoint, READERS["load_checkpoint"]):
        with pytest.raises(CheckpointError, match="checksum"):
            reader(path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("version", ["2", "99", "1000000"])
def test_a_newer_format_asks_for_an_upgrade(path, reader, version):
    _, header, payload = taken_apart(path.read_bytes())
    header = {"format_version": int(version), "new": header["leaves"]}
    path.write_bytes(forged(header, payload, version))
    with pytest.raises(CheckpointError, match=r"newer version.*upgrade") as caught:
        READERS[reader](path)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("version", ["0", "-1", "1.5", "one", "", "1e0", "01", "\u0661"])
def test_no_such_format(path, reader, version):
    _, header, payload = taken_apart(path.read_bytes())
    path.write_bytes(forged(header, payload, version))
    with pytest.raises(CheckpointError) as caught:
        READERS[reader](path)
    assert str(caught.value).startswith(str(path))


def test_two_versions_in_one_file_are_refused(path):
    _, header, payload = taken_apart(path.read_bytes())
    path.write_bytes(forged(header | {"format_version": 2}, payload))
    with pytest.raises(CheckpointError):
        verify_checkpoint(path)


def test_a_file_written_by_another_hand_loads(tmp_path):
    """The format as its description says, without the library."""
    header = {
        "format_version": 1,
        "created_unix": 1.5e9,
        "versions": {
            name: "1" for name in ("alberta_framework", "jax", "equinox", "numpy", "python")
        },
        "metadata": {"\u00e9": [1]},
        "learner": None,
        "init": None,
        "nodes": {},
        "leaves": [{"path": "['x']", "kind": "numpy", "shape": [3], "dtype": "float64"}],
    }
    (tmp_path / "x.ckpt").write_bytes(forged(header, block(VALUES)))
    loaded, metadata = load_checkpoint(TEMPLATE, tmp_path / "x.ckpt")
    np.testing.assert_array_equal(loaded["x"], VALUES)
    assert metadata == {"\u00e9": [1]}
    assert checkpoint_exists(tmp_path / "x.ckpt")
    assert verify_checkpoint(tmp_path / "x.ckpt") is None


def test_the_file_is_as_the_format_says(path):
    data = path.read_bytes()
    line, header, payload = taken_apart(data)
    assert line.startswith("ALBERTA-CKPT 1 ")
    rebuilt = forged(header, payload)
    assert taken_apart(rebuilt)[1:] == (header, payload)
    assert set(header) == {
        *("format_version", "created_unix", "versions", "metadata", "learner", "init"),
        *("nodes", "leaves", "payload_bytes", "payload_sha256"),
    }
    assert set(header["versions"]) == {"alberta_framework", "jax", "equinox", "numpy", "python"}
    assert header["format_version"] == 1
    assert abs(header["created_unix"] - os.stat(path).st_mtime) < 60
    assert payload == block(VALUES)
    text = data.split(b"\n", 2)[1]
    assert data == sealed(text, payload)


def test_the_first_two_lines_are_text_whatever_the_metadata(tmp_path):
    save_checkpoint(TEMPLATE, tmp_path / "x.ckpt", {"a\nb": "c\nd\r\u2028"})
    first, second = (tmp_path / "x.ckpt").read_bytes().split(b"\n", 2)[:2]
    assert first.isascii()
    assert len(second) == int(first.split()[2])


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no user ids on this platform")
def test_an_unreadable_file_is_an_error_of_the_system(path, unprivileged):
    path.chmod(0)
    path.parent.chmod(0o755)
    with unprivileged(path.parent):
        assert checkpoint_exists(path.name) is False
        for reader in READERS.values():
            with pytest.raises((PermissionError, ValueError), match=r"x\.ckpt"):
                reader(path.name)
