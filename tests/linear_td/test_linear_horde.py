"""LinearHorde: against TD(lambda) in float64, and against HordeLearner without hidden layers."""

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.horde import runs
from tests.oracles import linear_horde as oracle
from tests.trees import assert_same_bits

STEPS, DIM = 80, 5
# The first, third and last decay alike (0.45, once from other factors); one takes its own cumulant.
DEMONS = [
    runs.demon(0.9, 0.5, 0, 0.5),
    runs.demon(0.6, 0.0, 1),
    runs.demon(0.9, 0.5, 1, -1.0),
    runs.demon(0.95, 0.8, -1),
    runs.demon(0.5, 0.9, 0),
]
SPEC = runs.spec(*DEMONS)
N = len(SPEC)
STEP_SIZES = np.float32([0.05, 0.1, 0.02, 0.03, 0.05])
FIELDS = ("gamma", "lamda", "terminal_reward")
NUMBERS = [np.array([getattr(d, field) for d in DEMONS]) for field in FIELDS]


def experience(seed=0, **given):
    """Transitions of one stream with ends, cuts and missing cumulants."""
    rng = np.random.default_rng(seed)
    x = np.float32(rng.normal(size=(STEPS + 1, DIM)))
    signals = np.float32(rng.normal(size=(STEPS, 2)))
    signals[rng.random(signals.shape) < 0.1] = np.nan
    cumulants = np.full((STEPS, N), np.nan, np.float32)
    cumulants[:, 3] = np.where(rng.random(STEPS) < 0.2, np.nan, rng.normal(size=STEPS))
    rows = {
        "observation": x[:-1],
        "cumulants": cumulants,
        "next_observation": x[1:],
        "signals": signals,
        "terminated": np.float32(rng.random(STEPS) < 0.05),
        "truncated": rng.random(STEPS) < 0.05,
    }
    return rows | given


def by_demon(seed=1):
    """What may differ between demons that have traces of their own."""
    rng = np.random.default_rng(seed)
    return {
        "terminated": np.float32(rng.random((STEPS, N)) < 0.05),
        "truncated": rng.random((STEPS, N)) < 0.05,
        "rho": np.float32(rng.uniform(0.0, 1.5, (STEPS, N))),
        "gammas": np.float32(rng.uniform(0.0, 1.0, (STEPS, N))),
    }


def lived(horde, rows):
    stream = af.RecordedStream(record=af.DemonStep(**jax.tree.map(jnp.asarray, rows)))
    return af.learn(horde, stream, STEPS, jr.key(0))


def expected(rows, step_sizes=STEP_SIZES, freezes=False):
    return oracle.lived(rows, *NUMBERS, step_sizes, SPEC.cumulant_indices, freezes)


# Of float32 after 80 steps of numbers of the order of 1.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def test_one_trace_for_each_decay():
    horde = af.LinearHorde(SPEC, STEP_SIZES)
    assert horde.trace_of == (0, 1, 0, 2, 0) and horde.n_traces == 3
    assert horde.init(DIM).traces.shape == (3, DIM)
    assert af.LinearHorde(SPEC, traces="per_demon").init(DIM).traces.shape == (N, DIM)


@pytest.mark.parametrize("traces", ["shared", "per_demon"])
def test_it_is_td_lambda_of_each_demon(traces):
    rows = experience()
    result = lived(af.LinearHorde(SPEC, STEP_SIZES, traces=traces), rows)
    weights, z, errors = expected(rows)
    assert result.state.step_count == STEPS and result.state.rejected_count == 0
    np.testing.assert_allclose(result.state.weights, weights, **CLOSE)
    of = [0, 1, 3] if traces == "shared" else slice(None)  # the first demon of each trace
    np.testing.assert_allclose(result.state.traces, z[of], **CLOSE)
    np.testing.assert_allclose(result.metrics.td_error, errors, **CLOSE)


