"""Hordes off policy: each demon learns as if it were alone, with its own ratios."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.horde import runs
from tests.trees import assert_same_bits

from .off_policy_runs import CASES as ALL
from .off_policy_runs import DIM, transitions

STEPS = 60
# No demon has an average of its own.
CASES = {name: case for name, case in ALL.items() if case[0].reward_centering is None}
DEMONS = [runs.demon(0.9, 0.5, 0, 0.5), runs.demon(0.6, 0.0, 1), runs.demon(0.95, 0.8, -1, -1.0)]
SPEC = runs.spec(*DEMONS)
N = len(SPEC)


def experience(seed=3):
    """Rows for three demons: signals for two, a cumulant for one, missing ones, ends, ratios."""
    x, _, after, discounts, cuts, _ = transitions(STEPS, seed=seed, ends=0.1)
    rng = np.random.default_rng(seed)
    signals = np.float32(rng.normal(size=(STEPS, 2)))
    signals[rng.random(signals.shape) < 0.1] = np.nan
    cumulants = np.full((STEPS, N), np.nan, np.float32)
    cumulants[:, 2] = np.where(rng.random(STEPS) < 0.15, np.nan, rng.normal(size=STEPS))
    return af.DemonStep(
        jnp.asarray(x),
        jnp.asarray(cumulants),
        jnp.asarray(after),
        jnp.asarray(signals),
        jnp.float32(discounts == 0.0),
        truncated=jnp.asarray(cuts),
        rho=jnp.asarray(np.float32(rng.uniform(0.0, 1.6, (STEPS, N)))),
    )


def alone(rows, i):
    """What demon i learns from: where its cumulant is missing nothing, but an end is one."""
    given = np.append(rows.signals, rows.cumulants[:, 2:], 1)[:, i]
    ended, kept = np.asarray(rows.terminated) != 0, []
    for t in range(STEPS):
        if np.isnan(given[t]):
            if kept and (ended[t] or rows.truncated[t]):
                kept[-1][4] = True
            continue
        reward = given[t] + ended[t] * DEMONS[i].terminal_reward
        g = 0.0 if ended[t] else DEMONS[i].gamma
        x, after = rows.observation[t], rows.next_observation[t]
        kept.append([x, reward, after, g, bool(rows.truncated[t]), rows.rho[t, i]])
    return tuple(np.asarray(column) for column in zip(*kept, strict=True))


def lived(horde, rows):
    return af.learn(horde, af.RecordedStream(record=rows), STEPS, jr.key(0))


def same(one, other):
    assert_same_bits(one.replace(life=None), other.replace(life=None))


@pytest.mark.parametrize("name", CASES)
def test_each_demon_learns_as_if_alone(name):
    learner, oracle = CASES[name]
    rows = experience()
    result = lived(af.OffPolicyHorde(learner, SPEC), rows)
    state, errors = result.state, np.asarray(result.metrics.td_error)
    assert state.step_count == STEPS and state.rejected_count == 0
    for i, demon in enumerate(DEMONS):
        data = alone(rows, i)
        weights, told, kept = oracle(data, lamda=demon.lamda)
        np.testing.assert_allclose(state.weights[i], weights, atol=1e-4)
        seen = errors[:, i][~np.isnan(errors[:, i])]
        np.testing.assert_allclose(seen, told, atol=1e-4)
        for field, expected in kept.items():
            np.testing.assert_allclose(getattr(state.memory, field)[i], expected, atol=1e-4)
    assert result.metrics.names == ("squared_td_error", "td_error", "mean_step_size")


def test_without_ratios_it_is_on_policy():
    rows = experience()
    one = lived(af.OffPolicyHorde(af.OffPolicyTD(0.02), SPEC), rows.replace(rho=None))
    horde = runs.linear(*DEMONS, step_size=0.02, use_bias=False)
    two = lived(horde, rows.replace(rho=None))
    np.testing.assert_allclose(one.state.weights, two.state.head_params.weights[:, 0], atol=1e-6)
    three = lived(af.OffPolicyHorde(af.OffPolicyTD(0.02), SPEC), rows.replace(rho=jnp.ones(STEPS)))
    np.testing.assert_allclose(three.state.weights, one.state.weights, atol=1e-7)


def begun(horde):
    state = horde.init(DIM)
    for t in range(4):
        state = horde.update(
            state, np.full(DIM, 0.5 - t), np.arange(N) + t, np.ones(DIM), 0.7
        ).state
    return state


ONE = (np.float32([1, 0, -1, 2]), np.float32([1, 2, 3]), np.float32([0, 1, 1, 0]))
NAN, INF = np.float32(np.nan), np.float32(np.inf)
BAD = {
    "observation": {"observation": np.float32([1, np.nan, 0, 0])},
    "next observation": {"next_observation": np.float32([1, np.nan, 0, 0])},
    "a cumulant": {"cumulants": np.float32([1, np.inf, 0])},
    "a ratio NaN": {"rho": np.float32([1, np.nan, 1])},
    "a ratio infinite": {"rho": np.float32([1, 1, np.inf])},
    "a ratio below 0": {"rho": np.float32([-0.1, 1, 1])},
    "a discount": {"gammas": np.float32([0.9, np.nan, 0.9])},
    "a termination": {"terminated": np.float32([0, 0, np.nan])},
    "overflow": {"observation": np.full(DIM, 1e30, np.float32), "rho": 1e10},
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bad", BAD)
def test_a_rejected_step_is_undone_whole(name, bad):
    horde = af.OffPolicyHorde(CASES[name][0], SPEC)
    before = begun(horde)
    given = dict(zip(("observation", "cumulants", "next_observation"), ONE, strict=True)) | BAD[bad]
    result = horde.update(before, **given)
    assert result.rejected and np.all(np.isnan(result.td_errors))
    same(result.state, before)
    assert result.state.rejected_count == before.rejected_count + 1


@pytest.mark.parametrize("name", CASES)
def test_a_missing_cumulant_leaves_its_demon_as_it_was(name):
    horde = af.OffPolicyHorde(CASES[name][0], SPEC)
    before, (x, cumulants, after) = begun(horde), ONE
    missing = np.where([False, True, False], np.nan, cumulants)

    def demon(state, i):
        return jax.tree.map(lambda a: a[i], (state.weights, state.memory))

    found = horde.update(before, x, missing, after, 0.5)
    whole = horde.update(before, x, cumulants, after, 0.5)
    assert_same_bits(demon(found.state, 1), demon(before, 1))
    for i in (0, 2):
        assert_same_bits(demon(found.state, i), demon(whole.state, i))
    assert np.isnan(found.td_errors).tolist() == [False, True, False]
    np.testing.assert_array_equal(found.predictions, whole.predictions)
    # An episode that ends meanwhile is over for it too.
    for ending in ({"terminated": True}, {"boundary": np.array([False, True, False])}):
        ended = horde.update(before, x, missing, after, 0.5, **ending).state
        cut = horde.reset_traces(before, np.array([False, True, False]))
        assert_same_bits(demon(ended, 1), demon(cut, 1))


def test_predictions_are_those_of_the_update():
    horde = af.OffPolicyHorde(af.GradientTD(0.1, lamda=0.5), SPEC)
    state = begun(horde)
    found = horde.update(state, *ONE).predictions
    np.testing.assert_allclose(horde.predict(state, ONE[0]), found, rtol=1e-6)
    assert horde.demons == SPEC.demons and horde.metric_parts.names == SPEC.names


def test_a_number_for_each_demon():
    rows, interests = experience(), np.float32([0.5, 1.0, 2.0])
    together = lived(af.OffPolicyHorde(af.EmphaticTD(0.005, interest=interests), SPEC), rows)
    for i, interest in enumerate(interests):
        one = lived(af.OffPolicyHorde(af.EmphaticTD(0.005, interest=float(interest)), SPEC), rows)
        np.testing.assert_allclose(together.state.weights[i], one.state.weights[i], atol=1e-6)
    wrong = af.OffPolicyHorde(af.EmphaticTD(interest=interests[:2]), SPEC)
    with pytest.raises(TypeError, match=r"each number of `learner` must have shape \(\) or \(3,\)"):
        wrong.update(wrong.init(DIM), *ONE)


@pytest.mark.parametrize("name", ["rho", "terminated", "boundary"])
def test_what_has_the_wrong_shape_is_refused(name):
    horde = af.OffPolicyHorde(af.OffPolicyTD(), SPEC)
    with pytest.raises(TypeError, match=rf"`{name}` must have shape \(\) or \(3,\), got \(2,\)"):
        horde.update(horde.init(DIM), *ONE, **{name: np.zeros(2, np.float32)})


def test_the_parts_are_checked_and_the_config_round_trips():
    horde = af.OffPolicyHorde(af.GradientTD(regularization=1.0), SPEC)
    again = af.from_config(json.loads(json.dumps(horde.to_config())))
    assert again.learner == horde.learner and again.demons == horde.demons
    with pytest.raises(TypeError, match="`learner` must be an AbstractOffPolicyTD"):
        af.OffPolicyHorde(af.LinearTD(), SPEC)
    with pytest.raises(TypeError, match="`spec` must be an HordeSpec"):
        af.OffPolicyHorde(af.OffPolicyTD(), None)
    with pytest.raises(TypeError, match=r"`mask` must be bool\[3\]"):
        horde.reset_traces(horde.init(DIM), np.array([True]))


@pytest.mark.parametrize("each", [True, False], ids=["of each demon", "of all"])
def test_the_loop_over_arrays_takes_ratios(each):
    rows = experience()
    ratios = np.asarray(rows.rho) if each else np.asarray(rows.rho)[:, 0].tolist()
    horde = af.OffPolicyHorde(af.GradientTD(0.02), SPEC)
    given = dict(signals=rows.signals, terminated=rows.terminated, gammas=rows.gammas)
    result = af.run_horde_learning_loop(
        horde,
        horde.init(DIM),
        rows.observation,
        rows.cumulants,
        rows.next_observation,
        truncated=rows.truncated,
        rhos=ratios,
        **given,
    )
    expected = lived(horde, rows.replace(rho=jnp.asarray(ratios)))
    same(result.state, expected.state)
    np.testing.assert_array_equal(result.td_errors, expected.metrics.td_error)
    np.testing.assert_array_equal(result.per_demon_metrics[..., 1], result.td_errors)
    # Those of another policy are another life.
    assert (
        np.max(np.abs(result.state.weights - lived(horde, rows.replace(rho=None)).state.weights))
        > 0.01
    )


def test_what_learns_on_policy_refuses_ratios():
    rows = experience()
    horde = af.HordeLearner(SPEC, (), af.LMS(0.02))
    state = horde.init(DIM, jr.key(0))
    with pytest.raises(TypeError, match="HordeLearner: `rho` must be None"):
        af.run_horde_learning_loop(
            horde,
            state,
            rows.observation,
            rows.cumulants,
            rows.next_observation,
            rhos=np.ones(STEPS),
        )
    with pytest.raises(TypeError, match="`rhos`"):
        af.run_horde_learning_loop(
            horde,
            state,
            rows.observation,
            rows.cumulants,
            rows.next_observation,
            rhos=np.ones((STEPS, N + 1)),
        )


POLICIES = (None, af.FixedTargetPolicy((0.9, 0.1)), af.FixedTargetPolicy((0.0, 1.0)))


def with_policies():
    demons = (
        dataclasses.replace(demon, name=f"d{i}", target_policy=policy)
        for i, (demon, policy) in enumerate(zip(DEMONS, POLICIES, strict=True))
    )
    return af.create_horde_spec(list(demons))


def test_ratios_are_those_of_the_target_policies():
    spec, x = with_policies(), np.zeros(DIM)
    for action, pi in ((0, (0.9, 0.0)), (1, (0.1, 1.0)), (2, (0.0, 0.0))):
        found = spec.importance_ratios(x, action, np.log(0.5))
        np.testing.assert_allclose(found, [1.0, pi[0] / 0.5, pi[1] / 0.5], rtol=1e-6)
        found = spec.importance_ratios(x, action, np.log(0.5), clip=1.5)
        np.testing.assert_allclose(
            found, np.minimum([1.0, pi[0] / 0.5, pi[1] / 0.5], 1.5), rtol=1e-6
        )
    # Questions about the policy that is followed have ratios of 1.
    np.testing.assert_array_equal(SPEC.importance_ratios(x, 0, -1.0), np.ones(N))
    with pytest.raises(ValueError, match="`clip` must lie in"):
        spec.importance_ratios(x, 0, 0.0, clip=0.0)
    assert [demon.target_policy for demon in spec.demons] == list(POLICIES)


def test_a_target_policy_is_never_passed_over():
    spec = with_policies()
    horde = af.OffPolicyHorde(af.GradientTD(0.02), spec)
    state = horde.init(DIM)
    with pytest.raises(TypeError, match="`rho` must be given, for demons have target policies"):
        horde.update(state, np.ones(DIM), np.ones(N), np.ones(DIM))
    with pytest.raises(ValueError, match=r"HordeLearner: demon .* must have no `target_policy`"):
        af.HordeLearner(spec, (), af.LMS(0.02))
    again = af.from_config(horde.to_config())
    assert again.spec.target_policies == POLICIES


@pytest.mark.parametrize("probabilities", [(), (0.5, 0.6), (1.5, -0.5), (np.nan, 1.0)])
def test_probabilities_are_those_of_a_policy(probabilities):
    with pytest.raises(ValueError, match="FixedTargetPolicy: `probabilities` must hold"):
        af.FixedTargetPolicy(probabilities)
