"""`alberta run nexting-file` and `nexting-system`: of any time series, and of this machine."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.command_line.app import main
from alberta_framework.command_line.catalogue import built_in
from tests.nexting.small_record import small_record

from .test_interruption import terminal as terminal

FILES = ["config.json", "predictions.csv", "predictions.png", "results.csv", "signals.csv"]
ROWS = 257  # the first, and as many as are learned from at once
# What stands for psutil on a machine that tells little.
TOLD = """
import itertools, sys

class Told:
    def __init__(self):
        self.calls = itertools.count()

    def cpu_percent(self, percpu):
        return [float(next(self.calls) % 50), 20.0]

    def getloadavg(self):
        return (1.0, 2.0, 3.0)

    def virtual_memory(self):
        return type("Memory", (), {"available": 25, "total": 100})

    def swap_memory(self):
        return type("Swap", (), {"percent": 5.0})

    def disk_io_counters(self):
        return None

    net_io_counters = disk_io_counters

    def cpu_stats(self):
        return type("Stats", (), {"ctx_switches": 10 * next(self.calls)})

    def pids(self):
        return [1, 2, 3]

sys.modules["psutil"] = Told()
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"2024-01-01T00:{k // 60:02}:{k % 60:02},{a},{b}" for k, (a, b) in enumerate(waves())]
    (tmp_path / "waves.csv").write_text("\n".join(["when,sea,air", *rows]) + "\n")
    (tmp_path / "told.py").write_text(TOLD)
    return tmp_path


@pytest.fixture
def own_psutil(monkeypatch):
    """Told's modules are gone again after the test."""
    for name in ("psutil", "told"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)


def waves():
    return small_record(ROWS, 2)


def names(path):
    return sorted(one.name for one in Path(path).iterdir())


def test_a_file_is_predicted_while_it_is_learned(folder, capsys):
    assert main(["run", "nexting-file", "waves.csv"]) == 0
    out = capsys.readouterr().out
    written = folder / "results" / "nexting-file"
    assert names(written) == FILES
    header, *rows = (written / "results.csv").read_text().splitlines()
    assert header == "demon,signal,timescale_s,gamma,learned,running_mean,persistence"
    assert [row.split(",")[0] for row in rows[:5]] == [
        "sea@1s",
        "sea@5s",
        "sea@20s",
        "sea@80s",
        "air@1s",
    ]
    learned = [float(row.split(",")[4]) for row in rows if row.split(",")[4]]
    assert len(learned) == 6 and max(learned[:2]) < 1.0  # of 80 s no return is over in time
    assert f"over the last 128 of {ROWS} rows" in " ".join(out.split())
    assert "sea" in out and "Persistence" in out
    config = json.loads((written / "config.json").read_text())
    assert af.from_config(config["learner"]).horde.horde_spec.names[0] == "sea@1s"
    # What was seen can be predicted again, with the same result.
    assert main(["run", "nexting-file", str(written / "signals.csv"), "-q"]) == 0
    again = folder / "results" / "nexting-file-2"
    assert (again / "results.csv").read_text() == (written / "results.csv").read_text()


def test_a_file_of_settings_names_its_data(folder, capsys):
    settings = '[nexting]\nsource = "file"\npath = "waves.csv"\nscales = [1, 5, 20, 80]\n'
    (folder / "mine.toml").write_text(settings)
    assert main(["run", "mine.toml", "-q"]) == 0
    assert len((folder / "results/mine/results.csv").read_text().splitlines()) == 9
    assert main(["run", "mine.toml", "--steps", "2", "-q"]) == 0
    assert len((folder / "results/mine-2/signals.csv").read_text().splitlines()) == 3
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nexting-file"], 2, "nexting-file: name the CSV file"),
        (["nexting-file", "no.csv"], 2, "cannot read 'no.csv': No such file"),
        (["nexting-file", "waves.csv", "--steps", "500"], 2, "there are 257 rows, got 500"),
        (
            ["nexting-file", "waves.csv", "--seeds", "2"],
            2,
            "--seeds: this experiment draws nothing",
        ),
        (["nexting-file", "waves.csv", "--episodes", "2"], 2, "--episodes: this experiment"),
        (["nexting-file", "waves.csv", "--resume", "x"], 2, "--resume: a life of predictions"),
        (["random-walk-td", "waves.csv"], 2, "'waves.csv': random-walk-td reads no file"),
        (["nexting-system", "waves.csv", "--import", "told"], 2, "leave 'waves.csv' out"),
    ],
)
def test_a_mistake_is_one_line(arguments, code, message, folder, capsys, own_psutil):
    assert main(["run", *arguments]) == code
    out, err = capsys.readouterr()
    assert out == "" and message in err and len(err.splitlines()) == 1
    assert not (folder / "results").exists()


def test_without_psutil_it_says_how_to_get_it(folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert main(["run", "nexting-system"]) == 1
    err = capsys.readouterr().err
    assert "alberta_framework[system]" in err and len(err.splitlines()) == 1


def test_a_machine_is_predicted(folder, capsys, own_psutil):
    config = built_in()["nexting-system"]["nexting"]
    assert config == {"source": "system", "interval": 0.1, "scales": [1, 5, 20, 80]}
    text = 'import = ["told"]\nnum_rows = 40\n[nexting]\nsource = "system"\ninterval = 0.01\n'
    (folder / "mine.toml").write_text(text)
    assert main(["run", "mine.toml"]) == 0
    written = folder / "results" / "mine"
    assert names(written) == FILES
    record = af.load_series(written / "signals.csv")
    assert record.names[:3] == ("cpu0", "cpu1", "load_1") and len(record.times) == 40
    np.testing.assert_array_equal(record.values[:, 2:5], [[1, 2, 3]] * 40)
    assert "cpu0" in capsys.readouterr().out


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_seen(folder, terminal):
    text = 'import = ["told"]\nnum_rows = 18_000\n[nexting]\nsource = "system"\ninterval = 0.02\n'
    running = terminal(text)
    # The table of what comes next is shown below the bar.
    running.wait_for(lambda text: re.search(r"[5-9]\d/18,000 rows", text) and "Next 1.6 s" in text)
    running.interrupt()
    code, out, err = running.end()
    assert code == 130 and "Traceback" not in err
    written = folder / "results" / "mine"
    assert names(written) == FILES
    done = json.loads((written / "config.json").read_text())["run"]["rows_done"]
    assert 50 <= done < 18_000 and len(af.load_series(written / "signals.csv").times) == done
    assert f"stopped after {done:,} of 18,000 rows; see results/mine" in " ".join(err.split())
    assert f"of {done:,} rows (stopped; 18,000 were asked for)" in " ".join(out.split())
