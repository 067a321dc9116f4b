"""How an example is run in a test."""

import runpy
import sys
from pathlib import Path

import matplotlib
import pytest

FOLDER = Path(__file__).parents[2] / "examples"


@pytest.fixture
def printed(tmp_path, monkeypatch, capsys):
    """From the name of an example to what its small run prints, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    before = matplotlib.get_backend()
    matplotlib.use("agg")

    def run(name):
        path = str(FOLDER / f"{name}.py")
        monkeypatch.setattr(sys, "argv", [path, "--quick"])
        runpy.run_path(path, run_name="__main__")
        return capsys.readouterr().out

    yield run
    matplotlib.use(before)
