"""Learners of linear values less the average reward, against float64 and against themselves."""

import dataclasses
import functools as ft
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import load_agent, save_agent
from tests.checkpoints.states import assert_same_state
from tests.oracles import off_policy
from tests.trees import assert_same_bits

from .off_policy_runs import DIM, transitions

STEPS, LOST = 60, 20
KINDS = {
    "LinearTD": ft.partial(af.LinearTD, 0.02),
    "TrueOnlineTD": af.TrueOnlineTD,
    "SwiftTD": af.SwiftTD,
    "OffPolicyTD": ft.partial(af.OffPolicyTD, 0.02),
    "GradientTD": af.GradientTD,
    "EmphaticTD": ft.partial(af.EmphaticTD, 0.005),
    "VTrace": ft.partial(af.VTrace, 0.02),
    "Retrace": ft.partial(af.Retrace, 0.02),
    "GQ": af.GQ,
}
OFF_POLICY = {"OffPolicyTD", "GradientTD", "EmphaticTD", "VTrace", "Retrace", "GQ"}
MODES = ("value", "simple")


@eqx.filter_jit
def lived(learner, state, data):
    """Of every step what `update` gave, and the last state; `data` with or without ratios."""

    def one(state, row):
        *now, cut = row
        found = learner.update(state, *now, boundary=cut)
        return found.state, found

    last, rows = jax.lax.scan(one, state, data)
    return rows, last


def rows_of(data, ratios=True):
    """For `lived`: the cut last."""
    x, r, after, g, cut, rho = map(jnp.asarray, data)
    return (x, r, after, g, rho, cut) if ratios else (x, r, after, g, cut)


def spoilt(data, value=np.nan):
    """The same with a lost reward inside an episode."""
    x, r, after, g, cut, rho = data
    assert g[LOST] and not cut[LOST]
    r = np.array(r)
    r[LOST] = value
    return x, r, after, g, cut, rho


def without(data):
    """The same without the lost step, over which the trace of a linear learner goes on."""
    return tuple(np.delete(a, LOST, axis=0) for a in data)


def test_every_learner_of_the_room_takes_a_centering():
    found = {
        kind.__name__
        for base in (af.AbstractLinearTD, af.AbstractOffPolicyTD)
        for kind in base.__subclasses__()
        if kind.__module__.startswith("alberta_framework")
    }
    assert found == {*KINDS, "DifferentialTD"}


def test_differential_td_is_its_equations_with_a_lost_reward_inside():
    data, rates = transitions(STEPS), []
    weights, errors, _ = off_policy.differential_td(without(data), 0.05, 0.1, 0.7, rates)
    learner = af.DifferentialTD(0.05, 0.1, 0.7)
    found, state = lived(learner, learner.init(DIM), rows_of(spoilt(data)))
    kept = ~np.asarray(found.rejected)
    assert np.flatnonzero(~kept).tolist() == [LOST]
    np.testing.assert_allclose(state.weights, weights, atol=1e-5)
    np.testing.assert_allclose(found.td_error[kept], errors, atol=1e-5)
    rate = np.asarray(found.state.centering.reward_rate)
    np.testing.assert_allclose(rate[kept], rates, atol=1e-5)
    assert rate[LOST] == rate[LOST - 1]


def test_no_discount_but_zero_says_anything_to_differential_td():
    x, r, after, g, cut, rho = transitions(STEPS)
    learner = af.DifferentialTD(0.05, 0.1, 0.7)
    other = np.where(g == 0.0, 0.0, np.float32(0.3))
    ours, theirs = (
        lived(learner, learner.init(DIM), rows_of((x, r, after, discounts, cut, rho)))[0]
        for discounts in (g, other)
    )
    assert_same_bits(ours.state.weights, theirs.state.weights)
    # One that is no number is no discount, though it is not read.
    g = np.array(g)
    g[3] = np.nan
    found, _ = lived(learner, learner.init(DIM), rows_of((x, r, after, g, cut, rho)))
    assert np.flatnonzero(found.rejected).tolist() == [3]


