"""`alberta run` of agents in an environment: the files it leaves, and what it refuses."""

import csv
import json

import numpy as np
import pytest

from alberta_framework.command_line.app import main

EXPERIMENT = """
title = "Two agents"
episodes = 3
evaluate_last = 2
seeds = 2
[environment]
id = "CartPole-v1"
max_episode_steps = 20
[agents.Linear]
type = "SARSAAgent"
sarsa_config = { n_actions = 2 }
hidden_sizes = []
optimizer = { type = "LMS" }
grid.optimizer.step_size = [0.01, 0.1]
[agents.Network]
type = "SARSAAgent"
sarsa_config = { n_actions = 2 }
hidden_sizes = [4]
sparsity = 0.5
optimizer = { type = "LMS", step_size = 0.01 }
bounder = { type = "ObGDBounding" }
normalizer = { type = "EMANormalizer" }
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(EXPERIMENT)
    return tmp_path


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_file_becomes_a_table_and_a_folder(folder, capsys):
    assert main(["run", "mine.toml"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    written = folder / "results" / "mine"
    names = sorted(path.name for path in written.iterdir())
    assert names == ["config.json", "curves.csv", "curves.png", "results.csv"]
    results, curves = rows(written / "results.csv"), rows(written / "curves.csv")
    assert len(results) == 3 * 2 and len(curves) == 3 * 2 * 3
    for result in results:
        episodes = [
            row
            for row in curves
            if (row["agent"], row["seed"]) == (result["agent"], result["seed"])
            and row["optimizer.step_size"] in ("", result["optimizer.step_size"])
        ]
        assert [row["episode"] for row in episodes] == ["1", "2", "3"]
        # Each step of CartPole is worth 1.
        assert all(float(row["return"]) == int(row["steps"]) for row in episodes)
        assert float(result["score"]) == np.mean([float(row["return"]) for row in episodes[1:]])
    (line,) = [line for line in out.splitlines() if line.split()[:1] == ["Network"]]
    mean = np.mean([float(row["score"]) for row in results if row["agent"] == "Network"])
    assert f"{mean:#.4g}" in line
    assert "Return per episode over the last 2 of 3 episodes, mean over 2 seeds" in " ".join(
        out.split()
    )


def test_the_written_config_runs_again_with_the_same_results(folder, capsys):
    assert main(["run", "mine.toml", "-q"]) == 0
    assert main(["run", "results/mine/config.json", "-q"]) == 0
    first, second = (folder / path for path in capsys.readouterr().out.split())
    assert rows(first / "curves.csv") == rows(second / "curves.csv")
    assert (first / "config.json").read_text() == (second / "config.json").read_text()


def test_options_take_the_place_of_the_experiment_s(folder, capsys):
    assert (
        main(["run", "mine.toml", "--seeds", "1", "--episodes", "1", "--output", "out", "-q"]) == 0
    )
    assert capsys.readouterr().out == "out\n"
    config = json.loads((folder / "out" / "config.json").read_text())
    assert (config["seeds"], config["episodes"], config["evaluate_last"]) == (1, 1, 1)
    assert config["run"]["episodes_done"] == 1
    assert len(rows(folder / "out" / "curves.csv")) == 3


MISTAKES = {
    "environment": ('"CartPole-v1"', '"CartPole-v9"', "environment: 'CartPole-v9'"),
    "actions": ("n_actions = 2", "n_actions = 3", "`n_actions` must be 2"),
    "continuous": (
        '"CartPole-v1"',
        '"MountainCarContinuous-v0"',
        "the actions must be Discrete",
    ),
    "kind": ('"SARSAAgent"\nsarsa_config = { n_actions = 2 }', '"LMS"', "agents.Linear"),
    "key": ("episodes = 3", "episodes = 3\nsteps = 9", "unknown key 'steps'"),
    "evaluate": ("evaluate_last = 2", "evaluate_last = 4", "`evaluate_last`"),
    "features": (
        "[environment]",
        '[features]\ntype = "TileCoder"\nlow = [0.0]\nhigh = [1.0]\ntilings = 1\ntiles = [2]\n'
        "[environment]",
        "does not take the 4 numbers",
    ),
    "no features": ("[environment]", '[features]\ntype = "LMS"\n[environment]', "`features`"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_and_nothing_is_written(name, folder, capsys):
    right, wrong, message = MISTAKES[name]
    assert right in EXPERIMENT
    (folder / "mine.toml").write_text(EXPERIMENT.replace(right, wrong))
    assert main(["run", "mine.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("alberta: mine.toml: ") and err.count("\n") == 1
    assert message in err
    assert not (folder / "results").exists()


def test_steps_are_for_streams_and_episodes_for_environments(folder, capsys):
    assert main(["run", "mine.toml", "--steps", "10"]) == 2
    assert "use --episodes" in capsys.readouterr().err
    assert main(["run", "abrupt-change", "--episodes", "10"]) == 2
    assert "use --steps" in capsys.readouterr().err
