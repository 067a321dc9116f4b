"""The folder of compiled programs: whose they are, and which of them are whole."""

import os
import zlib

import pytest

from alberta_framework.compilation.kept_programs import machine, remove_torn

CPU = """processor : 0
vendor_id : Maker
cpu family : 6
model : 85
cpu MHz : 2100.0
flags : fpu avx2 avx512f

processor : 1
flags : other
"""
ARM = """processor : 0
Features : fp asimd sve
CPU implementer : 0x41
CPU part : 0xd40
"""


@pytest.fixture
def told(tmp_path):
    def name_of(text):
        path = tmp_path / "cpuinfo"
        path.write_text(text)
        return machine(path)

    return name_of


def test_a_processor_with_other_instructions_has_a_folder_of_its_own(told):
    """JAX would run there what was compiled here, and be killed for an illegal instruction."""
    assert told(CPU) != told(CPU.replace(" avx512f", ""))
    assert told(ARM) != told(ARM.replace(" sve", ""))
    assert len({told(CPU), told(ARM), told("")}) == 3


def test_the_same_processor_has_the_same_at_any_speed(told):
    assert told(CPU) == told(CPU.replace("2100.0", "800.5")) == told(CPU.split("\n\n")[0])
    assert machine() == machine()


def test_another_jaxlib_has_another(told, monkeypatch):
    before = told(CPU)
    monkeypatch.setattr("jaxlib.version.__version__", "99.0")
    assert told(CPU) != before


def test_where_nothing_tells_of_the_processor_there_is_one_folder(tmp_path):
    assert machine(tmp_path / "nothing") == machine(tmp_path / "nowhere")


def test_what_is_not_whole_goes(tmp_path):
    whole = zlib.compress(os.urandom(1000))
    contents = {"a-cache": whole, "b-cache": whole[:-7], "c-cache": b"", "d-cache": b"\0" * 1000}
    for name, octets in contents.items():
        (tmp_path / name).write_bytes(octets)
    (tmp_path / "mine.txt").write_bytes(b"")
    remove_torn(tmp_path)
    assert {path.name for path in tmp_path.glob("*-cache")} == {"a-cache"}
    assert (tmp_path / "mine.txt").exists()


def test_what_another_process_has_removed_meanwhile_is_no_error(tmp_path):
    (tmp_path / "gone-cache").symlink_to(tmp_path / "nothing")
    (tmp_path / "torn-cache").write_bytes(b"")
    remove_torn(tmp_path)
    assert not (tmp_path / "torn-cache").exists()


def test_zstandard_is_read_where_it_can_be(tmp_path):
    zstandard = pytest.importorskip("compression.zstd", exc_type=ImportError)
    octets = zstandard.compress(os.urandom(1000))
    (tmp_path / "a-cache").write_bytes(octets)
    (tmp_path / "b-cache").write_bytes(octets[:-9])
    remove_torn(tmp_path)
    assert [path.name for path in tmp_path.glob("*-cache")] == ["a-cache"]
