"""Hordes and agents as JSON, key by key and back."""

import copy
import json

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files
from tests.horde import cases, runs
from tests.laws.test_configs import assert_identical

NETWORK = ["optimizer", "bounder", "normalizer", "head_optimizer"]
NETWORK += ["sparsity", "leaky_relu_slope", "use_layer_norm"]
KEYS = {
    "HordeLearner": ["type", "horde_spec", "hidden_sizes", *NETWORK],
    "SARSAAgent": ["type", "sarsa_config", "lamda", "prediction_demons", "hidden_sizes", *NETWORK],
}
GVF_KEYS = ["name", "demon_type", "gamma", "lamda", "cumulant_index", "terminal_reward"]
CONFIG_KEYS = ["n_actions", "gamma", "epsilon_start", "epsilon_end", "epsilon_decay_steps"]
REQUIRED = {
    "HordeLearner": ["horde_spec", "hidden_sizes", "optimizer"],
    "SARSAAgent": ["sarsa_config", "hidden_sizes", "optimizer"],
}

LEARNERS = {
    "horde": af.HordeLearner(runs.spec(runs.demon())),
    "horde with all parts": cases.horde(head_optimizer=af.Autostep(0.1), use_layer_norm=False),
    "linear horde": runs.linear(runs.demon(0.1, 0.3, 2, -0.7), runs.demon(0, 1), use_bias=False),
    "agent": af.SARSAAgent(af.SARSAConfig(4)),
    "agent with all parts": cases.agent(head_optimizer=af.Autostep(0.1), leaky_relu_slope=0.3),
    "linear agent": cases.agent(demons=None, hidden_sizes=(), use_bias=False, lamda=0.1),
}
RECORDS = {
    "gvf_spec": af.GVFSpec,
    "horde_spec": af.HordeSpec,
    "sarsa_config": af.SARSAConfig,
}


def reference_configs():
    """As the reference implementation (alberta-framework 0.16.0) wrote them."""
    (entry,) = (
        e for e in golden_files.manifest("streams")["cases"].values() if e["kind"] == "configs"
    )
    return entry["configs"]


@pytest.mark.parametrize("name", ["horde", "sarsa_default", "sarsa_demons", *RECORDS])
def test_a_file_of_the_reference_is_read_and_written_unchanged(name):
    config = reference_configs()[name]
    given = copy.deepcopy(config)
    read = RECORDS[name].from_config if name in RECORDS else af.from_config
    component = read(given)
    assert given == config
    written = component.to_config()
    assert json.dumps(written) == json.dumps(config)
    assert list(written) == list(config)


@pytest.mark.parametrize("name", ["horde", "sarsa_default", "sarsa_demons"])
def test_a_learner_reads_its_own_file_without_a_type(name):
    config = copy.deepcopy(reference_configs()[name])
    kind = getattr(af, config.pop("type"))
    assert_identical(kind.from_config(config), af.from_config(reference_configs()[name]))


@pytest.mark.parametrize("name", LEARNERS)
def test_keys_in_order(name):
    learner = LEARNERS[name]
    config, kind = learner.to_config(), type(learner).__name__
    option = [] if learner.use_bias else ["use_bias"]
    assert list(config) == KEYS[kind] + option and config["type"] == kind
    if kind == "HordeLearner":
        assert list(config["horde_spec"]) == ["demons"]
        demons = config["horde_spec"]["demons"]
    else:
        assert list(config["sarsa_config"]) == CONFIG_KEYS
        demons = config["prediction_demons"] or []
    for demon in demons:
        assert list(demon) == GVF_KEYS
        assert demon["demon_type"] == "prediction"
        kinds = [type(demon[key]) for key in GVF_KEYS[2:]]
        assert kinds[:2] == [float, float] and kinds[2] is int
    assert type(config["hidden_sizes"]) is list


