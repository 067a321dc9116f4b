"""`alberta run` of a study: its tables, its files; stopped, killed and gone on with."""

import copy
import csv
import json
import os
import signal
import subprocess
import time

import pytest

import alberta_framework as af
from alberta_framework.command_line.app import main
from alberta_framework.command_line.catalogue import built_in
from tests.command_line.commands import COMMAND, alberta

FILES = [
    "cells.csv",
    "config.json",
    "curves.csv",
    "curves.png",
    "differences.csv",
    "results.csv",
]
STUDY = """
title = "Poles"
steps = {steps}
seeds = 2
[environments]
long = {{ type = "CartPole", half_length = 1.0 }}
short = {{ type = "CartPole", max_steps = 30 }}
[variants]
on.bootstrap_on_truncation = true
end.bootstrap_on_truncation = false
[agents.Q]
type = "StreamQ"
n_actions = "environment.action_space.n"
network = {{ type = "StreamMLP", hidden_sizes = [8], n_out = 2, sparsity = 0.0 }}
"""
CONTROL = """
steps = {steps}
seeds = 2
[environment]
type = "CartPole"
[agents.Sarsa]
type = "SARSAAgent"
sarsa_config = {{ n_actions = 2 }}
hidden_sizes = []
optimizer = {{ type = "LMS", step_size = 0.001 }}
"""
SECONDS = 240  # for a machine that is busy with other tests


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(STUDY.format(steps=1_000))
    return tmp_path


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_becomes_tables_and_a_folder(folder, capsys):
    assert main(["run", "mine.toml", "--steps", "500"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    written = folder / "results" / "mine"
    assert names(written) == FILES
    cells = rows(written / "cells.csv")
    assert len(cells) == 2 * 3
    told = " ".join(out.split())
    for cell in cells:
        agent, variant = cell["agent"], cell["variant"]
        line = " ".join(filter(None, (cell["environment"], agent, variant)))
        assert f"{line} {float(cell['mean']):#.4g}" in told
    for each in rows(written / "differences.csv"):
        assert f"{each['environment']} Q on - end {float(each['mean']):#.4g}" in told
    assert "Bit-identical until the first episode that is cut: " in told
    assert "in the last 20% of 500 steps, 2 seeds" in told
    assert main(["run", "results/mine/config.json", "-q"]) == 0
    again = folder / capsys.readouterr().out.strip()
    assert (again / "curves.csv").read_text() == (written / "curves.csv").read_text()


def test_a_mistake_is_one_line(folder, capsys):
    text = STUDY.format(steps=10).replace("on.bootstrap_on_truncation", "on.bootstrap")
    (folder / "mine.toml").write_text(text)
    assert main(["run", "mine.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith("alberta: mine.toml: variants.on: agents.Q: unknown path")
    assert main(["run", "mine.toml", "--episodes", "3"]) == 2
    assert "use --steps" in capsys.readouterr().err


def test_the_stream_table_is_the_whole_product():
    study = af.control_study_from_config(built_in()["stream-table"])
    assert (study.steps, study.seeds, study.evaluate_last_share) == (200_000, 30, 0.2)
    limits = {name: int(one.max_steps) for name, one in study.environments.items()}
    assert limits == {"CartPole": 500, "Acrobot": 500, "MountainCar": 1000, "Pendulum": 200}
    discrete = [
        "StreamQ, ObGD",
        "StreamQ, Intentional",
        "StreamQ, Adaptive",
        "StreamQ, Implicit",
        "QRC(0.8)",
        "StreamAC",
    ]
    for name in study.environments:
        own = ["StreamAC, Gaussian", "AVG(0)"] if name == "Pendulum" else discrete
        assert study.agents_of(name) == own
    for part, comparison in study.comparisons.items():
        for name, contender in comparison.agents.items():
            if part.variant is None:
                continue
            agent = contender.learner.agent
            assert agent.bootstrap_on_truncation is (part.variant == "bootstrap")
            assert (agent.gamma, agent.lamda) == (0.99, 0.0 if name == "AVG(0)" else 0.8)
            if hasattr(agent, "epsilon"):
                schedule = agent.epsilon
                assert (schedule.start, schedule.end) == (1.0, 0.01)
                assert schedule.num_steps == 0.05 * study.steps


def test_cells_of_the_stream_table_run(folder, capsys):
    """The cheapest of them: a program takes seconds to compile."""
    config = copy.deepcopy(built_in()["stream-table"])
    config["environments"] = {"CartPole": config["environments"]["CartPole"]}
    config["agents"] = {"StreamQ, ObGD": config["agents"]["StreamQ, ObGD"]}
    (folder / "some.json").write_text(json.dumps(config))
    assert main(["run", "some.json", "--steps", "100", "--seeds", "2", "-q"]) == 0
    assert names(folder / capsys.readouterr().out.strip()) == FILES


def test_what_cannot_be_resumed_says_why(folder, capsys):
    pytest.importorskip("gymnasium")
    on_the_host = CONTROL.format(steps=50).replace('type = "CartPole"', 'id = "CartPole-v1"')
    (folder / "host.toml").write_text(on_the_host)
    assert main(["run", "host.toml", "--resume", "there"]) == 2
    err = capsys.readouterr().err
    assert "'host' cannot be resumed: the state of an environment of Gymnasium" in err
    assert main(["run", "random-walk-td", "--resume", "there"]) == 2
    assert "of learners on a stream is not resumed" in capsys.readouterr().err


def test_mistakes_in_resuming_are_told(folder, capsys):
    pytest.importorskip("orbax.checkpoint")
    (folder / "there").mkdir()
    assert main(["run", "mine.toml", "--resume", "there"]) == 2
    assert "'there' holds no checkpoint" in capsys.readouterr().err
    assert main(["run", "mine.toml", "--resume", "there", "--output", "out"]) == 2
    assert "leave --output out" in capsys.readouterr().err
    # What a process that was killed before its first save has left.
    (folder / "there" / "checkpoint" / "comparison-0" / "process-0").mkdir(parents=True)
    (folder / "mine.toml").write_text(CONTROL.format(steps=100))
    assert main(["run", "mine.toml", "--resume", "there", "-q"]) == 0
    assert "no checkpoint was found in" in capsys.readouterr().err
    assert names(folder / "there") == ["config.json", "curves.csv", "curves.png", "results.csv"]


@pytest.fixture
def started(folder):
    """Starts a command in a process of its own, which does not outlive the test."""
    processes = []

    def start(command):
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"COLUMNS": "120"},
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_for(process, happened):
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


# Saves after every thousand steps: a run of the command alone would wait a minute for its first.
OFTEN = """
import sys
from alberta_framework.checkpoints import unfinished
unfinished.UnfinishedRun.due = property(lambda self: True)
from alberta_framework.command_line.app import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("text", [STUDY, CONTROL], ids=["study", "comparison"])
def test_a_run_that_was_killed_goes_on_to_the_same_files(text, folder, started):
    pytest.importorskip("orbax.checkpoint")
    steps = 12_000
    (folder / "mine.toml").write_text(text.format(steps=steps))
    whole = started([*COMMAND, "run", "mine.toml", "--output", "whole", "-q"])
    often = started([COMMAND[0], "-c", OFTEN, "run", "mine.toml", "--output", "out", "-q"])
    checkpoint = folder / "out" / "checkpoint"

    def saved():
        return any(p.name.isdecimal() and int(p.name) >= 3_000 for p in checkpoint.rglob("*"))

    wait_for(often, saved)
    often.kill()
    often.wait(timeout=SECONDS)
    assert not (folder / "out" / "results.csv").exists()
    resumed = alberta("run", "mine.toml", "--resume", "out", "-q", cwd=folder)
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert whole.wait(timeout=SECONDS) == 0
    assert names(folder / "out") == names(folder / "whole")
    for name in names(folder / "whole"):
        if name != "curves.png":
            assert (folder / "out" / name).read_bytes() == (folder / "whole" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_leaves_results_and_a_run_to_go_on_with(number, folder, started):
    pytest.importorskip("orbax.checkpoint")
    long = 3_000_000
    (folder / "mine.toml").write_text(STUDY.format(steps=long))
    process = started([*COMMAND, "run", "mine.toml", "--seeds", "1", "--output", "out"])
    wait_for(process, (folder / "out" / "checkpoint").is_dir)
    time.sleep(8.0)  # it takes seconds to compile, and many to end
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130 and "Traceback" not in err
    last = err.strip().splitlines()[-1]
    assert last.endswith("; to go on: alberta run mine.toml --resume out --seeds 1"), err
    if "before anything" in last:  # of a machine that was too busy
        return
    assert "(stopped" in " ".join(out.split())
    assert names(folder / "out") == sorted([*FILES, "checkpoint"])
    # Another study does not go on with it, and leaves it.
    other = alberta("run", "mine.toml", "--resume", "out", "--seeds", "2", cwd=folder)
    assert other.returncode == 2 and "is of another comparison" in other.stderr
    assert names(folder / "out") == sorted([*FILES, "checkpoint"])
