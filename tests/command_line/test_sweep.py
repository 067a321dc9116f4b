import csv
import json
import os
import signal
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.command_line.app import main

from .commands import COMMAND

FILES = ["config.json", "curves.csv", "curves.png", "results.csv", "sensitivity.png"]
META = "learner.optimizer.meta_step_size"
SWEEP = """
title = "A small sweep"
num_steps = 200
evaluate_last = 100
window = 20
seeds = 2
[learner]
type = "LinearLearner"
optimizer = { type = "IDBD", initial_step_size = 0.05 }
[stream]
type = "RandomWalkStream"
feature_dim = 2
[axes]
learner.optimizer.meta_step_size = [0.0, 0.02]
"stream.drift_rate" = [0.01, 0.1, 0.2]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(SWEEP)
    return tmp_path


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_file_becomes_a_table_and_a_folder(folder, capsys):
    assert main(["sweep", "mine.toml"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    written = folder / "results" / "mine"
    assert sorted(path.name for path in written.iterdir()) == FILES
    assert "A small sweep" in out and "results/mine: results.csv" in out
    assert "over the last 100 of 200 steps, mean over 2 seeds" in " ".join(out.split())
    found = rows(written / "results.csv")
    assert len(found) == 6 * 2 and len(rows(written / "curves.csv")) == 6 * 10
    means = {}
    for row in found:
        point = (float(row[META]), float(row["stream.drift_rate"]))
        means.setdefault(point, []).append(float(row["squared_error"]))
    best = min(means, key=lambda point: np.mean(means[point]))
    lines = out.splitlines()
    ruled = next(i for i, line in enumerate(lines) if line.strip().startswith("──"))
    first = lines[ruled + 1].split()
    assert (float(first[0]), float(first[1])) == best
    assert first[2] == f"{np.mean(means[best]):#.4g}"


def test_the_command_is_the_function(folder):
    assert main(["sweep", "mine.toml", "-q", "--output", "out"]) == 0
    experiment = af.sweep_from_config(json.loads((folder / "out" / "config.json").read_text()))
    run = experiment.run()
    while not run.finished:
        run.advance()
    scores = run.result().scores(last=100)
    saved = [float(row["squared_error"]) for row in rows(folder / "out" / "results.csv")]
    np.testing.assert_array_equal(saved, scores.ravel())


def test_options_take_the_place_of_the_file_s(folder, capsys):
    assert main(["sweep", "mine.toml", "--seeds", "1", "--steps", "100", "-q"]) == 0
    written = folder / capsys.readouterr().out.strip()
    assert len(rows(written / "results.csv")) == 6
    config = json.loads((written / "config.json").read_text())
    assert (config["seeds"], config["num_steps"]) == (1, 100)


def test_structural_axes_are_written_as_tables_and_lists(folder):
    (folder / "mine.toml").write_text(
        """
        num_steps = 40
        seeds = 1
        combine = "zip"
        metric = "bounding_metric"
        lower_is_better = false
        [learner]
        type = "MLPLearner"
        hidden_sizes = [4]
        optimizer = { type = "LMS" }
        [stream]
        type = "RandomWalkStream"
        feature_dim = 2
        [axes]
        learner.hidden_sizes = [[4], [3, 2]]
        learner.bounder = [{ type = "ObGDBounding" }, { type = "ObGDBounding", kappa = 3.0 }]
        """
    )
    assert main(["sweep", "mine.toml", "-q"]) == 0
    written = folder / "results" / "mine"
    assert [row["learner.hidden_sizes"] for row in rows(written / "results.csv")] == [
        "(4,)",
        "(3, 2)",
    ]
    again = af.sweep_from_config(json.loads((written / "config.json").read_text()))
    assert again.axes["learner.bounder"][1] == af.ObGDBounding(3.0)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("meta_step_size", "meta_stepsize", "did you mean 'learner.optimizer.meta_step_size'"),
        ("num_steps = 200", "", "missing key 'num_steps'"),
        ("seeds = 2", "seed = 2", "unknown key 'seed': did you mean 'seeds'?"),
        ("seeds = 2", "metric = 'loss'", "unknown metric 'loss'"),
        ("[0.0, 0.02]", "[0.0, -0.02]", "`meta_step_size` must lie in [0, inf), got -0.02"),
        ("[0.0, 0.02]", "0.02", "must list the values of"),
        ('type = "RandomWalkStream"', 'type = "RandomWalk"', "stream: Unknown stream type"),
        ("window = 20", "window = 300", "`window` must be an integer >= 1 and < 201"),
    ],
)
def test_mistakes_in_the_file_are_told(folder, capsys, old, new, message):
    (folder / "mine.toml").write_text(SWEEP.replace(old, new))
    assert main(["sweep", "mine.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("alberta: mine.toml: ") and message in err
    assert not (folder / "results").exists()


def test_mistakes_of_the_command_are_told(folder, capsys):
    for arguments, message in (
        (["other.toml"], "cannot read 'other.toml'"),
        (["mine.toml", "--resume", "nowhere"], "'nowhere' holds no checkpoint"),
        (["mine.toml", "--steps", "10"], "`window` must be"),
    ):
        assert main(["sweep", *arguments]) == 2
        assert message in capsys.readouterr().err


# The command, and somebody who presses Ctrl-C when it handles that itself, and again when Orbax is
# being loaded, which is what opens the checkpoint.
PRESSES = """
import os, signal, sys, threading, time
from alberta_framework.command_line.app import main

