"""A configuration that makes no daemon is one line on stderr, and nothing else happens."""

import json

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, example, given, settings

from alberta_framework.checkpoints import save_checkpoint
from alberta_framework.command_line.app import main

from .daemons import CONFIG, write_config


def said(capsys, arguments, *codes):
    """The one line that the command said."""
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert code in codes, err
    assert out == ""
    assert err.startswith("alberta: ") and err.endswith("\n") and err.count("\n") == 1, err
    return err.removeprefix("alberta: ").rstrip("\n")


TD = {"type": "TDLinearLearner", "optimizer": {"type": "TDIDBD"}, "normalizer": None}
LOAD = {"type": "NumberField", "name": "load"}
CHANGES = {
    "unknown key": ({"speed": 3}, "speed"),
    "learner as text": ({"learner": "LinearLearner"}, "learner"),
    "learner null": ({"learner": None}, "learner"),
    "learner empty": ({"learner": {}}, "learner"),
    "no such learner": ({"learner": {"type": "LinearLerner"}}, "LinearLerner"),
    "an optimizer": ({"learner": {"type": "LMS"}}, "learner"),
    "a stream": ({"learner": {"type": "RandomWalkStream", "feature_dim": 2}}, "learner"),
    "an agent": ({"learner": {"type": "SARSAAgent"}}, "SARSAAgent"),
    "unknown argument": ({"learner": {"type": "LinearLearner", "size": 1}}, "size"),
    "out of range": (
        {"learner": {"type": "LinearLearner", "optimizer": {"type": "LMS", "step_size": -1.0}}},
        "step_size",
    ),
    "no features": ({"feature_dim": 0, "feature_names": []}, "feature"),
    "features that differ": ({"feature_dim": 3}, "feature_names"),
    "half a feature": ({"feature_dim": 2.5}, "feature_dim"),
    "flag of features": ({"feature_dim": True}, "feature_dim"),
    "names as text": ({"feature_names": "ab"}, "feature_names"),
    "equal names": ({"feature_names": ["a", "a"]}, "feature_names"),
    "numbers as names": ({"feature_names": [1, 2]}, "feature_names"),
    "lists as names": ({"feature_names": [[1], [2]]}, "feature_names"),
    "objects as names": ({"feature_names": [{}, {}]}, "feature_names"),
    "null names": ({"feature_names": [None, "b"]}, "feature_names"),
    "many heads": ({"head_names": ["a", "b"]}, "head_names"),
    "numbers as heads": ({"head_names": [1]}, "head_names"),
    "gamma for none": ({"gamma": 0.5}, "gamma"),
    "no gamma": ({"learner": TD}, "gamma"),
    "gamma text": ({"learner": TD, "gamma": "x"}, "gamma"),
    "seed text": ({"seed": "x"}, "seed"),
    "seed too large": ({"seed": 2**80}, "seed"),
    "keep 0": ({"keep": 0}, "keep"),
    "every 0": ({"checkpoint_every": 0}, "checkpoint_every"),
    "every -1 s": ({"checkpoint_every_s": -1}, "checkpoint_every_s"),
    "a negative window": ({"label_window": -1}, "label_window"),
    "half a window": ({"label_window": 1.5}, "label_window"),
    "features without fields": ({"features": {}}, "features: missing key 'fields'"),
    "features as a list": ({"features": []}, "features"),
    "a field of no kind": ({"features": {"fields": [{"name": "a"}]}}, "features.fields[0]"),
    "a lag of 0": ({"features": {"fields": [LOAD | {"lags": [0]}]}}, "features.fields[0]: "),
    "what becomes of others": ({"features": {"fields": [LOAD], "extra": "x"}}, "`extra`"),
    "names of other features": ({"features": {"fields": [LOAD]}}, "`feature_names`"),
}


@pytest.mark.parametrize("with_checkpoint", [True, False], ids=["saving", "not saving"])
@pytest.mark.parametrize("row", CHANGES)
def test_a_bad_value_names_file_and_key(row, with_checkpoint, tmp_path, capsys):
    changes, name = CHANGES[row]
    config = write_config(tmp_path, **changes)
    saving = ["--checkpoint", tmp_path / "agent.ckpt"] if with_checkpoint else []
    line = said(capsys, ["daemon", "--config", config, *saving], 2)
    assert "learner.json" in line and name in line
    assert [path.name for path in tmp_path.iterdir()] == ["learner.json"]


