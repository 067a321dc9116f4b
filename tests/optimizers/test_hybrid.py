"""One optimizer for the hidden layers of a network, another for its output layer."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.trees import assert_same_bits

DIM, KEY = 3, jax.random.key(0)
X, Y = np.float32([0.5, -1.0, 2.0]), 1.5
TRUNK, HEAD = af.LMS(0.02), af.IDBD(0.1)
BOTH = af.Hybrid(TRUNK, HEAD)
FORGETFUL = af.Hybrid(TRUNK, af.FADE())


def demons():
    return af.create_horde_spec([af.GVFSpec("v", af.DemonType.PREDICTION, 0.0, 0.0, -1)])


LEARNERS = {
    "MLPLearner": lambda **given: af.MLPLearner((4,), **given),
    "MultiHeadMLPLearner": lambda **given: af.MultiHeadMLPLearner(2, (4,), **given),
    "HordeLearner": lambda **given: af.HordeLearner(demons(), (4,), **given),
    "SARSAAgent": lambda **given: af.SARSAAgent(af.SARSAConfig(2), (4,), **given),
}


@pytest.fixture(params=LEARNERS)
def make(request):
    return LEARNERS[request.param]


def test_it_is_what_a_head_optimizer_says(make):
    ours = make(optimizer=BOTH)
    theirs = make(optimizer=TRUNK, head_optimizer=HEAD)
    assert ours.head_optimizer is None and ours.optimizer == BOTH
    states = [learner.init(DIM, KEY) for learner in (ours, theirs)]

    def learned(learner, state):
        if isinstance(learner, af.SARSAAgent):
            _, state = learner.start(state, X)
            state = learner.update(state, 1.0, -X, False, 1).state
            return state.learner_state.replace(life=None)
        several = isinstance(learner, af.MultiHeadMLPLearner)
        targets = np.float32([Y, np.nan]) if several else np.float32([Y])
        more = (X,) if isinstance(learner, af.HordeLearner) else ()
        return learner.update(state, X, targets, *more).state.replace(life=None)

    pairs = zip((ours, theirs), states, strict=True)
    assert_same_bits(*(learned(learner, state) for learner, state in pairs))


def test_both_at_once_are_refused(make):
    with pytest.raises(ValueError, match=r"`head_optimizer` must be None beside a Hybrid.*LMS"):
        make(optimizer=BOTH, head_optimizer=af.LMS(0.3))


def test_hidden_layers_do_not_forget(make):
    for given in ({"optimizer": af.FADE()}, {"optimizer": af.Hybrid(af.FADE(), TRUNK)}):
        with pytest.raises(ValueError, match=r"hidden layers must not be FADE.*Hybrid\(trunk="):
            make(**given)


def test_configurations_come_back(make):
    for learner in (make(optimizer=FORGETFUL), make(optimizer=TRUNK, head_optimizer=af.FADE())):
        config = json.loads(json.dumps(learner.to_config()))
        again = af.from_config(config)
        assert jax.tree.structure(again) == jax.tree.structure(learner)
        assert again.to_config() == config
    config = BOTH.to_config()
    assert config == {"type": "Hybrid", "trunk": TRUNK.to_config(), "head": HEAD.to_config()}
    assert af.optimizer_from_config(config) == BOTH


@pytest.mark.parametrize("name", ["trunk", "head"])
@pytest.mark.parametrize("bad", [None, 0.1, BOTH, af.TDIDBD()], ids=repr)
def test_its_parts_are_optimizers(name, bad):
    with pytest.raises(TypeError, match=f"Hybrid: `{name}` must be an AbstractOptimizer"):
        af.Hybrid(**{"trunk": TRUNK, "head": HEAD} | {name: bad})


@pytest.mark.parametrize("learner", [af.LinearLearner, af.TDLinearLearner])
def test_a_linear_learner_has_no_layers(learner):
    with pytest.raises(TypeError, match=r"`optimizer` must be an Abstract.*Optimizer, got Hybrid"):
        learner(BOTH)


def rule_of(params, optimizer=BOTH):
    rule = af.PerTensor(optimizer)
    return rule, rule.init(params)


def test_a_step_rule_finds_the_output_layer():
    params = af.StreamMLP((4, 5), 2).init(DIM, KEY)
    rule, state = rule_of(params)
    kinds = [type(own) for own in state.optimizer_states]
    assert kinds == [af.LMSState, af.LMSState, af.IDBDParamState] * 2
    gradient = jax.tree.map(jnp.ones_like, params)
    changes, state, _ = rule.update(state, gradient, 1.0, 0.0, params=params)
    for layers in (changes.weights, changes.biases):
        expected = (0.02, 0.02, 0.1)
        for change, step in zip(layers, expected, strict=True):
            np.testing.assert_allclose(change, np.full(change.shape, step), rtol=1e-6)
    told = rule.step_sizes(state, params)
    np.testing.assert_allclose([np.mean(step) for step in told], [0.02, 0.02, 0.1] * 2, rtol=1e-6)


def test_a_linear_network_is_an_output_layer():
    _, state = rule_of(af.LinearNetwork(2).init(DIM, KEY), af.FADE())
    assert [type(own) for own in state.optimizer_states] == [af.FADEParamState]


def test_a_step_rule_does_not_guess_an_output_layer():
    for optimizer in (BOTH, af.FADE()):
        with pytest.raises(ValueError, match="parameters must know their output layer"):
            rule_of({"first": jnp.ones(2), "last": jnp.ones(2)}, optimizer)
    each = af.PerTensor((af.LMS(0.1), af.FADE()))
    params = {"first": jnp.ones(2), "last": jnp.ones(2)}
    changes, _, _ = each.update(each.init(params), params, 0.0, 0.0, params=params)
    np.testing.assert_allclose(changes["first"], 0.0)
    np.testing.assert_allclose(changes["last"], -0.1, rtol=1e-6)


def test_a_step_rule_does_not_forget_hidden_layers():
    with pytest.raises(ValueError, match="hidden layers must not be FADE"):
        rule_of(af.StreamMLP((4,), 2).init(DIM, KEY), af.FADE())


def net(outputs=2):
    return af.StreamMLP((4,), outputs, sparsity=0.0)


AGENTS = {
    "StreamQ": lambda: af.StreamQ(2, net(), FORGETFUL, lamda=0.0),
    "StreamSARSA": lambda: af.StreamSARSA(2, net(), FORGETFUL, lamda=0.0),
    "DifferentialQ": lambda: af.DifferentialQ(2, net(), FORGETFUL),
    "QRC": lambda: af.QRC(2, net(), optimizer=FORGETFUL, lamda=0.0),
    "StreamAC": lambda: af.StreamAC(
        af.SoftmaxPolicy(2), net(), net(1), FORGETFUL, FORGETFUL, lamda=0.0
    ),
    "AVG": lambda: af.AVG(
        af.TanhGaussianPolicy(),
        net(),
        net(1),
        actor_optimizer=FORGETFUL,
        critic_optimizer=FORGETFUL,
        lamda=0.0,
    ),
}


@pytest.mark.parametrize("name", AGENTS)
def test_agents_learn_with_it(name):
    """Every tensor of every network moves."""
    agent = AGENTS[name]()
    _, state = agent.start(agent.init(DIM, KEY), X)
    after = agent.act_and_learn(state, 1.0, -X, False, False).state
    assert after.rejected_count == 0
    for field in ("params", "actor_params", "critic_params"):
        before, now = (jax.tree.leaves(getattr(s, field, None)) for s in (state, after))
        assert all(not np.array_equal(*pair) for pair in zip(before, now, strict=True))


def test_a_value_network_learns_with_it_and_forgets_in_its_output_layer():
    """One transition without an error: what is left is what was forgotten."""
    learner = af.StreamTD(af.StreamMLP((4,), 1, sparsity=0.0), FORGETFUL, lamda=0.0)
    state = learner.init(DIM, KEY)
    value = learner.predict(state, X)[0]
    after = learner.update(state, X, value, -X, 0.0).state
    (hidden, output), (_, output_before) = after.params.weights, state.params.weights
    np.testing.assert_array_equal(hidden, state.params.weights[0])
    np.testing.assert_allclose(output, 0.9 * output_before, rtol=1e-6)
    rejected = learner.update(after, np.full(3, np.nan), 1.0, -X, 0.0)
    assert rejected.rejected
    assert_same_bits(rejected.state.replace(life=None), after.replace(life=None))
