"""Laws over every method of plasticity, in every learner and agent that has a network."""

import dataclasses
import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af

from .methods import DIM, METHODS, equal, numbers

STEPS = 40
SPEC = af.create_horde_spec(
    [af.GVFSpec(f"d{i}", af.DemonType.PREDICTION, 0.9, 0.8, -1) for i in range(2)]
)


def net(n_out):
    return af.StreamMLP((6, 5), n_out, sparsity=0.3)


AGENTS = {
    "StreamQ": lambda p: af.StreamQ(3, net(3), plasticity=p),
    "StreamSARSA": lambda p: af.StreamSARSA(3, net(3), af.Autostep(), plasticity=p),
    "DifferentialQ": lambda p: af.DifferentialQ(3, net(3), plasticity=p),
    "DifferentialSARSA": lambda p: af.DifferentialSARSA(3, net(3), af.IDBD(), plasticity=p),
    "QRC": lambda p: af.QRC(3, net(3), plasticity=p),
    "StreamAC": lambda p: af.StreamAC(
        af.SoftmaxPolicy(3),
        net(3),
        net(1),
        policy_optimizer=af.Intentional(),
        value_optimizer=af.AdaptiveObGD(),
        plasticity=p,
    ),
    "AVG": lambda p: af.AVG(
        af.TanhGaussianPolicy([-1.0], [1.0]),
        af.UnitFeatureMLP((6, 5), 2),
        af.UnitFeatureMLP((6, 5), 1),
        plasticity=p,
    ),
    "SARSAAgent": lambda p: af.SARSAAgent(
        af.SARSAConfig(3), (6, 5), af.IDBD(), sparsity=0.3, lamda=0.5, plasticity=p
    ),
}
LEARNERS = {
    "MLPLearner": lambda p: af.MLPLearner(
        (6, 5), af.Autostep(), gamma=0.9, lamda=0.5, sparsity=0.3, plasticity=p
    ),
    "MultiHeadMLPLearner": lambda p: af.MultiHeadMLPLearner(
        2, (6, 5), af.IDBD(), bounder=af.ObGDBounding(), sparsity=0.3, plasticity=p
    ),
    "HordeLearner": lambda p: af.HordeLearner(
        SPEC, (6, 5), af.IDBD(), sparsity=0.3, trunk_traces="per_demon", plasticity=p
    ),
    "StreamTD": lambda p: af.StreamTD(net(1), plasticity=p),
    "GradientTraceTD": lambda p: af.GradientTraceTD(net(1), plasticity=p),
}


def experience(name, rng, bad=False):
    x, next_x = rng.normal(size=(2, DIM))
    x = x * np.nan if bad else x
    return {
        "MLPLearner": (x, 1.0),
        "MultiHeadMLPLearner": (x, [1.0, np.nan]),
        "HordeLearner": (x, [1.0, np.nan], next_x),
        "StreamTD": (x, 1.0, next_x, 0.9),
        "GradientTraceTD": (x, 1.0, next_x, 0.9),
    }[name]


def lived(name, learner, steps=STEPS):
    """The state after some steps, none of which may be rejected."""
    state, rng = learner.init(DIM, jax.random.key(0)), np.random.default_rng(0)
    for _ in range(steps):
        result = learner.update(state, *experience(name, rng))
        assert not bool(result.rejected)
        state = result.state
    return state


def acted(agent, steps=STEPS):
    state, rng = agent.init(DIM, jax.random.key(0)), np.random.default_rng(0)
    _, state = agent.start(state, rng.normal(size=DIM))
    for t in range(steps):
        found = agent.act_and_learn(state, rng.normal(), rng.normal(size=DIM), t % 7 == 6, False)
        assert not bool(found.rejected)
        state = found.state
    return state


def test_every_class_with_a_network_takes_it():
    takes = {
        name
        for name in dir(af)
        if inspect.isclass(kind := getattr(af, name))
        and issubclass(kind, af.AbstractComponent)
        and dataclasses.is_dataclass(kind)
        and any(field.name == "plasticity" for field in dataclasses.fields(kind))
    }
    assert takes == set(AGENTS) | set(LEARNERS)