def test_a_ratio_for_all_needs_no_more_traces():
    rows = experience(rho=np.float32(np.random.default_rng(2).uniform(0.0, 1.5, STEPS)))
    result = lived(af.LinearHorde(SPEC, STEP_SIZES), rows)
    np.testing.assert_allclose(result.state.weights, expected(rows)[0], **CLOSE)


@pytest.mark.parametrize("inactive", ["advance", "freeze"])
def test_demons_with_their_own_traces_may_differ_in_all(inactive):
    rows = experience(**by_demon())
    result = lived(af.LinearHorde(SPEC, STEP_SIZES, "per_demon", inactive), rows)
    weights, z, errors = expected(rows, freezes=inactive == "freeze")
    np.testing.assert_allclose(result.state.weights, weights, **CLOSE)
    np.testing.assert_allclose(result.state.traces, z, **CLOSE)
    np.testing.assert_allclose(result.metrics.td_error, errors, **CLOSE)


@pytest.mark.parametrize("inactive", ["advance", "freeze"])
def test_it_is_a_horde_without_hidden_layers_and_bias(inactive):
    rows = experience()
    traces = "shared" if inactive == "advance" else "per_demon"
    ours = lived(af.LinearHorde(SPEC, 0.05, traces, inactive), rows)
    theirs = lived(runs.linear(*DEMONS, step_size=0.05, use_bias=False, inactive=inactive), rows)
    np.testing.assert_allclose(ours.state.weights, theirs.state.head_params.weights[:, 0], **CLOSE)
    np.testing.assert_allclose(ours.metrics.td_error, theirs.metrics.td_error, **CLOSE)


@pytest.mark.parametrize("traces", ["shared", "per_demon"])
def test_the_loop_over_arrays_takes_it(traces):
    rows = experience(rho=np.float32(np.random.default_rng(2).uniform(0.0, 1.5, STEPS)))
    horde = af.LinearHorde(SPEC, STEP_SIZES, traces)
    result = af.run_horde_learning_loop(
        horde,
        horde.init(DIM),
        rows["observation"],
        rows["cumulants"],
        rows["next_observation"],
        signals=rows["signals"],
        terminated=rows["terminated"],
        truncated=rows["truncated"],
        rhos=rows["rho"],
    )
    weights, _, errors = expected(rows)
    np.testing.assert_allclose(result.state.weights, weights, **CLOSE)
    np.testing.assert_allclose(result.td_errors, errors, **CLOSE)
    np.testing.assert_array_equal(result.per_demon_metrics[..., 1], result.td_errors)


def test_with_ratios_it_is_off_policy():
    rows = experience(rho=by_demon()["rho"])
    ours = lived(af.LinearHorde(SPEC, 0.02, "per_demon", "freeze"), rows)
    theirs = lived(af.OffPolicyHorde(af.OffPolicyTD(0.02), SPEC), rows)
    np.testing.assert_allclose(ours.state.weights, theirs.state.weights, **CLOSE)


ONE = {
    "observation": np.float32([1, 0, -1, 2, 0]),
    "cumulants": np.float32([1, 2, 3, 0, 1]),
    "next_observation": np.float32([0, 1, 1, 0, 2]),
}
BAD = {
    "observation": {"observation": np.float32([1, np.nan, 0, 0, 0])},
    "next observation": {"next_observation": np.float32([1, np.inf, 0, 0, 0])},
    "a cumulant": {"cumulants": np.float32([1, np.inf, 0, 0, 0])},
    "a ratio NaN": {"rho": np.nan},
    "a ratio infinite": {"rho": np.inf},
    "a ratio below 0": {"rho": -0.1},
    "a termination": {"terminated": np.nan},
    "overflow": {"observation": np.full(DIM, 1e30, np.float32), "rho": 1e10},
    "a step too far": {"observation": np.full(DIM, 1e20), "cumulants": np.full(N, 1e20)},
}


def begun(horde):
    state = horde.init(DIM)
    for t in range(4):
        x = np.full(DIM, 0.5 - t, np.float32)
        state = horde.update(state, x, np.float32(np.arange(N) + t), np.ones(DIM), 0.7).state
    return state


