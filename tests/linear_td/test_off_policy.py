"""Off-policy TD against float64 loops written out from the published equations."""

import dataclasses
import itertools
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.oracles import off_policy
from tests.trees import assert_same_bits

from .off_policy_runs import CASES, DIM, STEPS, stream, transitions

LEARNERS = {name: learner for name, (learner, _) in CASES.items()}
ONE = (np.float32([1.0, -0.5, 0.25, 2.0]), 0.5, np.float32([0.5, 1.0, -1.0, 0.0]), 0.9)


def run(learner, data, steps=STEPS):
    return af.run_td_learning_loop(learner, stream(data), steps, jr.key(0))


def stepped(learner, steps=7):
    state = learner.init(DIM)
    for x, r, after, g, cut, rho in zip(*transitions(steps), strict=True):
        state = learner.update(state, x, r, after, g, rho, boundary=cut).state
    return state


def same(one, other):
    assert_same_bits(one.replace(life=None), other.replace(life=None))


@pytest.mark.parametrize("name", CASES)
def test_it_is_its_equations(name):
    learner, oracle = CASES[name]
    data = transitions()
    weights, errors, kept = oracle(data)
    state, metrics = run(learner, data)
    np.testing.assert_allclose(state.weights, weights, atol=1e-4)
    np.testing.assert_allclose(metrics.td_error, errors, atol=1e-4)
    for field, expected in kept.items():
        np.testing.assert_allclose(getattr(state.memory, field), expected, atol=1e-4)
    assert state.step_count == STEPS and state.rejected_count == 0
    # The oracle would tell other ratios, other cuts and no ratios at all.
    for place, other in ((4, np.zeros(STEPS, bool)), (5, np.ones(STEPS)), (5, data[5][::-1])):
        changed = [*data]
        changed[place] = other
        assert np.max(np.abs(oracle(tuple(changed))[0] - weights)) > 1e-3


@pytest.mark.parametrize("name", ["OffPolicyTD", "TDC", "EmphaticTD"])
def test_each_ratio_enters_a_trace_once(name):
    """The weight of x[t - k] in z is the product of the ratios since then, times (g lamda)^k."""
    steps, g, lamda = 6, 0.9, 0.7
    learner = dataclasses.replace(LEARNERS[name], lamda=lamda)
    rhos = np.float32([0.5, 1.7, 0.3, 2.0, 1.2, 0.9])
    state = learner.init(steps)
    for t, x in enumerate(np.eye(steps, dtype=np.float32)):
        state = learner.update(state, x, 0.0, np.zeros(steps, np.float32), g, rhos[t]).state
    emphasis = np.ones(steps)
    if name == "EmphaticTD":
        follow_on = [0.7]
        for t in range(1, steps):
            follow_on.append(rhos[t - 1] * g * follow_on[-1] + 0.7)
        emphasis = lamda * 0.7 + (1 - lamda) * np.array(follow_on)
    last = steps - 1
    expected = [np.prod(rhos[s:]) * (g * lamda) ** (last - s) * emphasis[s] for s in range(steps)]
    traces = {"TDC": "traces", "EmphaticTD": "eligibility"}
    kept = getattr(state.memory, traces[name]) if name in traces else state.memory
    np.testing.assert_allclose(kept.trace, expected, rtol=1e-5)


def test_the_follow_on_trace_has_the_ratio_before():
    learner, data = af.EmphaticTD(0.01, 0.5, 0.7), transitions(40)
    follow_on = []
    off_policy.emphatic_td(data, 0.01, 0.5, 0.7, follow_on)
    state, found = learner.init(DIM), []
    for x, r, after, g, cut, rho in zip(*data, strict=True):
        # Cut steps are told apart, for what is kept after them is 0.
        inside = learner.update(state, x, r, after, g if g else 1.0, rho)
        found.append(inside.state.memory.follow_on_trace)
        state = learner.update(state, x, r, after, g, rho, boundary=cut).state
    np.testing.assert_allclose(found, follow_on, rtol=1e-5)


@pytest.mark.parametrize("ends", [0.0, 0.1])
def test_on_policy_it_is_td(ends):
    data = transitions(ends=ends)
    on_policy = (*data[:5], None)
    expected, told = run(af.LinearTD(0.02, 0.8), on_policy)
    for given in (on_policy, (*data[:5], np.ones(STEPS))):
        state, metrics = run(af.OffPolicyTD(0.02, 0.8), given)
        np.testing.assert_allclose(state.weights, expected.weights, rtol=2e-6, atol=1e-7)
        np.testing.assert_allclose(metrics.td_error, told.td_error, rtol=2e-6, atol=1e-6)


def test_on_policy_v_trace_is_td_and_full_interest_at_lamda_1_is_too():
    data = (*transitions()[:5], None)
    expected, _ = run(af.LinearTD(0.02, 0.8), data)
    state, _ = run(af.VTrace(0.02, 0.8), data)
    np.testing.assert_allclose(state.weights, expected.weights, rtol=2e-6, atol=1e-7)
    expected, _ = run(af.OffPolicyTD(0.005, 1.0), transitions())
    state, _ = run(af.EmphaticTD(0.005, 1.0), transitions())
    np.testing.assert_allclose(state.weights, expected.weights, rtol=2e-6, atol=1e-7)