@pytest.mark.parametrize("name", LEARNERS)
def test_the_round_trip_through_json_is_exact(name):
    learner = LEARNERS[name]
    config = learner.to_config()
    again = af.from_config(json.loads(json.dumps(config)))
    assert_identical(again, learner)
    assert json.dumps(again.to_config()) == json.dumps(config)


@pytest.mark.parametrize(
    "record", [runs.demon(0.1, 0.7, 3, -2.5), runs.spec(runs.demon(0.3)), af.SARSAConfig(3, 0.1)]
)
def test_the_round_trip_of_records(record):
    config = record.to_config()
    assert "type" not in config
    assert_identical(type(record).from_config(json.loads(json.dumps(config))), record)
    assert_identical(type(record).from_config({"type": type(record).__name__} | config), record)
    with pytest.raises(ValueError, match="type"):
        type(record).from_config({"type": "LMS"} | config)


def test_numbers_are_the_user_s_own():
    """No trace of float32, in which 0.1 would be 0.10000000149011612."""
    config = runs.linear(runs.demon(0.1, 0.3, -1, 0.7)).to_config()
    (demon,) = config["horde_spec"]["demons"]
    assert [demon[key] for key in ("gamma", "lamda", "terminal_reward")] == [0.1, 0.3, 0.7]
    config = af.SARSAConfig(2, 0.1, 0.3, 0.07, 10).to_config()
    assert list(config.values()) == [2, 0.1, 0.3, 0.07, 10]
    assert type(config["epsilon_decay_steps"]) is int


@pytest.mark.parametrize("kind", REQUIRED)
def test_keys_that_a_file_must_have(kind):
    learner = next(one for one in LEARNERS.values() if type(one).__name__ == kind)
    for key in REQUIRED[kind]:
        config = learner.to_config()
        del config[key]
        with pytest.raises(ValueError, match=key):
            af.from_config(config)


@pytest.mark.parametrize("kind", REQUIRED)
def test_other_keys_take_the_default(kind):
    learner = next(one for one in LEARNERS.values() if type(one).__name__ == kind)
    config = {"type": kind} | {key: learner.to_config()[key] for key in REQUIRED[kind]}
    assert_identical(af.from_config(config), learner)


SPOILED = [
    ("horde", ("horde_spec", "demons", 0, "gama"), 0.5, "gama"),
    ("horde", ("horde_spec", "demons", 0, "gamma"), "0.5", "gamma"),
    ("horde", ("horde_spec", "demons", 0, "gamma"), 1.5, "gamma"),
    ("horde", ("horde_spec", "demons", 0, "demon_type"), "both", "demon_type"),
    ("horde", ("horde_spec", "demons"), [], "demons"),
    ("horde", ("horde_spec",), None, "horde_spec"),
    ("horde", ("n_heads",), 3, "n_heads"),
    ("agent", ("sarsa_config", "n_actions"), 2.5, "n_actions"),
    ("agent", ("sarsa_config", "epsilon_decay_steps"), -3, "epsilon_decay_steps"),
    ("agent", ("sarsa_config", "gamma"), float("nan"), "gamma"),
    ("agent", ("prediction_demons",), 3, "prediction_demons"),
    ("agent", ("lambda",), 0.5, "lambda"),
    ("agent", ("lamda",), True, "lamda"),
]


@pytest.mark.parametrize("name, path, value, told", SPOILED, ids=str)
def test_a_bad_value_is_told_by_its_name(name, path, value, told):
    config = json.loads(json.dumps(LEARNERS[name].to_config()))
    inside = config
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    with pytest.raises(ValueError, match=told):
        af.from_config(config)


def test_a_swept_horde_has_no_config():
    swept = af.HordeLearner(runs.spec(runs.demon()), (4,), af.LMS(jnp.array([0.1, 0.2])))
    with pytest.raises(TypeError, match=r"optimizer\.step_size"):
        swept.to_config()
    config = af.SARSAConfig(2, np.array([0.1, 0.2]))
    with pytest.raises(TypeError, match="gamma"):
        af.SARSAAgent(config, (4,)).to_config()