def press():
    default, orbax = signal.default_int_handler, "orbax.checkpoint"
    def wait_for(happened):
        while not happened():
            time.sleep(1e-4)
        os.kill(os.getpid(), signal.SIGINT)
    wait_for(lambda: signal.getsignal(signal.SIGINT) is not default)
    wait_for(lambda: signal.getsignal(signal.SIGINT) is default and orbax in sys.modules)

threading.Thread(target=press, daemon=True).start()
sys.exit(main())
"""


def files_of(folder):
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_of_the_user_is_not_removed(folder, capsys):
    (folder / "there").mkdir()
    (folder / "there" / "checkpoint").mkdir()
    (folder / "mine.toml").write_text(SWEEP.replace("0.02]", "-0.02]"))
    assert main(["sweep", "mine.toml", "--resume", "there"]) == 2
    assert (folder / "there" / "checkpoint").is_dir()


def test_a_folder_to_resume_without_a_save_is_told_and_begun_anew(folder, capsys):
    """What a process that was killed before its first save has left."""
    (folder / "out" / "checkpoint" / "process-0").mkdir(parents=True)
    assert main(["sweep", "mine.toml", "--resume", "out", "-q"]) == 0
    err = capsys.readouterr().err
    where = folder / "out" / "checkpoint"
    assert err == f"alberta: no checkpoint was found in {where}: begun anew.\n"
    assert sorted(path.name for path in (folder / "out").iterdir()) == FILES


def test_a_checkpoint_of_another_sweep_stays(folder, capsys):
    process = folder / "out" / "checkpoint" / "process-0"
    experiment = af.sweep_from_config(tomllib.loads(SWEEP))
    run = experiment.run(process.parent)
    run.advance()
    run.save()
    before = files_of(folder / "out")
    assert before
    (folder / "mine.toml").write_text(SWEEP.replace("0.02]", "0.03]"))
    assert main(["sweep", "mine.toml", "--resume", "out"]) == 2
    assert "is of another sweep" in capsys.readouterr().err
    assert files_of(folder / "out") == before


@pytest.mark.slow
def test_ctrl_c_leaves_a_sweep_to_go_on_with(folder, capsys):
    text = SWEEP.replace("num_steps = 200", "num_steps = 4_000_000").replace("= 20\n", "= 10_000\n")
    (folder / "mine.toml").write_text(text.replace("last = 100", "last = 1_000_000"))
    command = [*COMMAND, "sweep", "mine.toml", "--devices", "1", "--output", "out"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    # A clock of its own tells when the loop runs: it takes seconds to start and many to end.
    deadline = time.monotonic() + 240
    while not (folder / "out" / "checkpoint").is_dir():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 130 and "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert last.endswith("to go on: alberta sweep mine.toml --resume out"), err
    done = int(last.split("stopped after ")[1].split(" of ")[0].replace(",", ""))
    assert 0 < done < 4_000_000
    before = files_of(folder / "out")
    again = ["sweep", "mine.toml", "--devices", "1", "--resume", "out"]
    # Twice more, while the checkpoint is being opened: it stays.
    # A press in the middle of an import leaves the file open that was being read.
    quiet = os.environ | {"PYTHONWARNINGS": os.environ["PYTHONWARNINGS"] + ",ignore:unclosed file"}
    stopped = subprocess.run(
        [sys.executable, "-c", PRESSES, *again],
        cwd=folder,
        env=quiet,
        capture_output=True,
        text=True,
    )
    assert stopped.returncode == 130 and "Traceback" not in stopped.stderr
    told = "stopped before anything was done; the checkpoint is as it was: alberta sweep mine.toml"
    assert told in stopped.stderr
    assert files_of(folder / "out") == before
    environment = os.environ | {"COLUMNS": "120"}
    resumed = subprocess.run(
        [*COMMAND, *again],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert resumed.returncode == 0, resumed.stderr
    assert sorted(path.name for path in (folder / "out").iterdir()) == FILES
