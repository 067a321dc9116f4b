"""Components as JSON, key by key and back."""

import copy
import json
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

import alberta_framework as af

# Keys and values at the defaults, in order; those of the first five groups are what the reference
# implementation (alberta-framework 0.16.0) reads and writes.
DEFAULTS = {
    "LMS": {"step_size": 0.01},
    "IDBD": {"initial_step_size": 0.01, "meta_step_size": 0.01},
    "Autostep": {"initial_step_size": 0.01, "meta_step_size": 0.01, "tau": 10000.0},
    "FADE": {
        "initial_step_size": 0.05,
        "meta_step_size": 0.01,
        "initial_decay": 0.1,
        "decay_meta_step_size": 0.03,
        "min_decay": 3e-7,
        "max_decay": 1.0,
    },
    "ObGD": {"step_size": 1.0, "kappa": 2.0, "gamma": 0.0, "lamda": 0.0},
    "ObGDBounding": {"kappa": 2.0},
    "AGCBounding": {"clip_factor": 0.01, "eps": 0.001},
    "EMANormalizer": {"epsilon": 1e-8, "decay": 0.99},
    "WelfordNormalizer": {"epsilon": 1e-8},
    "TDIDBD": {
        "initial_step_size": 0.01,
        "meta_step_size": 0.01,
        "trace_decay": 0.0,
        "use_semi_gradient": True,
    },
    "AutoTDIDBD": {
        "initial_step_size": 0.01,
        "meta_step_size": 0.01,
        "trace_decay": 0.0,
        "normalizer_decay": 10000.0,
    },
}
FAMILIES = {
    "optimizer": ("LMS", "IDBD", "Autostep", "FADE", "ObGD", "TDIDBD", "AutoTDIDBD"),
    "bounder": ("ObGDBounding", "AGCBounding"),
    "normalizer": ("EMANormalizer", "WelfordNormalizer"),
}
READERS = {
    "optimizer": af.optimizer_from_config,
    "bounder": af.bounder_from_config,
    "normalizer": af.normalizer_from_config,
}
OPTIONS = [
    ("IDBD", {"h_decay_mode": "loss_grads"}),
    ("IDBD", {"param_meta": "prediction"}),
    ("IDBD", {"min_log_step_size": -8.0, "max_log_step_size": 1.5}),
    ("TDIDBD", {"trace_discount": "outgoing"}),
    ("TDIDBD", {"max_log_step_size": 1.5}),
    ("AutoTDIDBD", {"trace_discount": "outgoing"}),
    ("AutoTDIDBD", {"min_log_step_size": -8.0}),
    ("AGCBounding", {"unit_axis": -1}),
    ("IDBD", {"max_effective_step": 0.5, "max_log_step_change": 2.0}),
    ("TDIDBD", {"max_effective_step": 1, "max_log_step_change": 2.0}),
    ("AutoTDIDBD", {"max_effective_step": 1.0}),
    ("EMANormalizer", {"predict_with": "current"}),
    ("EMANormalizer", {"clip": 10.0}),
    ("WelfordNormalizer", {"predict_with": "current", "clip": 3}),
    ("Autostep", {"min_step_size": 0.0}),
    ("Autostep", {"max_step_size": math.inf}),
]
KIND_AND_READER = [(kind, READERS[family]) for family, kinds in FAMILIES.items() for kind in kinds]
LEARNERS = {
    "linear": af.LinearLearner(),
    "linear with all parts": af.LinearLearner(
        af.Autostep(0.1, max_step_size=math.inf), af.EMANormalizer(decay=0.9), af.AGCBounding(0.1)
    ),
    "linear, targets in scale": af.LinearLearner(target_normalizer=af.WelfordNormalizer(clip=5.0)),
    "heads, robust": af.MultiHeadMLPLearner(
        2, (3,), loss="huber", huber_delta=0.5, target_normalizer=af.EMANormalizer()
    ),
    "network, targets in scale": af.MLPLearner((3,), target_normalizer=af.EMANormalizer()),
    "linear that forgets": af.LinearLearner(af.FADE(0.1, max_decay=0.5)),
    "two optimizers": af.MLPLearner((8,), af.Hybrid(af.LMS(0.1), af.FADE(0.1, initial_decay=0.3))),
    "linear without bias": af.LinearLearner(af.IDBD(0.1), use_bias=False),
    "td": af.TDLinearLearner(),
    "td with all parts": af.TDLinearLearner(
        af.AutoTDIDBD(0.1, trace_discount="outgoing"), af.WelfordNormalizer(1e-6), use_bias=False
    ),
}


