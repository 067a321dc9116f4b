"""The network learners as JSON, key by key and back."""

import copy
import json
import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files

MLP_DEFAULTS = {
    "type": "MLPLearner",
    "hidden_sizes": [128, 128],
    "optimizer": {"type": "LMS", "step_size": 1.0},
    "bounder": None,
    "normalizer": None,
    "head_optimizer": None,
    "sparsity": 0.9,
    "leaky_relu_slope": 0.01,
    "use_layer_norm": True,
    "gamma": 0.0,
    "lamda": 0.0,
}
MULTI_HEAD_DEFAULTS = {
    "type": "MultiHeadMLPLearner",
    "n_heads": 3,
    **{key: value for key, value in MLP_DEFAULTS.items() if key != "type"},
    "per_head_gamma_lamda": None,
}
LEARNERS = {
    "mlp": af.MLPLearner(),
    "mlp with all parts": af.MLPLearner(
        (64, 3),
        af.IDBD(0.1, param_meta="prediction"),
        bounder=af.AGCBounding(0.1, unit_axis=-1),
        gamma=0.9,
        lamda=1,
        normalizer=af.EMANormalizer(decay=0.9),
        sparsity=0.25,
        leaky_relu_slope=-0.5,
        use_layer_norm=False,
        head_optimizer=af.Autostep(max_step_size=math.inf),
    ),
    "linear": af.MLPLearner((), step_size=0.1),
    "many": af.MultiHeadMLPLearner(3),
    "many with all parts": af.MultiHeadMLPLearner(
        2,
        (16,),
        af.LMS(0.1),
        bounder=af.ObGDBounding(3.0),
        gamma=0.5,
        normalizer=af.WelfordNormalizer(1e-6),
        head_optimizer=af.IDBD(0.3),
        per_head_gamma_lamda=(0.0, 0.1),
        use_bias=False,
    ),
    "many linear": af.MultiHeadMLPLearner(2, (), gamma=0.9, lamda=0.8),
}
EACH = pytest.mark.parametrize("learner", LEARNERS.values(), ids=LEARNERS)


def assert_identical(ours, given):
    """Equal leaf for leaf and type for type."""
    assert type(ours) is type(given)
    assert eqx.tree_equal(ours, given, typematch=True) is True
    assert [type(leaf) for leaf in jax.tree.leaves(ours)] == [
        type(leaf) for leaf in jax.tree.leaves(given)
    ]


@pytest.mark.parametrize("name, config", [("mlp", MLP_DEFAULTS), ("many", MULTI_HEAD_DEFAULTS)])
def test_keys_at_the_defaults(name, config):
    written = LEARNERS[name].to_config()
    assert list(written.items()) == list(config.items())
    assert [type(value) for value in written.values()] == [type(v) for v in config.values()]


@EACH
def test_keys_are_in_order(learner):
    many = isinstance(learner, af.MultiHeadMLPLearner)
    keys = list(MULTI_HEAD_DEFAULTS if many else MLP_DEFAULTS)
    config = learner.to_config()
    assert list(config) == (keys if getattr(learner, "use_bias", True) else [*keys, "use_bias"])
    for part in ("optimizer", "bounder", "normalizer", "head_optimizer"):
        component = getattr(learner, part)
        assert config[part] == (None if component is None else component.to_config())


@EACH
def test_the_round_trip_through_json_is_exact(learner):
    config = learner.to_config()
    text = json.dumps(config)
    assert json.loads(text) == config
    for read in (af.from_config, type(learner).from_config):
        again = read(json.loads(text))
        assert_identical(again, learner)
        assert again.to_config() == config


@EACH
def test_reading_leaves_the_dictionary_alone(learner):
    config = learner.to_config()
    before = copy.deepcopy(config)
    af.from_config(config)
    assert config == before


def reference_configs():
    """Those of learners that exist here."""
    (entry,) = (
        about
        for about in golden_files.manifest("streams")["cases"].values()
        if about["kind"] == "configs"
    )
    names = (
        "mlp_default",
        "mlp_full",
        "multi_head_default",
        "multi_head_linear",
        "multi_head_full",
    )
    return {name: entry["configs"][name] for name in names}


def test_the_configs_of_the_reference_are_found():
    assert len(reference_configs()) == 5


@pytest.mark.parametrize("config", reference_configs().values(), ids=reference_configs())
def test_what_the_reference_wrote_loads_and_is_written_unchanged(config):
    written = af.from_config(copy.deepcopy(config)).to_config()
    assert written == config
    assert list(written) == list(config)
    assert json.dumps(written) == json.dumps(config)


@pytest.mark.parametrize(
    "case",
    [*golden_files.cases("learners", "mlp")[::6], *golden_files.cases("learners", "multi_head")],
    ids=lambda case: case.name,
)
def test_golden_learners_are_written_unchanged(case):
    config = case.about["learner"]
    assert af.from_config(copy.deepcopy(config)).to_config() == config