@pytest.mark.parametrize("name", [*AGENTS, *LEARNERS])
def test_what_is_no_method_is_refused_by_every_class(name):
    make = (AGENTS | LEARNERS)[name]
    for wrong in (af.LMS(), "ContinualBackprop", af.ContinualBackprop):
        with pytest.raises(TypeError, match="plasticity"):
            make(wrong)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_acts_and_rejected_steps_leave_all_as_it_was(name):
    learner = LEARNERS["MLPLearner"](METHODS[name])
    state = lived("MLPLearner", learner)
    plain = lived("MLPLearner", LEARNERS["MLPLearner"](None))
    assert all(np.isfinite(leaf).all() for leaf in numbers(state) if leaf.dtype.kind == "f")
    acts = not equal(state.params, plain.params)
    assert acts == (name != "PlasticityMonitor")
    bad = experience("MLPLearner", np.random.default_rng(1), bad=True)
    result = learner.update(state, *bad)
    assert bool(result.rejected)
    assert equal(result.state.replace(life=None), state.replace(life=None))


@pytest.mark.parametrize("name", METHODS)
def test_a_head_without_target_stays_and_without_any_all_stays(name):
    method = METHODS[name]
    learner = LEARNERS["MultiHeadMLPLearner"](method)
    state, x = lived("MultiHeadMLPLearner", learner), np.ones(DIM)
    first = learner.init(DIM, jax.random.key(0))
    units_above_change = method.replaced(state.plasticity_state) is not None
    if not units_above_change:  # outgoing weights of a new unit are 0, those of every head
        assert equal(state.head_params.weights[1], first.head_params.weights[1])
        assert equal(state.head_params.biases[1], first.head_params.biases[1])
    after = learner.update(state, x, [np.nan, np.nan]).state
    for part in ("trunk_params", "head_params", "head_optimizer_states", "head_traces"):
        assert equal(getattr(after, part), getattr(state, part))


@pytest.mark.parametrize("name", [*AGENTS, *LEARNERS])
def test_units_are_made_new_in_every_class(name):
    method = METHODS["PlasticityChain"]
    if name in LEARNERS:
        learner = LEARNERS[name](method)
        state = lived(name, learner)
    else:
        learner = AGENTS[name](method)
        state = acted(learner)
        state = getattr(state, "learner_state", state)
    kept = getattr(state, "plasticity_state", None) or state.plasticity_states
    for own in kept if isinstance(kept, tuple) else (kept,):
        replaced = method.replaced(own)
        assert (np.asarray(replaced) > 0).all()
    assert all(np.isfinite(leaf).all() for leaf in numbers(state) if leaf.dtype.kind == "f")
    assert af.from_config(learner.to_config()) == learner


@pytest.mark.parametrize("name", LEARNERS)
def test_without_a_method_nothing_else_is_drawn(name):
    """The weights that a network begins with do not depend on what keeps it plastic."""
    with_it = LEARNERS[name](METHODS["ShrinkAndPerturb"]).init(DIM, jax.random.key(3))
    without = LEARNERS[name](None).init(DIM, jax.random.key(3))
    for field in ("params", "trunk_params", "head_params"):
        assert equal(getattr(with_it, field, ()), getattr(without, field, ()))


def test_prediction_is_that_of_the_update():
    learner = LEARNERS["MLPLearner"](METHODS["ContinualBackprop"])
    state, rng = learner.init(DIM, jax.random.key(0)), np.random.default_rng(0)
    for _ in range(STEPS):
        x, y = experience("MLPLearner", rng)
        told = learner.predict(state, x)
        result = learner.update(state, x, y)
        np.testing.assert_array_equal(told, result.prediction)
        state = result.state


def test_loop_equals_updates():
    learner = LEARNERS["MLPLearner"](METHODS["PlasticityChain"])
    rng = np.random.default_rng(0)
    xs, ys = np.float32(rng.normal(size=(30, DIM))), np.ones(30, np.float32)
    state = first = learner.init(DIM, jax.random.key(0))
    for x, y in zip(xs, ys, strict=True):
        state = learner.update(state, x, y).state
    looped, _ = af.run_mlp_learning_loop(
        learner, af.ArrayStream(xs, ys), 30, jax.random.key(1), first
    )
    for one, other in zip(numbers(looped.params), numbers(state.params), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)
    assert equal(
        looped.plasticity_state.methods[0].replaced, state.plasticity_state.methods[0].replaced
    )


