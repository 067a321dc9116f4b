"""`alberta inspect`: what a checkpoint holds, told without the program that wrote it."""

import json
import subprocess
import sys

import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import save_agent, save_checkpoint
from alberta_framework.command_line.app import main
from tests.daemon.daemons import LEARNERS, daemon, events, kept

from .commands import alberta

FEATURES, HEADS = ["hour", "port", "user", "size", "age"], ["login", "attack", "class"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("inspect") / "agent.ckpt"
    ours = daemon("multi-head", checkpoint=path, feature_names=FEATURES, head_names=HEADS)
    rows = events("multi-head", 9)
    for row in rows:
        ours.step(*row)
    ours.step(rows[0][0] * np.nan, rows[0][1])
    ours.close()
    return path, ours


def inspected(capsys, path):
    def refuse(token):
        raise AssertionError(f"{token} is no JSON")

    assert main(["inspect", str(path), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out, parse_constant=refuse)


def test_json_tells_all(checkpoint, capsys):
    path, ours = checkpoint
    found = inspected(capsys, path)
    assert found["path"] == str(path)
    assert found["learner"] == ours.learner.to_config()
    assert found["counts"]["step_count"] == 9 and found["counts"]["rejected_count"] == 1
    assert found["counts"]["age_s"] > 0 and found["counts"]["uptime_s"] > 0
    assert found["metadata"]["daemon"]["steps"] == 10
    assert found["metadata"]["daemon"]["feature_names"] == FEATURES
    assert found["versions"]["alberta_framework"]
    relevance = af.relevance_to_dict(
        af.compute_feature_relevance(ours.state), feature_names=FEATURES, head_names=HEADS
    )
    for head in HEADS:
        assert found["relevance"]["per_head"][head]["weight_relevance"] == pytest.approx(
            relevance["per_head"][head]["weight_relevance"]
        )


def test_text_tells_the_same_to_people(checkpoint, capsys):
    path, _ = checkpoint
    assert main(["inspect", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for word in [*FEATURES, *HEADS, "MultiHeadMLPLearner", "step_count", "rejected_count", "9"]:
        assert word in out
    with pytest.raises(json.JSONDecodeError):
        json.loads(out)


def test_nothing_is_written(checkpoint, capsys):
    path, _ = checkpoint
    octets = path.read_bytes()
    assert main(["inspect", str(path)]) == 0
    assert path.read_bytes() == octets and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_of_a_daemon(name, tmp_path, capsys):
    learner = LEARNERS[name][0]
    state = kept(name).state
    save_agent(learner, state, tmp_path / "agent.ckpt")
    found = inspected(capsys, tmp_path / "agent.ckpt")
    assert found["learner"]["type"] == type(learner).__name__
    assert found["counts"]["step_count"] == state.step_count
    assert main(["inspect", str(tmp_path / "agent.ckpt")]) == 0
    assert type(learner).__name__ in capsys.readouterr().out


def test_a_checkpoint_without_a_learner(tmp_path, capsys):
    path = tmp_path / "other.ckpt"
    save_checkpoint({"mine": np.ones(3)}, path, {"note": "hello", "of": [1, None]})
    found = inspected(capsys, path)
    assert found["metadata"] == {"note": "hello", "of": [1, None]}
    assert found["learner"] is None
    assert main(["inspect", str(path)]) == 0
    assert "hello" in capsys.readouterr().out


def test_a_learner_of_a_class_that_is_not_here(checkpoint, tmp_path):
    """What is known without the class is told: metadata and configuration."""
    path = tmp_path / "own.ckpt"
    script = tmp_path / "own.py"
    script.write_text(
        "import equinox as eqx, jax, jax.numpy as jnp\n"
        "import alberta_framework as af\n"
        "from alberta_framework.learners import AbstractLearner\n"
        "class MyOwnLearner(AbstractLearner):\n"
        "    rate: float = 0.5\n"
        "    def init(self, feature_dim): return af.LinearLearner().init(feature_dim)\n"
        "    def predict(self, state, observation): return observation @ state.weights\n"
        "    def learn(self, state, experience): return state, None\n"
        "    def step_sizes(self, state): return None\n"
        "learner = MyOwnLearner()\n"
        f"af.save_agent(learner, learner.init(3), {str(path)!r}, {{'note': 'mine'}})\n"
    )
    made = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    ran = alberta("inspect", path, "--json", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["metadata"] == {"note": "mine"}
    assert found["learner"] == {"type": "MyOwnLearner", "rate": 0.5}


def said(capsys, path, *options):
    """The one line that the command said."""
    code = main(["inspect", str(path), *options])
    out, err = capsys.readouterr()
    assert code in (1, 2)
    assert out == ""
    assert err.startswith("alberta: ") and err.endswith("\n") and err.count("\n") == 1, err
    return err


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_missing_and_damaged_files_are_told_in_one_line(options, checkpoint, tmp_path, capsys):
    octets = checkpoint[0].read_bytes()
    damages = {
        "absent": None,
        "empty": b"",
        "foreign": b"\x80\x04hello\n" * 50,
        "text": b"hello\n",
        "header": octets[: len(octets) // 8],
        "middle": octets[: len(octets) // 2],
        "end": octets[:-1],
        "bit": octets[:-20] + bytes([octets[-20] ^ 1]) + octets[-19:],
        "more": octets + b"x",
    }
    for name, data in damages.items():
        if data is not None:
            (tmp_path / f"{name}.ckpt").write_bytes(data)
        assert f"{name}.ckpt" in said(capsys, tmp_path / f"{name}.ckpt", *options)
    assert str(tmp_path) in said(capsys, tmp_path, *options)


def test_the_path_is_required(capsys):
    assert main(["inspect"]) == 2
    assert "Missing argument" in capsys.readouterr().err
