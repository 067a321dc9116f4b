"""`alberta migrate`, and the daemon that goes on from what it wrote."""

import json
import subprocess

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.command_line.app import main
from alberta_framework.daemon import Daemon

from .commands import COMMAND, alberta

LEARNER = {"type": "MultiHeadMLPLearner", "n_heads": 2, "hidden_sizes": [], "sparsity": 0.0}
LEARNER["optimizer"] = {"type": "LMS", "step_size": 0.1}
CONFIG = {"learner": LEARNER, "feature_names": ["a", "b"], "head_names": ["p", "q"]}


@pytest.fixture
def old(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    learner = af.MultiHeadMLPLearner.from_config(LEARNER)
    names = {key: CONFIG[key] for key in ("feature_names", "head_names")}
    with Daemon(learner, 2, checkpoint="old.ckpt", **names) as daemon:
        for x in np.float32(np.random.default_rng(0).normal(size=(20, 2))):
            daemon.step(x, x)
    return tmp_path / "old.ckpt"


def test_a_daemon_goes_on_with_another_input_and_head(old, tmp_path):
    """In processes of their own, as it is done."""
    options = ["--add-input=c", "--add-head=r", "--drop-head=p", "--rename=b=B"]
    done = alberta("migrate", old, "new.ckpt", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for line in (
        "inputs: 2 kept; new: c",
        "heads: 1 kept; new: r; dropped: p",
        "feature_names: ['a', 'B', 'c']",
        "head_names: ['q', 'r']",
    ):
        assert line in done.stdout
    config = tmp_path / "daemon.json"
    names = {"feature_names": ["a", "B", "c"], "head_names": ["q", "r"]}
    config.write_text(json.dumps(CONFIG | names))
    line = {"observation": {"a": 1, "B": 2, "c": 3}, "targets": {"q": 1, "r": 2}}
    done = subprocess.run(
        [*COMMAND, "daemon", "--config", config, "--checkpoint", "new.ckpt"],
        cwd=tmp_path,
        input=json.dumps(line) + "\n",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "resumed at 20 events" in done.stderr
    answer = json.loads(done.stdout)
    assert answer["step"] == 21 and list(answer["predictions"]) == ["q", "r"]


def test_a_new_configuration_tells_the_parts(old, tmp_path, capsys):
    config = tmp_path / "daemon.json"
    changed = LEARNER | {"optimizer": {"type": "IDBD"}}
    config.write_text(json.dumps(CONFIG | {"learner": changed}))
    arguments = ["migrate", "old.ckpt", "new.ckpt", "--config", "daemon.json"]
    assert main(arguments) == 2
    assert "no place for head_optimizer_states.w of the checkpoint" in capsys.readouterr().err
    parts = ("head_optimizer_states.w", "head_optimizer_states.b")
    assert main([*arguments, *(f"--drop-part={part}" for part in parts)]) == 0
    told = capsys.readouterr().out
    assert "new: .head_optimizer_states.w" in told and "learner.optimizer: " in told
    assert af.load_agent("new.ckpt")[0] == af.MultiHeadMLPLearner.from_config(changed)


def test_without_names_the_number_of_inputs_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    learner = af.LinearLearner()
    af.save_agent(learner, learner.init(3), "old.ckpt")
    options = ["--drop-input=0", "--add-input=2", "--add-input=3"]
    assert main(["migrate", "old.ckpt", "new.ckpt", *options]) == 0
    told = capsys.readouterr().out
    assert "inputs: 2 kept; new: 2, 3; dropped: 0" in told and "feature_dim: 4" in told


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nothing", "new.ckpt"], "no checkpoint was found at /"),
        (["old.ckpt", "old.ckpt"], "old.ckpt is there"),
        (["old.ckpt", "new.ckpt", "--add-input", "a"], "two inputs would have the name 'a'"),
        (["old.ckpt", "new.ckpt", "--drop-input", "c"], "which is no input of the checkpoint"),
        (["old.ckpt", "new.ckpt", "--rename", "a"], "--rename must be OLD=NEW, got 'a'"),
        (["old.ckpt", "new.ckpt", "--rename", "=b"], "--rename must be OLD=NEW"),
        (["old.ckpt", "new.ckpt", "--add-head", "r=s"], "has 's', which is no head"),
        (["text", "new.ckpt"], "not a checkpoint"),
        (["old.ckpt", "new.ckpt", "--config", "text"], "text"),
        (["old.ckpt"], "Missing argument 'new'"),
    ],
)
def test_mistakes_end_with_2_and_write_nothing(arguments, text, old, tmp_path, capsys):
    (tmp_path / "text").write_text("no checkpoint")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert main(["migrate", *arguments]) == 2
    said = capsys.readouterr()
    assert text in said.err and said.err.count("\n") == 1 and not said.out
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