@pytest.mark.parametrize("traces", ["shared", "per_demon"])
@pytest.mark.parametrize("bad", BAD)
def test_a_rejected_step_is_undone_whole(traces, bad):
    horde = af.LinearHorde(SPEC, STEP_SIZES, traces)
    before = begun(horde)
    result = horde.update(before, **ONE | BAD[bad])
    assert result.rejected and np.all(np.isnan(result.td_errors))
    assert_same_bits(result.state.replace(life=None), before.replace(life=None))
    assert result.state.rejected_count == before.rejected_count + 1
    assert not horde.update(before, **ONE).rejected


def test_weights_stay_finite_however_far_they_are():
    """The next step finds weights that are too large by themselves."""
    horde = af.LinearHorde(SPEC, 0.1)
    for size in (1e36, 1e38, 3e38):
        state = horde.init(DIM)
        state = state.replace(weights=state.weights + np.float32(size))
        result = horde.update(state, np.zeros(DIM), np.zeros(N), np.zeros(DIM))
        assert bool(result.rejected) == (size > 1e37)
        assert np.all(np.isfinite(result.state.weights))


def test_a_demon_without_its_cumulant_learns_nothing_while_time_passes():
    horde = af.LinearHorde(SPEC, STEP_SIZES)
    before = begun(horde)
    missing = np.where(np.arange(N) == 2, np.nan, ONE["cumulants"])
    found = horde.update(before, **ONE | {"cumulants": missing})
    whole = horde.update(before, **ONE)
    np.testing.assert_array_equal(found.state.weights[2], before.weights[2])
    others = np.arange(N) != 2
    np.testing.assert_array_equal(found.state.weights[others], whole.state.weights[others])
    np.testing.assert_array_equal(found.state.traces, whole.state.traces)
    assert np.isnan(found.td_errors).tolist() == [False, False, True, False, False]


def test_predictions_are_those_of_the_update():
    horde = af.LinearHorde(SPEC, STEP_SIZES)
    state = begun(horde)
    found = horde.update(state, **ONE).predictions
    np.testing.assert_allclose(horde.predict(state, ONE["observation"]), found, rtol=1e-6)
    assert horde.demons == SPEC.demons and horde.metric_parts.names == SPEC.names


def test_other_numbers_are_taken_as_long_as_traces_can_be_shared():
    horde = af.LinearHorde(SPEC, STEP_SIZES)
    slower = eqx.tree_at(lambda h: h.horde_spec.lamdas, horde, SPEC.lamdas * 0.5)
    rows, numbers = experience(), [NUMBERS[0], NUMBERS[1] * 0.5, NUMBERS[2]]
    weights, _, _ = oracle.lived(rows, *numbers, STEP_SIZES, SPEC.cumulant_indices)
    np.testing.assert_allclose(lived(slower, rows).state.weights, weights, **CLOSE)

    torn = eqx.tree_at(lambda h: h.horde_spec.lamdas, horde, np.linspace(0.1, 0.9, N))
    with pytest.raises(ValueError, match="`horde_spec` must have the numbers it was made with"):
        torn.init(DIM)
    result = torn.update(begun(horde), **ONE)
    assert result.rejected and result.state.rejected_count == 1


def test_a_spec_that_is_traced_gets_a_trace_for_each_demon():
    def after(lamda):
        spec = eqx.tree_at(lambda s: s.lamdas, SPEC, jnp.full(N, lamda))
        horde = af.LinearHorde(spec, 0.05)
        return horde.update(horde.init(DIM), **ONE).state.traces

    assert jax.eval_shape(after, 0.5).shape == (N, DIM)