def assert_identical(ours, given):
    """Equal leaf for leaf and type for type."""
    assert type(ours) is type(given)
    assert eqx.tree_equal(ours, given) is True
    kinds = [list(map(type, jax.tree.leaves(component))) for component in (ours, given)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("kind", DEFAULTS)
def test_keys_at_the_defaults(kind):
    config = getattr(af, kind)().to_config()
    assert list(config.items()) == [("type", kind), *DEFAULTS[kind].items()]
    for key, value in DEFAULTS[kind].items():
        assert type(config[key]) is type(value)


@pytest.mark.parametrize("kind, option", OPTIONS, ids=str)
def test_options_appear_only_where_they_are_not_the_default(kind, option):
    component = getattr(af, kind)(**option)
    written = {name: "Infinity" if value == math.inf else value for name, value in option.items()}
    assert component.to_config() == {"type": kind} | DEFAULTS[kind] | written
    assert_identical(af.from_config(component.to_config()), component)


def examples():
    for kind, arguments in DEFAULTS.items():
        yield getattr(af, kind)()
        halved = {k: v if isinstance(v, bool) else v / 2 + 1e-3 for k, v in arguments.items()}
        yield getattr(af, kind)(**halved)
    for kind, option in OPTIONS:
        yield getattr(af, kind)(**option)
    yield from LEARNERS.values()


@pytest.mark.parametrize("component", list(examples()), ids=repr)
def test_the_round_trip_through_json_is_exact(component):
    config = component.to_config()
    text = json.dumps(config, allow_nan=False)
    assert json.loads(text) == config
    assert_identical(af.from_config(json.loads(text)), component)
    assert_identical(type(component).from_config(json.loads(text)), component)


@pytest.mark.parametrize("kind, read", KIND_AND_READER)
def test_the_reader_of_each_family(kind, read):
    assert_identical(read({"type": kind} | DEFAULTS[kind]), getattr(af, kind)())
    assert_identical(read({"type": kind}), getattr(af, kind)())


def test_infinity_is_a_word_where_a_number_is_expected():
    text = json.dumps(af.Autostep(max_step_size=math.inf).to_config(), allow_nan=False)
    assert '"max_step_size": "Infinity"' in text
    # Files written before hold the bare word, which Python reads.
    for written in (text, text.replace('"Infinity"', "Infinity")):
        assert af.optimizer_from_config(json.loads(written)).max_step_size == math.inf


@pytest.mark.parametrize("word, text", [("NaN", "nan"), ("Infinity", "inf"), ("-Infinity", "-inf")])
def test_a_word_is_refused_where_its_number_is(word, text):
    with pytest.raises(ValueError, match=f"step_size.* got {text}"):
        af.from_config({"type": "LMS", "step_size": word})
    with pytest.raises(ValueError, match="step_size: must be a number, got str 'infinity'"):
        af.from_config({"type": "LMS", "step_size": "infinity"})


def test_words_are_numbers_by_what_is_expected(own_components):
    class Said(af.AbstractComponent):
        text: str = eqx.field(static=True)
        number: float
        either: Any = eqx.field(static=True)
        several: tuple[float, ...] = eqx.field(static=True)
        array: Float[Array, " n"] | None
        unset: float | None = math.inf

    said = Said("Infinity", -math.inf, math.inf, (1.0, math.inf), np.array([np.inf, 2.0]), None)
    config = said.to_config()
    words = {"text": "Infinity", "number": "-Infinity", "either": "Infinity", "unset": None}
    words |= {"several": [1.0, "Infinity"], "array": ["Infinity", 2.0]}
    assert config == {"type": "Said"} | words
    assert_identical(af.from_config(json.loads(json.dumps(config, allow_nan=False))), said)
    assert Said("x", 0.0, None, (), None).to_config()["unset"] == "Infinity"


def test_numbers_are_the_user_s_own():
    assert af.LMS(0.05).to_config()["step_size"] == 0.05
    assert repr(af.LMS(0.1).to_config()["step_size"]) == "0.1"
    for value in (np.float32(0.5), np.array(0.5), jnp.float32(0.5), np.float64(0.5)):
        written = af.LMS(value).to_config()["step_size"]
        assert type(written) is float and written == 0.5


@pytest.mark.parametrize("config", [component.to_config() for component in examples()], ids=str)
def test_reading_leaves_the_dictionary_alone(config):
    before = copy.deepcopy(config)
    af.from_config(config)
    assert config == before


@pytest.mark.parametrize("family", READERS)
@pytest.mark.parametrize("kind", ["Adam", "LinearLearner", "", None, 3], ids=repr)
def test_an_unknown_type(family, kind):
    with pytest.raises(ValueError, match=f"^Unknown {family} type") as caught:
        READERS[family]({"type": kind})
    assert repr(kind) in str(caught.value)


@pytest.mark.parametrize("family", READERS)
def test_a_type_of_another_family(family):
    for other, kinds in FAMILIES.items():
        if other != family:
            with pytest.raises(ValueError, match=f"^Unknown {family} type"):
                READERS[family]({"type": kinds[0]})


@pytest.mark.parametrize("family", READERS)
def test_a_missing_type(family):
    with pytest.raises(ValueError, match="type"):
        READERS[family]({"step_size": 0.1})
    with pytest.raises(ValueError, match="type"):
        af.from_config({})


@pytest.mark.parametrize("kind", DEFAULTS)
def test_an_unknown_key_is_told_with_its_nearest(kind):
    known = list(DEFAULTS[kind])[-1]
    wrong = known[:-1] + known[-1] * 2
    with pytest.raises(ValueError) as caught:
        af.from_config({"type": kind, wrong: 0.1})
    assert wrong in str(caught.value) and known in str(caught.value)


@pytest.mark.parametrize("kind", DEFAULTS)
@pytest.mark.parametrize("value", ["0.1", None, True, [0.1], {}], ids=repr)
def test_a_value_of_the_wrong_json_type(kind, value):
    key = next(iter(DEFAULTS[kind]))
    with pytest.raises(ValueError, match=key):
        af.from_config({"type": kind, key: value})


@pytest.mark.parametrize("kind", DEFAULTS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf], ids=repr)
def test_a_value_that_is_not_finite(kind, value):
    key = next(iter(DEFAULTS[kind]))
    with pytest.raises(ValueError, match=key):
        af.from_config({"type": kind, key: value})