def test_the_episode_whose_weights_are_known():
    """Two steps, lamda 1, rewards 0 and 1: the terminal reward reaches both states."""
    for learner in (af.OffPolicyTD(0.1, 1.0), af.VTrace(0.1, 1.0)):
        state, (one, two) = learner.init(2), np.eye(2, dtype=np.float32)
        state = learner.update(state, one, 0.0, two, 0.9).state
        state = learner.update(state, two, 1.0, one, 0.0).state
        np.testing.assert_allclose(state.weights, [0.09, 0.1], rtol=1e-6)


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("discount, boundary", [(0.0, False), (0.9, True), (0.0, True)])
def test_an_end_cuts_all_that_is_carried(name, discount, boundary):
    learner = LEARNERS[name]
    x, r, after, _ = ONE
    ended = learner.update(stepped(learner), x, r, after, discount, 1.3, boundary=boundary).state
    same(ended, learner.reset_traces(ended))
    # The next episode goes on as from the first step of a life with these weights.
    fresh = learner.reset_traces(stepped(learner))
    fresh = fresh.replace(weights=ended.weights, centering=ended.centering)
    if hasattr(ended.memory, "auxiliary_weights"):
        h = ended.memory.auxiliary_weights
        fresh = fresh.replace(memory=fresh.memory.replace(auxiliary_weights=h))
    same(*(learner.update(state, *ONE, 0.7).state for state in (ended, fresh)))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_terminal_transition_does_not_look_ahead(name):
    learner = LEARNERS[name]
    x, r, _, _ = ONE
    nowhere = np.full(DIM, np.nan, np.float32)
    result = learner.update(stepped(learner), x, r, nowhere, 0.0, 1.3)
    assert not result.rejected
    same(result.state, learner.update(stepped(learner), x, r, np.zeros(DIM), 0.0, 1.3).state)


NAN, INF = np.float32(np.nan), np.float32(np.inf)
BAD = {
    "observation": (np.float32([1, np.nan, 0, 0]), *ONE[1:], 1.0),
    "reward": (ONE[0], NAN, *ONE[2:], 1.0),
    "next observation": (*ONE[:2], np.float32([1, np.inf, 0, 0]), 0.9, 1.0),
    "discount": (*ONE[:3], NAN, 1.0),
    "ratio NaN": (*ONE, NAN),
    "ratio infinite": (*ONE, INF),
    "ratio below 0": (*ONE, -0.5),
    "overflow": (np.full(DIM, 1e30, np.float32), *ONE[1:], 1e10),
}


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("bad", BAD)
def test_a_rejected_step_leaves_everything_as_it_was(name, bad):
    learner = LEARNERS[name]
    before = stepped(learner)
    result = learner.update(before, *BAD[bad])
    assert result.rejected and np.isnan(result.td_error) and np.isnan(result.prediction)
    same(result.state, before)
    assert result.state.rejected_count == before.rejected_count + 1
    assert result.state.step_count == before.step_count


@pytest.mark.parametrize("name", LEARNERS)
def test_every_number_is_swept(name):
    learner, data = LEARNERS[name], transitions(12)
    rows = [jnp.asarray(a) for a in data]

    def last(learner):
        def one(state, row):
            x, r, after, g, cut, rho = row
            return learner.update(state, x, r, after, g, rho, boundary=cut).state, None

        return jax.lax.scan(one, learner.init(DIM), tuple(rows))[0].weights

    for field in dataclasses.fields(learner):
        if field.metadata.get("static") or getattr(learner, field.name) is None:
            continue
        value = np.float32(getattr(learner, field.name))
        values = jnp.float32([0.5, 0.8, 1.0]) * value
        batch = dataclasses.replace(learner, **{field.name: values})
        found = eqx.filter_vmap(last)(batch)
        for i, number in enumerate(values):
            expected = last(dataclasses.replace(learner, **{field.name: float(number)}))
            np.testing.assert_allclose(found[i], expected, rtol=1e-5, atol=1e-6)
        if value:
            assert not np.allclose(found[0], found[2], rtol=1e-4)


@pytest.mark.parametrize("name", LEARNERS)
def test_configs_round_trip(name):
    learner = LEARNERS[name]
    assert af.from_config(json.loads(json.dumps(learner.to_config()))) == learner


