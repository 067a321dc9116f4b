"""Bad arguments of demons, hordes and agents are refused at construction, by name and value."""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.horde import runs

GVF = {
    "name": "d",
    "demon_type": af.DemonType.PREDICTION,
    "gamma": 0.9,
    "lamda": 0.8,
    "cumulant_index": -1,
}
CONFIG = {"n_actions": 2}
HORDE = {"horde_spec": runs.spec(runs.demon()), "hidden_sizes": (4,)}
AGENT = {"sarsa_config": af.SARSAConfig(2), "hidden_sizes": (4,)}

RANGES = [
    *((af.GVFSpec, GVF, field, bad) for field in ("gamma", "lamda") for bad in (-0.1, 1.5, -1)),
    *((af.GVFSpec, GVF, "cumulant_index", bad) for bad in (-2, -7)),
    *(
        (af.SARSAConfig, CONFIG, field, bad)
        for field in ("gamma", "epsilon_start", "epsilon_end")
        for bad in (-0.1, 1.5)
    ),
    *((af.SARSAConfig, CONFIG, "n_actions", bad) for bad in (0, -3)),
    *((af.SARSAConfig, CONFIG, "epsilon_decay_steps", bad) for bad in (-1, -10)),
    *(
        (kind, given, field, bad)
        for kind, given in ((af.HordeLearner, HORDE), (af.SARSAAgent, AGENT))
        for field, bad in (
            ("sparsity", 1.5),
            ("sparsity", -0.5),
            ("step_size", -0.5),
            ("hidden_sizes", (4, 0)),
            ("hidden_sizes", (-3,)),
        )
    ),
    *((af.SARSAAgent, AGENT, "lamda", bad) for bad in (-0.5, 1.25)),
]


def told(bad):
    return str(bad[-1]) if isinstance(bad, tuple) else f"{bad:g}"


@pytest.mark.parametrize("kind, given, field, bad", RANGES, ids=str)
def test_a_value_outside_its_range(kind, given, field, bad):
    with pytest.raises(ValueError) as caught:
        kind(**given | {field: bad})
    assert f"`{field}`" in str(caught.value) and told(bad) in str(caught.value)


FLOATS = [
    *((af.GVFSpec, GVF, field) for field in ("gamma", "lamda", "terminal_reward")),
    *((af.SARSAConfig, CONFIG, field) for field in ("gamma", "epsilon_start", "epsilon_end")),
    (af.HordeLearner, HORDE, "step_size"),
    (af.HordeLearner, HORDE, "leaky_relu_slope"),
    (af.SARSAAgent, AGENT, "leaky_relu_slope"),
    (af.SARSAAgent, AGENT, "lamda"),
]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind, given, field", FLOATS, ids=str)
def test_a_value_that_is_not_finite(kind, given, field, bad):
    with pytest.raises(ValueError) as caught:
        kind(**given | {field: bad})
    assert f"`{field}`" in str(caught.value) and told(bad) in str(caught.value)


@pytest.mark.parametrize("bad", [True, "0.1", None, [0.1]], ids=repr)
@pytest.mark.parametrize("kind, given, field", FLOATS, ids=str)
def test_what_is_no_number(kind, given, field, bad):
    with pytest.raises((TypeError, ValueError), match=f"`{field}`"):
        kind(**given | {field: bad})


@pytest.mark.parametrize("bad", [2.0, 1.5, True, "3", None], ids=repr)
@pytest.mark.parametrize(
    "kind, given, field",
    [
        (af.GVFSpec, GVF, "cumulant_index"),
        (af.SARSAConfig, CONFIG, "n_actions"),
        (af.SARSAConfig, CONFIG, "epsilon_decay_steps"),
    ],
    ids=str,
)
def test_what_is_no_int(kind, given, field, bad):
    with pytest.raises((TypeError, ValueError), match=f"`{field}`"):
        kind(**given | {field: bad})


@pytest.mark.parametrize("bad", ["", None, 3], ids=repr)
def test_a_name_is_a_non_empty_string(bad):
    with pytest.raises((TypeError, ValueError), match="`name`"):
        af.GVFSpec(**GVF | {"name": bad})


@pytest.mark.parametrize("bad", ["prediction", None, 1], ids=repr)
def test_a_demon_type_is_one_of_the_enum(bad):
    with pytest.raises((TypeError, ValueError), match="`demon_type`"):
        af.GVFSpec(**GVF | {"demon_type": bad})
    assert [kind.value for kind in af.DemonType] == ["prediction", "control"]


def test_a_horde_has_at_least_one_demon():
    with pytest.raises(ValueError, match="`demons`"):
        af.create_horde_spec([])