def test_a_class_reads_only_its_own_type():
    assert_identical(af.IDBD.from_config({"type": "IDBD"}), af.IDBD())
    with pytest.raises(ValueError, match="LMS"):
        af.IDBD.from_config({"type": "LMS"})


SWEPT = jnp.array([0.1, 0.2])


@pytest.mark.parametrize(
    "component, path",
    [
        (af.LMS(SWEPT), "step_size"),
        (af.LinearLearner(af.LMS(SWEPT)), "optimizer.step_size"),
        (af.LinearLearner(normalizer=af.EMANormalizer(decay=SWEPT)), "normalizer.decay"),
        (af.TDLinearLearner(af.TDIDBD(trace_decay=np.array([0.1]))), "optimizer.trace_decay"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_batched_component_has_no_config(component, path):
    with pytest.raises(TypeError) as caught:
        component.to_config()
    assert path in str(caught.value) and "scalar" in str(caught.value)


def test_a_traced_component_has_no_config():
    def trace(value):
        af.LinearLearner(af.LMS(value)).to_config()
        return value

    with pytest.raises(TypeError, match=r"optimizer\.step_size"):
        jax.jit(trace)(0.1)


LINEAR_KEYS = ["type", "optimizer", "normalizer", "bounder"]
TD_KEYS = ["type", "optimizer", "normalizer"]


LINEAR = {
    name: learner
    for name, learner in LEARNERS.items()
    if isinstance(learner, af.LinearLearner | af.TDLinearLearner)
}


@pytest.mark.parametrize("learner", LINEAR.values(), ids=LINEAR)
def test_keys_of_the_linear_learners(learner):
    keys = LINEAR_KEYS if isinstance(learner, af.LinearLearner) else TD_KEYS
    config = learner.to_config()
    told = ["use_bias"] * (not learner.use_bias)
    told += ["target_normalizer"] * (getattr(learner, "target_normalizer", None) is not None)
    assert list(config) == keys + told
    assert config["optimizer"] == learner.optimizer.to_config()
    for part in keys[2:]:
        component = getattr(learner, part)
        assert config[part] == (None if component is None else component.to_config())
    assert config.get("use_bias", True) is learner.use_bias


@pytest.mark.parametrize("kind", ["LinearLearner", "TDLinearLearner"])
def test_a_learner_needs_its_optimizer_and_nothing_else(kind):
    cls = getattr(af, kind)
    optimizer = cls().optimizer.to_config()
    for config in ({"optimizer": optimizer}, {"type": kind, "optimizer": optimizer}):
        assert_identical(cls.from_config(config), cls())
    with pytest.raises(ValueError, match="optimizer"):
        cls.from_config({"type": kind, "normalizer": None})


def test_use_bias_is_given_by_name_only():
    with pytest.raises(TypeError):
        af.LinearLearner(None, None, None, False)
    with pytest.raises(TypeError):
        af.TDLinearLearner(None, None, False)


@pytest.mark.parametrize(
    "optimizer, words",
    [
        ({"type": "IDBD", "meta_stepsize": 0.1}, ["optimizer", "meta_stepsize", "meta_step_size"]),
        ({"type": "IDBD", "meta_step_size": "0.1"}, ["optimizer.meta_step_size", "'0.1'"]),
        ({"type": "IDBD", "meta_step_size": -0.5}, ["meta_step_size", "-0.5"]),
        ({"type": "Adam"}, ["optimizer", "Adam"]),
        ({"type": "EMANormalizer"}, ["optimizer", "EMANormalizer"]),
        ({"meta_step_size": 0.1}, ["optimizer", "type"]),
        ({"type": "TDIDBD"}, ["optimizer", "TDIDBD"]),
        (0.1, ["optimizer", "0.1"]),
        (None, ["optimizer", "None"]),
    ],
    ids=str,
)
def test_an_error_deep_in_a_config_tells_its_path(optimizer, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        af.LinearLearner.from_config({"type": "LinearLearner", "optimizer": optimizer})
    for word in words:
        assert word in str(caught.value), str(caught.value)


def test_a_user_s_component_loads_by_being_defined(own_components):
    class SignLMS(af.AbstractOptimizer):
        step_size: float = 0.1

        def init(self, feature_dim):
            raise NotImplementedError

        update = init_for_shape = update_from_gradient = step_sizes = bias_step_size = init

    config = {"type": "LinearLearner", "optimizer": {"type": "SignLMS", "step_size": 0.5}}
    learner = af.from_config(config)
    assert type(learner.optimizer) is SignLMS and learner.optimizer.step_size == 0.5
    assert learner.to_config() == config | {"normalizer": None, "bounder": None}