def test_differential_td_is_off_policy_td_undiscounted_and_centered():
    x, r, after, g, cut, rho = transitions(STEPS)
    g = np.float32(g != 0.0)
    centered = af.OffPolicyTD(0.05, 0.7, reward_centering=af.RewardCentering("value", 0.1))
    data = rows_of((x, r, after, g, cut, rho))
    ours, theirs = (
        lived(learner, learner.init(DIM), data)[0]
        for learner in (af.DifferentialTD(0.05, 0.1, 0.7), centered)
    )
    assert_same_bits(ours.state.weights, theirs.state.weights)
    assert_same_bits(ours.state.centering, theirs.state.centering)


def test_without_a_trace_the_change_is_along_the_features():
    learner, (x, r, after, _, _, rho) = af.DifferentialTD(0.05, 0.1), transitions(2)
    first = learner.update(learner.init(DIM), x[0], r[0], after[0], 1.0, rho[0])
    second = learner.update(first.state, x[1], r[1], after[1], 1.0, rho[1])
    change = second.state.weights - first.state.weights
    np.testing.assert_allclose(change, 0.05 * rho[1] * second.td_error * x[1], rtol=1e-4, atol=1e-7)
    # No action taken of the target policy's: nothing is learned of either.
    idle = learner.update(first.state, x[1], r[1], after[1], 1.0, 0.0).state
    assert_same_bits(idle.weights, first.state.weights)
    assert_same_bits(idle.centering, first.state.centering)


@pytest.mark.parametrize("mode", MODES)
def test_centered_td_is_its_equations_with_a_lost_reward_inside(mode):
    data, rates = transitions(STEPS), []
    weights, errors = off_policy.centered_td(without(data), 0.05, 0.7, 0.1, mode, rates)
    learner = af.OffPolicyTD(0.05, 0.7, reward_centering=af.RewardCentering(mode, 0.1))
    # The incoming discount of the step after the lost one is that of the step before it.
    found, state = lived(learner, learner.init(DIM), rows_of(spoilt(data)))
    kept = ~np.asarray(found.rejected)
    np.testing.assert_allclose(state.weights, weights, atol=1e-5)
    np.testing.assert_allclose(found.td_error[kept], errors, atol=1e-5)
    np.testing.assert_allclose(found.state.centering.reward_rate[kept], rates, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", KINDS)
def test_a_centered_learner_is_the_plain_one_of_the_rewards_less_the_rate(name, mode):
    centering, plain = af.RewardCentering(mode, 0.1), KINDS[name]()
    centered = KINDS[name](reward_centering=centering)
    x, r, *others = spoilt(transitions(STEPS))
    data, ratios = (x, r + 1, *others), name in OFF_POLICY
    found, last = lived(centered, centered.init(DIM), rows_of(data, ratios))
    rate, rates = np.float64(0.0), []
    rhos = data[5] if ratios else np.ones(STEPS)
    for reward, error, rho in zip(data[1], np.float64(found.td_error), rhos, strict=True):
        rates.append(rate)
        if np.isfinite(reward):
            rate = rate + 0.1 * (rho * error if mode == "value" else reward - rate)
    np.testing.assert_allclose(last.centering.reward_rate, rate, rtol=1e-4, atol=1e-6)
    assert np.max(np.abs(rates)) > 0.1
    less = (data[0], np.float32(data[1] - np.array(rates)), *data[2:])
    told, other = lived(plain, plain.init(DIM), rows_of(less, ratios))
    np.testing.assert_allclose(last.weights, other.weights, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(found.td_error, told.td_error, rtol=1e-3, atol=1e-4)
    assert np.flatnonzero(found.rejected).tolist() == [LOST]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 3e38])
def test_what_would_leave_a_rate_that_is_no_number_is_rejected(bad):
    centering = af.RewardCentering("simple", 1.0)
    learner = af.LinearTD(0.0, reward_centering=centering)
    state = learner.init(DIM).replace(centering=af.CenteringState(jnp.float32(-3e38)))
    found = learner.update(state, np.zeros(DIM), bad, np.zeros(DIM), 0.9)
    assert found.rejected and found.state.rejected_count == 1
    assert_same_bits(found.state.centering, state.centering)


def test_a_rate_is_no_trace():
    learner = af.DifferentialTD(0.05, 0.1, 0.7)
    _, state = lived(learner, learner.init(DIM), rows_of(transitions(STEPS)))
    cut = learner.reset_traces(state)
    assert not np.any(cut.memory.trace) and state.centering.reward_rate != 0.0
    assert_same_bits(cut.centering, state.centering)