@pytest.mark.parametrize(
    "build, told",
    [
        (
            lambda: af.OffPolicyTD(-0.1),
            r"OffPolicyTD: `step_size` must lie in .0, inf., got -0.1",
        ),
        (lambda: af.OffPolicyTD(lamda=1.5), r"`lamda` must lie in \[0, 1\], got 1.5"),
        (lambda: af.GradientTD(auxiliary_step_size=-1), r"GradientTD: `auxiliary_step_size`"),
        (lambda: af.GradientTD(regularization=-1), r"GradientTD: `regularization`"),
        (lambda: af.GradientTD(variant="gtd"), r"`variant` must be one of \('tdc', 'gtd2'\)"),
        (lambda: af.EmphaticTD(interest=-1), r"EmphaticTD: `interest`"),
        (lambda: af.VTrace(rho_clip=0), r"VTrace: `rho_clip` must lie in \(0, inf\]"),
        (lambda: af.VTrace(trace_clip=-1), r"VTrace: `trace_clip`"),
        (lambda: af.importance_ratio(0.0, 0.0, 0.0), r"`clip` must lie in \(0, inf\], got 0.0"),
    ],
)
def test_what_is_out_of_range_is_refused(build, told):
    with pytest.raises(ValueError, match=told):
        build()


def test_the_ratio_of_probabilities():
    pi, b = np.float32([0.5, 0.2, 0.0, 0.9]), np.float32([0.25, 0.4, 0.5, 0.1])
    with np.errstate(divide="ignore"):
        logs = np.log(pi), np.log(b)
    np.testing.assert_allclose(af.importance_ratio(*logs), [2.0, 0.5, 0.0, 9.0], rtol=1e-6)
    np.testing.assert_allclose(af.importance_ratio(*logs, 1.5), [1.5, 0.5, 0.0, 1.5], rtol=1e-6)
    # What the behaviour never does has no ratio, and is not made up.
    assert np.isposinf(af.importance_ratio(0.0, -np.inf))
    assert np.isnan(af.importance_ratio(-np.inf, -np.inf))
    assert af.importance_ratio(0.0, -np.inf, 2.0) == 2.0


SPEC = af.create_horde_spec([af.GVFSpec("a", af.DemonType.PREDICTION, 0.9, 0.5, -1)])
ON_POLICY = [
    af.TDLinearLearner(),
    af.StreamTD(af.StreamMLP((3,), 1, sparsity=0.0)),
    af.GradientTraceTD(af.StreamMLP((3,), 1, sparsity=0.0)),
    af.LinearTD(),
    af.TrueOnlineTD(),
    af.SwiftTD(),
]


@pytest.mark.parametrize("learner", ON_POLICY, ids=lambda learner: type(learner).__name__)
def test_a_learner_on_policy_refuses_ratios(learner):
    with pytest.raises(TypeError, match=r": `rho` must be None, for it learns on policy"):
        af.learn(learner, stream(transitions(3)), 3, jr.key(0))


def test_a_horde_on_policy_refuses_ratios():
    learner = af.HordeLearner(SPEC, (3,))
    x, one = np.ones(DIM, np.float32), np.ones(1, np.float32)
    step = af.DemonStep(x, one, x, rho=one)
    with pytest.raises(TypeError, match=r"HordeLearner: `rho` must be None"):
        learner.learn(learner.init(DIM, jr.key(0)), step)


def test_recorded_ratios():
    data = transitions(5)
    replayed = stream(data)
    steps, _ = replayed.rollout(replayed.init(jr.key(0)), 7)
    np.testing.assert_array_equal(steps.rho, [*data[5], *data[5][:2]])
    again = af.from_config(json.loads(json.dumps(replayed.to_config())))
    np.testing.assert_array_equal(again.rhos, data[5])
    assert "rhos" not in stream((*data[:5], None)).to_config()
    with pytest.raises(ValueError, match=r"`rhos` must be a real array of shape \(5,\)"):
        stream((*data[:5], np.ones(4)))
    with pytest.raises(TypeError, match=r"`rhos` must be a real array of shape \(5,\)"):
        stream((*data[:5], "ratios"))


def test_lanes_and_chunks_carry_the_ratios():
    data, learner = transitions(60), LEARNERS["TDC"]
    single, _ = run(learner, data, 60)
    chunked, _ = af.run_td_learning_loop(learner, stream(data), 60, jr.key(0), chunk_size=7)
    np.testing.assert_allclose(chunked.weights, single.weights, rtol=1e-5, atol=1e-7)
    keys = jr.split(jr.key(0), 3)
    batch = af.run_td_learning_loop_batched(learner, stream(data), 60, keys)
    for weights in batch.states.weights:
        np.testing.assert_allclose(weights, single.weights, rtol=1e-5, atol=1e-7)


def test_a_sweep_carries_the_ratios():
    data, step_sizes, lamdas = transitions(40), [0.01, 0.02], [0.0, 0.6]
    axes = {"learner.step_size": step_sizes, "learner.lamda": lamdas}
    swept = af.sweep(af.GradientTD(), stream(data), axes, num_steps=40, keys=jr.split(jr.key(0), 1))
    found = np.asarray(swept.metrics["td_error"]).reshape(4, 40)
    points = itertools.product(step_sizes, lamdas)
    for (alpha, lamda), errors in zip(points, found, strict=True):
        _, told, _ = off_policy.gradient_td(data, alpha, 0.1, lamda, 0.0, "tdc")
        np.testing.assert_allclose(errors, told, atol=1e-4)
