"""What was in a folder before a command stays until something complete takes its place."""

import os

import pytest

from alberta_framework.command_line.output_folder import OutputFolder, new_folder
from alberta_framework.command_line.problems import Problem, UsageProblem


def contents(folder):
    return {file.name: file.read_text() for file in folder.iterdir()}


def two_files(folder, text="new"):
    files = [folder / "results.csv", folder / "config.json"]
    for file in files:
        file.write_text(text)
    return files


@pytest.fixture
def folder(tmp_path):
    """One that holds results of an earlier time, and something of its owner."""
    path = tmp_path / "out"
    path.mkdir()
    (path / "results.csv").write_text("old")
    (path / "notes").write_text("mine")
    return OutputFolder(path, made=False)


def test_complete_files_take_the_place_of_older_ones(folder):
    files = folder.filled(two_files)
    assert files == [folder.path / "results.csv", folder.path / "config.json"]
    assert contents(folder.path) == {"results.csv": "new", "config.json": "new", "notes": "mine"}
    folder.drop()
    assert folder.path.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError])
def test_what_is_not_finished_leaves_the_folder_as_it_was(folder, error):
    before = contents(folder.path)

    def interrupted(place):
        two_files(place, "half")
        raise error("in the middle")

    with pytest.raises(Problem if error is OSError else error):
        folder.filled(interrupted)
    assert contents(folder.path) == before


def test_a_reader_finds_the_old_file_or_the_new_one_whole(folder):
    seen = set()

    def write(place):
        for n in range(100):
            (place / "results.csv").write_text("new" * n)
            seen.add((folder.path / "results.csv").read_text())
        return [place / "results.csv"]

    folder.filled(write)
    assert seen == {"old"} and (folder.path / "results.csv").read_text() == "new" * 99


def test_files_have_the_mode_of_any_new_file(folder):
    mask = os.umask(0o027)
    try:
        (file, _) = folder.filled(two_files)
    finally:
        os.umask(mask)
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("chosen", ["new/deep", "there", None])
def test_a_folder_is_dropped_by_who_made_it_if_nothing_is_in_it(tmp_path, monkeypatch, chosen):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    made = new_folder(None if chosen is None else tmp_path / chosen, "mine")
    assert made.path.is_dir()
    made.drop()
    assert made.path.exists() == (chosen == "there")
    made.drop()
    again = new_folder(None if chosen is None else tmp_path / chosen, "mine")
    (again.path / "notes").write_text("mine")
    again.drop()
    assert contents(again.path) == {"notes": "mine"}
    if chosen is not None:
        with pytest.raises(UsageProblem, match="is not empty"):
            new_folder(tmp_path / chosen, "mine")


def test_two_commands_never_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = [new_folder(None, "mine").path.name for _ in range(3)]
    assert found == ["mine", "mine-2", "mine-3"]


def test_what_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Problem, match="cannot write to"):
        new_folder(tmp_path / "file" / "out", "mine")
    folder = new_folder(tmp_path / "out", "mine")
    folder.path.rmdir()
    with pytest.raises(Problem, match="cannot write to"):
        folder.filled(two_files)