def test_every_step_size_of_the_rate_is_a_lane():
    betas, data = jnp.float32([0.0, 0.01, 0.3]), rows_of(transitions(STEPS))
    learners = [
        lambda beta: af.DifferentialTD(0.05, beta, 0.7),
        lambda beta: af.LinearTD(0.05, reward_centering=af.RewardCentering("value", beta)),
    ]
    for make, given in zip(learners, (data, (*data[:4], data[5])), strict=True):

        def last(learner, given=given):
            return lived(learner, learner.init(DIM), given)[1]

        batch = eqx.filter_vmap(last)(eqx.filter_vmap(make)(betas))
        for i, beta in enumerate(betas):
            alone = last(make(float(beta)))
            np.testing.assert_allclose(batch.weights[i], alone.weights, rtol=1e-4, atol=1e-6)
            rate = alone.centering.reward_rate
            np.testing.assert_allclose(batch.centering.reward_rate[i], rate, rtol=1e-4, atol=1e-6)
        assert np.unique(batch.centering.reward_rate).size == 3


@pytest.mark.parametrize(
    "learner",
    [
        af.DifferentialTD(0.02, 0.05, 0.3),
        af.LinearTD(reward_centering=af.RewardCentering("simple", 0.2)),
        af.GradientTD(reward_centering=af.RewardCentering()),
    ],
    ids=lambda learner: type(learner).__name__,
)
def test_it_goes_through_a_configuration_and_a_file(learner, tmp_path):
    config = json.loads(json.dumps(learner.to_config()))
    assert af.from_config(config) == learner
    x, r, after, g, _, _ = transitions(2)
    state = learner.update(learner.init(DIM), x[0], r[0], after[0], g[0]).state
    assert state.centering.reward_rate != 0.0
    save_agent(learner, state, tmp_path / "learner")
    again, loaded, _ = load_agent(tmp_path / "learner")
    assert again == learner
    assert_same_state(loaded, state)


def test_without_a_centering_nothing_tells_of_one():
    for make in KINDS.values():
        learner = make()
        assert "reward_centering" not in learner.to_config()
        assert learner.init(DIM).centering is None
    with_one = dataclasses.replace(af.LinearTD(), reward_centering=af.RewardCentering())
    assert with_one.to_config()["reward_centering"]["mode"] == "value"


@pytest.mark.parametrize(
    "build, told",
    [
        (lambda: af.RewardCentering("mean"), "`mode` must be one of"),
        (lambda: af.RewardCentering("value", 1.5), "`reward_rate_step_size`"),
        (lambda: af.RewardCentering("value", -0.1), "`reward_rate_step_size`"),
        (lambda: af.DifferentialTD(0.1, 2.0), "`reward_rate_step_size`"),
        (lambda: af.DifferentialTD(-0.1), "`step_size`"),
        (lambda: af.LinearTD(reward_centering=0.1), "`reward_centering` must be"),
        (
            lambda: af.OffPolicyHorde(
                af.DifferentialTD(),
                af.create_horde_spec([af.GVFSpec("a", af.DemonType.PREDICTION, 0.9, 0.5, -1)]),
            ),
            "no `reward_centering`",
        ),
    ],
)
def test_what_is_out_of_range_is_refused(build, told):
    with pytest.raises((ValueError, TypeError), match=told):
        build()


def test_the_rate_of_a_chain_is_its_average_reward():
    """Two states in turn, paid 0 and 1; differential values -+ 1/4 around their mean."""
    x = np.tile(np.eye(2, dtype=np.float32), (10_000, 1))
    after = x[:, ::-1]
    rewards = after[:, 0]
    stream = af.TDArrayStream(x, rewards, after, np.full(len(x), 0.9, np.float32))
    state, _ = af.run_td_learning_loop(af.DifferentialTD(0.1, 0.01), stream, len(x), jr.key(0))
    np.testing.assert_allclose(state.centering.reward_rate, 0.5, atol=1e-3)
    np.testing.assert_allclose(state.weights[1] - state.weights[0], 0.5, atol=1e-3)