@pytest.mark.parametrize("name", ["rho", "terminated", "boundary", "gammas"])
def test_what_differs_between_demons_needs_their_own_traces(name):
    shared, own = af.LinearHorde(SPEC, 0.1), af.LinearHorde(SPEC, 0.1, "per_demon")
    with pytest.raises(TypeError, match=f"`{name}` must be .* use traces='per_demon'"):
        shared.update(shared.init(DIM), **ONE, **{name: np.zeros(N, np.float32)})
    own.update(own.init(DIM), **ONE, **{name: np.zeros(N, np.float32)})
    if name != "gammas":
        with pytest.raises(TypeError, match=rf"`{name}` must have shape \(\) or \(5,\)"):
            own.update(own.init(DIM), **ONE, **{name: np.zeros(2, np.float32)})


def test_a_target_policy_is_never_passed_over():
    policy = af.FixedTargetPolicy((0.9, 0.1))
    demons = [DEMONS[1], dataclasses.replace(DEMONS[0], name="other", target_policy=policy)]
    spec = af.create_horde_spec(demons)
    with pytest.raises(ValueError, match="shared traces: demon 'other' must have no"):
        af.LinearHorde(spec)
    horde, x = af.LinearHorde(spec, 0.1, "per_demon"), np.ones(DIM, np.float32)
    state = horde.init(DIM)
    with pytest.raises(TypeError, match="`rho` must be given, for demons have target policies"):
        horde.update(state, x, np.ones(2), x)
    ratios = spec.importance_ratios(x, 1, np.log(0.5))
    after = horde.update(state, x, np.ones(2), x, ratios).state
    np.testing.assert_allclose(after.weights, 0.1 * np.float32([[1.0], [0.2]]) * x, rtol=1e-6)


def test_traces_are_cut_of_all_or_of_those_that_have_their_own():
    shared, own = af.LinearHorde(SPEC), af.LinearHorde(SPEC, traces="per_demon")
    mask = np.arange(N) == 1
    assert not np.any(shared.reset_traces(begun(shared)).traces)
    with pytest.raises(TypeError, match="`mask` must be None with shared traces"):
        shared.reset_traces(begun(shared), mask)
    cut = own.reset_traces(begun(own), mask).traces
    assert not np.any(cut[1]) and np.all(np.any(cut[~mask] != 0, 1))


def test_the_parts_are_checked_and_the_config_round_trips():
    horde = af.LinearHorde(SPEC, 0.05, "per_demon", "freeze")
    again = af.from_config(json.loads(json.dumps(horde.to_config())))
    assert eqx.tree_equal(again, horde)
    with pytest.raises(ValueError, match="`inactive` must be 'advance' with shared traces"):
        af.LinearHorde(SPEC, inactive="freeze")
    with pytest.raises(ValueError, match="`traces`"):
        af.LinearHorde(SPEC, traces="some")
    with pytest.raises(TypeError, match="`horde_spec` must be"):
        af.LinearHorde(None)
    with pytest.raises(TypeError, match=r"`step_size` must have shape \(\) or \(5,\)"):
        wrong = af.LinearHorde(SPEC, np.float32([0.1, 0.2]))
        wrong.update(wrong.init(DIM), **ONE)


def test_it_learns_in_a_sweep_as_alone(tmp_path):
    rows = experience()
    stream = af.RecordedStream(record=af.DemonStep(**jax.tree.map(jnp.asarray, rows)))
    horde = af.LinearHorde(SPEC, 0.1)
    swept = af.sweep(
        horde,
        stream,
        {"learner.step_size": [0.01, 0.05]},
        num_steps=STEPS,
        keys=jr.key(0)[None],
        record=af.EveryNth(1),
    )
    alone = lived(af.LinearHorde(SPEC, 0.05), rows)
    found = np.asarray(swept.metrics["td_error"][1, 0])
    np.testing.assert_allclose(found, np.asarray(alone.metrics.td_error), **CLOSE)
    path = tmp_path / "horde.ckpt"
    af.save_agent(horde, alone.state, path)
    learner, state, _ = af.load_agent(path)
    assert eqx.tree_equal(learner, horde)
    assert_same_bits(state, alone.state)