def without(config, *keys):
    return {key: value for key, value in copy.deepcopy(config).items() if key not in keys}


@pytest.mark.parametrize("key", ["optimizer", "hidden_sizes", "n_heads"])
def test_keys_that_are_required(key):
    for config in (MLP_DEFAULTS, MULTI_HEAD_DEFAULTS):
        if key in config:
            with pytest.raises(ValueError, match=key):
                af.from_config(without(config, key))


def test_every_other_key_takes_the_default():
    cls, required = af.MLPLearner, ("type", "optimizer", "hidden_sizes")
    others = [key for key in MLP_DEFAULTS if key not in required]
    assert_identical(cls.from_config(without(MLP_DEFAULTS, *others)), cls())
    assert_identical(cls.from_config(without(MLP_DEFAULTS, "type", *others)), cls())
    many = af.MultiHeadMLPLearner
    config = without(MULTI_HEAD_DEFAULTS, "type", "per_head_gamma_lamda", *others)
    assert_identical(many.from_config(config), many(3))


@pytest.mark.parametrize(
    "change, words",
    [
        ({"hidden_size": [3]}, ["hidden_size", "hidden_sizes"]),
        ({"step_size": 0.1}, ["step_size"]),
        ({"hidden_sizes": 3}, ["hidden_sizes", "3"]),
        ({"hidden_sizes": [3.0]}, ["hidden_sizes", "3.0"]),
        ({"hidden_sizes": [0]}, ["hidden_sizes", "0"]),
        ({"optimizer": {"type": "TDIDBD"}}, ["optimizer", "TDIDBD"]),
        ({"head_optimizer": {"type": "LMS", "step": 1}}, ["head_optimizer", "step_size"]),
        ({"bounder": {"type": "ObGDBounding", "kappa": "2"}}, ["bounder.kappa", "'2'"]),
        ({"normalizer": {"type": "LMS"}}, ["normalizer", "LMS"]),
        ({"use_layer_norm": 1}, ["use_layer_norm", "1"]),
        ({"sparsity": math.nan}, ["sparsity", "nan"]),
        ({"gamma": 1.5}, ["gamma", "1.5"]),
        ({"n_heads": 2.0}, ["n_heads", "2.0"]),
        ({"n_heads": True}, ["n_heads", "True"]),
        ({"per_head_gamma_lamda": [0.5]}, ["per_head_gamma_lamda"]),
        ({"per_head_gamma_lamda": 0.5}, ["per_head_gamma_lamda"]),
        ({"per_head_gamma_lamda": [0.5, 0.5, "a"]}, ["per_head_gamma_lamda", "a"]),
        ({"per_head_gamma_lamda": [0.5, 0.5, 1.5]}, ["per_head_gamma_lamda", "1.5"]),
        ({"use_bias": None}, ["use_bias", "None"]),
        ({"gamma": 0.5, "lamda": 0.5}, ["gamma", "0.5"]),
    ],
    ids=str,
)
def test_a_wrong_entry_is_told_by_its_path(change, words):
    with pytest.raises(ValueError) as caught:
        af.from_config(copy.deepcopy(MULTI_HEAD_DEFAULTS) | change)
    for word in words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    "learner, path",
    [
        (af.MLPLearner((8,), af.LMS(jnp.array([0.1, 0.2]))), "optimizer.step_size"),
        (af.MLPLearner((8,), leaky_relu_slope=jnp.array([0.1, 0.2])), "leaky_relu_slope"),
        (af.MultiHeadMLPLearner(2, (), gamma=np.array([0.1, 0.2])), "gamma"),
        (
            af.MultiHeadMLPLearner(2, (), per_head_gamma_lamda=np.zeros((3, 2))),
            "per_head_gamma_lamda",
        ),
    ],
    ids=["optimizer", "slope", "gamma", "decays"],
)
def test_a_batched_learner_has_no_config(learner, path):
    with pytest.raises(TypeError) as caught:
        learner.to_config()
    assert path in str(caught.value)


def test_numbers_are_the_user_s_own():
    learner = af.MultiHeadMLPLearner(2, step_size=0.1, per_head_gamma_lamda=(0.1, 1))
    config = learner.to_config()
    assert config["optimizer"]["step_size"] == 0.1
    assert config["per_head_gamma_lamda"] == [0.1, 1.0]
    assert [type(v) for v in config["per_head_gamma_lamda"]] == [float, float]
    for value in (np.float32(0.5), np.array(0.5), jnp.float32(0.5), np.float64(0.5)):
        written = af.MLPLearner(sparsity=0.5, leaky_relu_slope=value).to_config()
        assert type(written["leaky_relu_slope"]) is float
        assert written["leaky_relu_slope"] == 0.5