def test_a_batch_of_rates_equals_one_after_the_other():
    rates = jnp.asarray([0.0, 0.02, 0.1])

    def run(rate):
        learner = LEARNERS["MLPLearner"](af.ContinualBackprop(rate, maturity_threshold=5))
        state = learner.init(DIM, jax.random.key(0))

        def step(state, x):
            result = learner.update(state, x, 1.0)
            return result.state, result.error

        xs = jax.random.normal(jax.random.key(2), (40, DIM))
        state, errors = jax.lax.scan(step, state, xs)
        return errors, state.plasticity_state.replaced

    errors, replaced = jax.vmap(run)(rates)
    for i, rate in enumerate(rates):
        alone, alone_replaced = run(rate)
        np.testing.assert_allclose(errors[i], alone, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(replaced[i], alone_replaced)
    assert replaced[0].sum() == 0 < replaced[1].sum() < replaced[2].sum()


def test_networks_that_do_not_tell_are_refused():
    q = af.StreamQ(3, af.LinearNetwork(3), plasticity=af.ContinualBackprop())
    with pytest.raises(TypeError, match=r"ContinualBackprop .* LinearParams"):
        q.init(DIM, jax.random.key(0))
    for method in ("L2Init", "ShrinkAndPerturb", "UPGD", "HareAndTortoise"):
        acted(af.StreamQ(3, af.LinearNetwork(3), plasticity=METHODS[method]), 5)
    with pytest.raises(TypeError, match="plasticity"):
        af.MLPLearner((3,), plasticity=af.LMS())


def test_filters_of_a_convolution_are_units():
    network = af.MinAtarNetwork((4, 4, 2), 3, filters=4, hidden_size=6, sparsity=0.3)
    agent = af.StreamQ(3, network, plasticity=METHODS["PlasticityChain"])
    state, rng = agent.init(32, jax.random.key(0)), np.random.default_rng(0)
    _, state = agent.start(state, rng.normal(size=32))
    for _ in range(STEPS):
        state = agent.act_and_learn(state, 1.0, rng.normal(size=32), False, False).state
    cbp, monitor = state.plasticity_state.methods
    assert [u.shape for u in cbp.utilities] == [(4,), (6,)]
    assert (np.asarray(cbp.replaced) > 0).all()
    assert [a.shape for a in monitor.activations] == [(4, 4), (4, 6)]


def test_what_cannot_act_is_refused():
    flat = af.MLPLearner((), plasticity=af.ContinualBackprop())
    with pytest.raises(TypeError, match=r"ContinualBackprop .* has none"):
        flat.init(DIM, jax.random.key(0))
    with pytest.raises(ValueError, match="`step_size` times `decay`"):
        af.ShrinkAndPerturb(10.0, 1.0)
    kept, plain = (LEARNERS["MLPLearner"](method) for method in (METHODS["L2Init"], None))
    with pytest.raises(TypeError, match="L2InitState"):
        plain.update(kept.init(DIM, jax.random.key(0)), np.ones(DIM), 1.0)


def test_a_unit_that_always_fires_may_rest_a_while():
    learner = af.MLPLearner(
        (8,),
        af.LMS(0.0),
        sparsity=0.0,
        use_layer_norm=False,
        plasticity=af.SelfNormalizedResets(min_silence=10, max_replacements=8),
    )
    state = learner.init(1, jax.random.key(0))

    def after(state, x, steps):
        for _ in range(steps):
            state = learner.update(state, np.float32([x]), 0.0).state
        return state, int(state.plasticity_state.replaced[0])

    state, replaced = after(state, 1.0, 50)
    assert replaced == 0
    state, replaced = after(state, -1.0, 9)
    assert replaced == 0
    _, replaced = after(state, -1.0, 1)
    assert 0 < replaced < 8