def test_a_missing_key_is_named(tmp_path, capsys):
    config = tmp_path / "learner.json"
    for missing, content in {
        "learner": {"feature_dim": 2},
        "feature_dim": {"learner": CONFIG["learner"]},
    }.items():
        config.write_text(json.dumps(content))
        assert missing in said(capsys, ["daemon", "--config", config], 2)


FILES = {
    "absent.json": None,
    "syntax.json": b'{"learner":\n 3,}',
    "syntax.toml": b"learner = = 3",
    "list.json": b"[1]",
    "latin.json": b'{"learner": "caf\xe9"}',
    "learner.txt": b"{}",
    "empty.json": b"",
    "deep.json": b"[" * 100_000,
    "deep.toml": b"a = " + b"[" * 100_000,
    "null.json": b"null",
    "long.json": b'{"seed": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_named(name, tmp_path, capsys):
    path = tmp_path / name
    if FILES[name] is not None:
        path.write_bytes(FILES[name])
    assert name in said(capsys, ["daemon", "--config", path], 2)


def test_a_folder_is_no_config(tmp_path, capsys):
    (tmp_path / "x.json").mkdir()
    assert "x.json" in said(capsys, ["daemon", "--config", tmp_path / "x.json"], 2)


def test_the_config_is_required(capsys):
    assert "--config" in said(capsys, ["daemon"], 2)


@pytest.mark.parametrize("every", ["0", "-1", "x"])
def test_reports_need_a_count(every, tmp_path, capsys):
    config = write_config(tmp_path)
    line = said(capsys, ["daemon", "--config", config, "--report-every", every], 2)
    assert "--report-every" in line


def test_a_checkpoint_of_another_structure_is_not_overwritten(tmp_path, capsys):
    path = tmp_path / "agent.ckpt"
    save_checkpoint({"mine": 1}, path)
    octets = path.read_bytes()
    config = write_config(tmp_path)
    line = said(capsys, ["daemon", "--config", config, "--checkpoint", path], 1, 2)
    assert "agent.ckpt" in line
    assert path.read_bytes() == octets


def test_a_damaged_checkpoint_is_not_overwritten(tmp_path, capsys):
    path = tmp_path / "agent.ckpt"
    path.write_bytes(b"damaged")
    config = write_config(tmp_path)
    line = said(capsys, ["daemon", "--config", config, "--checkpoint", path], 1, 2)
    assert "agent.ckpt" in line
    assert path.read_bytes() == b"damaged"


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 70), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = ["learner", "feature_dim", "feature_names", "head_names", "gamma", "seed", "keep"]
LEARNER_KEYS = ["optimizer", "normalizer", "bounder", "use_bias", "hidden_sizes", "sparsity"]
KINDS = ["LinearLearner", "MLPLearner", "TDLinearLearner", "HordeLearner", "LMS", "IDBD", "Float"]
nested = st.dictionaries(st.sampled_from(["type", "step_size", "decay"]), values, max_size=2)
learners = st.dictionaries(st.sampled_from(LEARNER_KEYS), st.one_of(values, nested), max_size=3)


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.dictionaries(st.sampled_from(KEYS[1:]), values, max_size=4),
    st.sampled_from(KINDS),
    st.one_of(learners, values),
)
@example({}, "LinearLearner", {"optimizer": 3})
def test_arbitrary_configs_are_told_in_one_line(
    tmp_path, capsys, monkeypatch, config, kind, learner
):
    """Those that do make a daemon find the end of their input at once."""
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO())
    config = dict(config) | {"wrong": 1}  # never sound, so that none is compiled
    config["learner"] = learner | {"type": kind} if isinstance(learner, dict) else learner
    path = tmp_path / "learner.json"
    path.write_text(json.dumps(config))
    assert "learner.json" in said(capsys, ["daemon", "--config", path], 2)
    del config["wrong"]
    config["feature_dim"] = 2
    config["feature_names"] = ["a"]  # contradicts, after everything else was read
    path.write_text(json.dumps(config))
    assert "learner.json" in said(capsys, ["daemon", "--config", path], 2)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.sampled_from(["x.json", "x.toml"]))
def test_arbitrary_files_are_told_in_one_line(tmp_path, capsys, data, name):
    path = tmp_path / name
    path.write_bytes(data)
    assert name in said(capsys, ["daemon", "--config", path], 2)
