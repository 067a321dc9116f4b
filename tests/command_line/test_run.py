import contextlib
import csv
import json
import sys
from importlib.metadata import version

import pytest

from alberta_framework.command_line.app import main
from alberta_framework.command_line.catalogue import built_in
from alberta_framework.comparisons import (
    comparison_from_config,
    control_comparison_from_config,
    control_study_from_config,
)

from ..environments.adapters.cases import lenient
from .commands import alberta

FILES = ["config.json", "curves.csv", "curves.png", "results.csv"]
EXPERIMENT = """
title = "Two learners"
num_steps = 100
evaluate_last = 50
seeds = 2
[stream]
type = "RandomWalkStream"
feature_dim = 2
[learners.LMS]
type = "LinearLearner"
optimizer.type = "LMS"
grid.optimizer.step_size = [0.01, 0.1]
[learners.IDBD]
type = "LinearLearner"
optimizer = { type = "IDBD", initial_step_size = 0.05 }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def scores(folder):
    with (folder / "results.csv").open(newline="") as file:
        return [(row["learner"], row["seed"], float(row["score"])) for row in csv.DictReader(file)]


def test_a_file_becomes_a_table_and_a_folder(folder, capsys):
    assert main(["run", "mine.toml"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    written = folder / "results" / "mine"
    assert names(written) == FILES
    assert "Two learners" in out and "results/mine: results.csv" in out
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    best = min(sum(score for learner, _, score in scores(written)[i : i + 2]) / 2 for i in (0, 2))
    assert f"{best:#.4g}" in lines["LMS"] and "step size 0.1" in lines["LMS"]
    mean = sum(score for learner, _, score in scores(written) if learner == "IDBD") / 2
    assert f"{mean:#.4g}" in lines["IDBD"]
    assert "over the last 50 of 100 steps, mean over 2 seeds" in " ".join(out.split())


def test_the_written_config_runs_again_into_another_folder(folder, capsys):
    assert main(["run", "mine.toml", "-q"]) == 0
    assert main(["run", "results/mine/config.json", "--quiet"]) == 0
    assert main(["run", "mine.toml", "--quiet"]) == 0
    printed = capsys.readouterr().out.split()
    assert printed == ["results/mine", "results/mine-2", "results/mine-3"]
    first, second = (folder / path for path in printed[:2])
    assert scores(first) == scores(second)
    assert (first / "config.json").read_text() == (second / "config.json").read_text()


def test_options_take_the_place_of_the_experiment_s(folder, capsys):
    (folder / "out").mkdir()
    arguments = ["--seeds", "1", "--steps", "40", "--output", "out", "-q"]
    assert main(["run", "mine.toml", *arguments]) == 0
    assert capsys.readouterr().out == "out\n"
    config = json.loads((folder / "out" / "config.json").read_text())
    assert (config["seeds"], config["num_steps"], config["evaluate_last"]) == (1, 40, 20)
    assert len(scores(folder / "out")) == 3


def test_one_seed_has_no_interval_and_a_diverged_learner_is_called_so(folder, capsys):
    (folder / "mine.toml").write_text(
        EXPERIMENT.replace("[0.01, 0.1]", "[50.0]").replace("feature_dim = 2", "feature_dim = 20")
    )
    assert main(["run", "mine.toml", "--seeds", "1"]) == 0
    out = capsys.readouterr().out
    assert "diverged" in out and "1 of 1 seeds" in out and "Rejected" in out
    assert "nan" not in out


def test_names_are_shown_as_they_are(folder, capsys):
    names = EXPERIMENT.replace("Two learners", "Cost in $ [red] and \\\\$x").replace(
        "[learners.IDBD]", '[learners."[bold]$\\\\frac$"]'
    )
    (folder / "mine.toml").write_text(names)
    assert main(["run", "mine.toml", "--seeds", "1"]) == 0
    out = capsys.readouterr().out
    assert "Cost in $ [red] and \\$x" in out and "[bold]$\\frac$" in out


def test_a_warning_is_one_line(folder, capsys):
    doubtful = 'optimizer = { type = "Autostep", initial_step_size = 2.0 }'
    text = EXPERIMENT.replace('optimizer = { type = "IDBD", initial_step_size = 0.05 }', doubtful)
    (folder / "mine.toml").write_text(text)
    assert main(["run", "mine.toml", "--seeds", "1", "-q"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("alberta: mine.toml: Autostep: `initial_step_size` = 2.0 lies outside")


def test_the_list_names_what_comes_with_the_package(folder):
    done = alberta("list", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    for name, config in built_in().items():
        (line,) = [line for line in done.stdout.splitlines() if line.split()[:1] == [name]]
        assert config["title"][:40] in line


def test_help_and_version_come_from_any_folder(folder):
    assert alberta("--version", cwd=folder).stdout == version("alberta_framework") + "\n"
    without = alberta(cwd=folder)
    assert without.returncode == 0 and "run" in without.stdout and "list" in without.stdout
    options = alberta("run", "--help", cwd=folder).stdout
    assert all(
        option in options for option in ("--seeds", "--steps", "--episodes", "--output", "--quiet")
    )


def require_packages(name):
    """Skip an experiment whose environment's package is missing."""
    if "minatar" in name:
        pytest.importorskip("gymnax")
    if "digits" in name:
        pytest.importorskip("sklearn")


def test_an_experiment_whose_package_is_missing_is_one_line(folder, monkeypatch, capsys):
    # None in place of a module is one that Python does not find.
    monkeypatch.setitem(sys.modules, "gymnax", None)
    assert main(["run", "minatar-breakout-stream-q"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith("alberta: minatar-breakout-stream-q: ")
    assert "pip install 'alberta_framework[gymnax]'" in err
    assert not (folder / "results").exists()


# A study is a program for each of its cells; test_run_study.py runs some of them, and
# test_nexting.py what is measured or read.
OTHERS = {"environments", "nexting"}


@pytest.mark.parametrize("name", [n for n, c in built_in().items() if not OTHERS & set(c)])
def test_every_built_in_experiment_runs(name, folder, capsys):
    require_packages(name)
    in_episodes = "episodes" in built_in()[name]
    extent = ["--episodes", "1"] if in_episodes else ["--steps", "100"]
    with lenient() if name.startswith("minatar") else contextlib.nullcontext():
        assert main(["run", name, "--seeds", "2", *extent, "--quiet"]) == 0
    assert names(folder / "results" / name) == FILES
    capsys.readouterr()


def test_built_in_experiments_are_complete():
    assert sorted(built_in()) == [
        "abrupt-change",
        "cartpole-sarsa",
        "cartpole-stream-ac",
        "cartpole-stream-q",
        "changing-cart-pole",
        "forgetting-1992",
        "minatar-breakout-stream-q",
        "mountain-car-sarsa",
        "nexting-file",
        "nexting-system",
        "pendulum-avg",
        "permuted-digits",
        "random-walk-horde",
        "random-walk-td",
        "scale-shift",
        "slowly-changing-regression",
        "stream-table",
        "stream-table-minatar",
        "sutton1992-experiment-1",
        "sutton1992-experiment-2",
    ]
    assert all(config["title"] and config["description"] for config in built_in().values())


@pytest.mark.parametrize("name", [n for n, c in built_in().items() if "nexting" not in c])
def test_a_built_in_experiment_is_a_comparison(name):
    require_packages(name)
    config = built_in()[name]
    control = "environment" in config
    read = control_comparison_from_config if control else comparison_from_config
    read = control_study_from_config if "environments" in config else read
    assert read(config, name).name == name