def test_what_is_no_demon():
    with pytest.raises((TypeError, ValueError), match="`demons`"):
        af.create_horde_spec([GVF])


def test_names_of_demons_are_distinct():
    with pytest.raises(ValueError, match="again") as caught:
        af.create_horde_spec([af.GVFSpec(**GVF | {"name": "again"}) for _ in range(2)])
    assert "`demons`" in str(caught.value)


def test_the_names_of_control_heads_are_taken():
    demon = af.GVFSpec(**GVF | {"name": "q_1"})
    with pytest.raises(ValueError, match="q_1"):
        af.SARSAAgent(**AGENT, prediction_demons=[demon])


def test_an_agent_without_demons_may_say_so_in_two_ways():
    for none in (None, []):
        agent = af.SARSAAgent(**AGENT, prediction_demons=none)
        assert agent.horde.n_demons == 2
        assert agent.to_config()["prediction_demons"] is None


@pytest.mark.parametrize("bad", [None, {"demons": []}, [runs.demon()]], ids=str)
def test_a_horde_spec_is_one(bad):
    with pytest.raises((TypeError, ValueError), match="horde_spec"):
        af.HordeLearner(bad, (4,))


@pytest.mark.parametrize("bad", [None, 2, {"n_actions": 2}], ids=str)
def test_a_sarsa_config_is_one(bad):
    with pytest.raises((TypeError, ValueError), match="sarsa_config"):
        af.SARSAAgent(bad, (4,))


@pytest.mark.parametrize("bad", [0, -1, 2.0, True, "3"], ids=repr)
def test_a_feature_dim_is_an_int_of_at_least_one(bad):
    for learner in (af.HordeLearner(**HORDE), af.SARSAAgent(**AGENT)):
        with pytest.raises((TypeError, ValueError), match="feature_dim"):
            learner.init(bad, jr.key(0))


def test_the_optimizer_for_linear_learners_alone_is_refused():
    for learner in (
        af.HordeLearner(**HORDE, optimizer=af.ObGD()),
        af.SARSAAgent(**AGENT, optimizer=af.ObGD()),
    ):
        with pytest.raises(NotImplementedError, match="ObGDBounding"):
            learner.init(3, jr.key(0))


def test_traced_numbers_pass():
    def spec(gamma):
        return af.create_horde_spec([af.GVFSpec(**GVF | {"gamma": gamma})])

    assert jax.jit(lambda g: spec(g).gammas)(jnp.float32(1.5))[0] == 1.5
    swept = eqx.filter_vmap(lambda g: af.SARSAConfig(2, g))(jnp.float32([0.5, 7.0]))
    np.testing.assert_array_equal(swept.gamma, [0.5, 7.0])


def test_a_spec_keeps_the_users_numbers():
    demons = [
        af.GVFSpec("a", af.DemonType.PREDICTION, 0.1, 0.3, 2, -0.7),
        af.GVFSpec("b", af.DemonType.CONTROL, 1, 0, -1),
    ]
    spec = af.create_horde_spec(demons)
    assert (spec.names, spec.cumulant_indices) == (("a", "b"), (2, -1))
    assert spec.demon_types == (af.DemonType.PREDICTION, af.DemonType.CONTROL)
    np.testing.assert_array_equal(spec.gammas, np.array([0.1, 1.0]))
    np.testing.assert_array_equal(spec.lamdas, np.array([0.3, 0.0]))
    np.testing.assert_array_equal(spec.terminal_rewards, np.array([-0.7, 0.0]))
    first, second = spec.demons
    assert (first.name, first.gamma, first.lamda, first.terminal_reward) == ("a", 0.1, 0.3, -0.7)
    assert (second.demon_type, second.cumulant_index) == (af.DemonType.CONTROL, -1)


def test_a_number_of_a_spec_lives_once():
    """What is derived from it follows when it is changed."""
    horde = af.HordeLearner(runs.spec(runs.demon(0.9, 0.8), runs.demon(0.5, 0.4)), (4,))
    changed = eqx.tree_at(lambda h: h.horde_spec.gammas, horde, np.array([0.25, 0.75]))
    assert [demon.gamma for demon in changed.horde_spec.demons] == [0.25, 0.75]
    decays = changed.learner.per_head_gamma_lamda
    np.testing.assert_allclose(decays, [0.25 * 0.8, 0.75 * 0.4], rtol=1e-6)
    agent = af.SARSAAgent(**AGENT, lamda=0.5)
    changed = eqx.tree_at(lambda a: a.lamda, agent, 0.75)
    np.testing.assert_array_equal(changed.horde.horde_spec.lamdas, [0.75, 0.75])
    assert (horde.n_demons, agent.n_actions) == (2, 2)
