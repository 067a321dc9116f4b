"""`alberta run` of agents in an environment: the files it leaves, and what it refuses."""

import csv
import json
import re
import sys

import gymnasium
import numpy as np
import pytest

from alberta_framework.command_line import progress
from alberta_framework.command_line.app import main
from tests.command_line.commands import alberta

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


@pytest.mark.parametrize("in_jax", [False, True], ids=["on the host", "in JAX"])
def test_where_nobody_looks_the_running_return_is_told_in_lines(
    folder, capsys, monkeypatch, in_jax
):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    if in_jax:
        there = 'id = "CartPole-v1"\nmax_episode_steps = 20'
        mine = EXPERIMENT.replace(there, 'type = "CartPole"\nmax_steps = 20')
        (folder / "mine.toml").write_text(mine)
    assert main(["run", "mine.toml"]) == 0
    *_, line = capsys.readouterr().err.splitlines()
    curves = rows(folder / "results" / "mine" / "curves.csv")
    means = {
        name: np.mean([float(row["return"]) for row in curves if row["agent"] == name])
        for name in ("Linear", "Network")
    }
    told = ", ".join(f"{name} {mean:,.1f}" for name, mean in means.items())
    assert line == f"mine: 18/18 episodes, return: {told}"
    assert main(["run", "mine.toml", "-q"]) == 0
    assert capsys.readouterr().err == ""


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
    "key": ("episodes = 3", "episodes = 3\nsteps_ = 9", "unknown key 'steps_'"),
    "both": (
        "episodes = 3",
        "episodes = 3\nsteps = 9",
        "either `episodes` or `steps`, got 3 and 9",
    ),
    "neither": ("episodes = 3", "", "missing key 'episodes' or 'steps'"),
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


FLAKY = '''
import gymnasium as gym
import numpy as np

class Flaky(gym.Env):
    """Episodes of five steps; call `at` of `where` fails, counted over all its copies."""

    observation_space = gym.spaces.Box(-1, 1, (4,), np.float32)
    action_space = gym.spaces.Discrete(2, start=3)
    calls = {}

    def __init__(self, where="step", at=57, how="raise"):
        self.where, self.at, self.how = where, at, how
        self.count("__init__")

    def count(self, where):
        Flaky.calls[where] = Flaky.calls.get(where, 0) + 1
        failing = where == self.where and Flaky.calls[where] >= self.at
        if failing and self.how == "raise":
            raise ConnectionError("the simulator\\nwent away")
        return failing

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count("reset")
        self.t = 0
        return np.zeros(4, np.float32), {}

    def step(self, action):
        assert self.action_space.contains(action)
        self.t += 1
        seen = np.zeros(4, np.float32), 1.0, self.t >= 5, False, {}
        return seen[:4] if self.count("step") else seen

    def close(self):
        self.count("close")

gym.register("Flaky-v0", entry_point=Flaky)
'''


@pytest.fixture
def flaky(folder, monkeypatch):
    """Writes an experiment of one seed whose environment fails where it is told to."""
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "flaky", raising=False)
    (folder / "flaky.py").write_text(FLAKY)

    def write(**arguments):
        told = "".join(f"\n{name} = {value!r}" for name, value in arguments.items())
        mine = EXPERIMENT.replace('id = "CartPole-v1"\nmax_episode_steps = 20', "ENVIRONMENT")
        mine = mine.replace("ENVIRONMENT", 'id = "flaky:Flaky-v0"' + told)
        mine = mine.replace("episodes = 3", "episodes = 20").replace("seeds = 2", "seeds = 1")
        (folder / "mine.toml").write_text(mine)

    yield write
    sys.modules.pop("flaky", None)
    gymnasium.registry.pop("Flaky-v0", None)


FAILURES = {
    # Two points side by side, ten steps an episode: twenty episodes of the first agent are 200.
    "in the middle": ({"at": 57}, "`step` raised ConnectionError", {"Linear": 5}),
    "of the second agent": (
        {"at": 223},
        "`step` raised ConnectionError",
        {"Linear": 20, "Network": 4},
    ),
    "in a reset": ({"where": "reset", "at": 7}, "`reset` raised ConnectionError", {"Linear": 3}),
    "by its form": (
        {"at": 57, "how": "four"},
        "`step` must return (observation, reward, terminated, truncated, info), got a tuple of 4",
        {"Linear": 5},
    ),
    "when it is made again": (
        {"where": "__init__", "at": 4},
        "environment: 'flaky:Flaky-v0': the simulator went away",
        {"Linear": 20},
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_finished_is_kept_when_an_environment_fails(name, folder, flaky, capsys):
    arguments, message, episodes = FAILURES[name]
    flaky(**arguments)
    assert main(["run", "mine.toml", "-q", "--output", "out"]) == 1
    out, err = capsys.readouterr()
    assert out == "out\n" and err.count("\n") == 1
    assert err.startswith("alberta: environment: ") and message in err
    assert re.search(r"of 60 episodes of all lives, each \d+ or more; see out\n$", err)
    names = sorted(path.name for path in (folder / "out").iterdir())
    assert names == ["config.json", "curves.csv", "curves.png", "results.csv"]
    curves = rows(folder / "out" / "curves.csv")
    kept = {}
    for row in curves:
        assert row["return"] == "5.0" and row["steps"] == "5"
        kept[row["agent"]] = max(kept.get(row["agent"], 0), int(row["episode"]))
    assert kept == episodes
    done = json.loads((folder / "out" / "config.json").read_text())["run"]["episodes_done"]
    assert done == (0 if len(episodes) < 2 else min(episodes.values()))


def test_an_environment_that_fails_before_anything_is_finished_leaves_nothing(
    folder, flaky, capsys
):
    flaky(at=3)
    assert main(["run", "mine.toml"]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert "ConnectionError: the simulator went away; stopped before anything was finished" in err
    assert not list((folder / "results").iterdir())


def test_an_environment_that_cannot_be_closed_costs_no_results(folder, flaky, capsys):
    flaky(where="close", at=2)
    assert main(["run", "mine.toml", "-q", "--output", "out"]) == 1
    err = capsys.readouterr().err
    assert "`close` raised ConnectionError" in err and err.count("\n") == 1
    assert {row["agent"] for row in rows(folder / "out" / "curves.csv")} >= {"Linear"}


@pytest.mark.parametrize("where", ["__init__", "close"])
def test_an_environment_that_does_not_get_made_is_a_mistake_of_the_file(
    where, folder, flaky, capsys
):
    flaky(where=where, at=1)
    assert main(["run", "mine.toml"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("alberta: mine.toml: environment: ")
    assert "the simulator went away" in err and err.count("\n") == 1
    assert not (folder / "results").exists()


def test_in_a_process_of_its_own_there_is_no_traceback(folder, flaky):
    flaky(at=57)
    found = alberta("run", "mine.toml", "--output", "out", cwd=folder)
    assert found.returncode == 1 and "Traceback" not in found.stderr
    assert "ConnectionError: the simulator went away; stopped after" in found.stderr
    assert "Linear" in found.stdout and (folder / "out" / "curves.csv").exists()


def test_rewards_that_are_no_numbers_do_not_end_a_run(folder, flaky, capsys):
    text = FLAKY.replace(", 1.0, self.t", ", float('nan') if self.t == 2 else 1.0, self.t")
    (folder / "flaky.py").write_text(text)
    flaky(at=10**6)
    assert main(["run", "mine.toml", "--episodes", "2", "--output", "out"]) == 0
    results = rows(folder / "out" / "results.csv")
    assert [row["rejected"] for row in results] == ["2"] * len(results)
