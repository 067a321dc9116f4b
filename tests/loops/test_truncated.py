"""Truncations in arrays of transitions, against loops written out in float64."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.horde import runs
from tests.trees import assert_same_bits, lane

STEPS, DIM, ALPHA, GAMMA, LAMDA = 60, 3, 0.05, 0.9, 0.8


def episodes(seed=0):
    """Rows of episodes one after the other, terminated or truncated after a few steps."""
    rng = np.random.default_rng(seed)
    ends = rng.random((2, STEPS)) < 0.15
    terminated, truncated = ends
    x, after = (np.float32(rng.normal(size=(STEPS, DIM))) for _ in range(2))
    for t in range(STEPS - 1):
        if not ends[:, t].any():
            after[t] = x[t + 1]
    assert terminated.any() and (truncated & ~terminated).sum() > 4
    return x, np.float32(rng.normal(size=STEPS)), after, terminated, truncated


def by_hand(x, rewards, after, terminated, truncated, alpha=ALPHA):
    """Weights, bias and TD errors of linear TD(lambda)."""
    x, after = (np.append(np.float64(a), np.ones((STEPS, 1)), 1) for a in (x, after))
    w, z, errors, decay = np.zeros(DIM + 1), np.zeros(DIM + 1), [], 0.0
    for t in range(STEPS):
        g = 0.0 if terminated[t] else GAMMA
        delta = rewards[t] + g * (w @ after[t]) - w @ x[t]
        z = decay * LAMDA * z + x[t]
        w, decay = w + alpha * delta * z, g
        if truncated[t]:
            z = np.zeros(DIM + 1)
        errors.append(delta)
    return w, np.array(errors)


def close(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-6)


def td_learner():
    return af.TDLinearLearner(af.TDIDBD(ALPHA, meta_step_size=0.0, trace_decay=LAMDA))


def td_stream(x, rewards, after, terminated, truncated):
    gammas = np.where(terminated, 0.0, GAMMA)
    return af.TDArrayStream(x, rewards, after, gammas, truncated=truncated)


@pytest.mark.parametrize("kind", [np.bool_, np.float32, np.int64, list])
def test_td_learning_cuts_its_traces_and_bootstraps(kind):
    *rows, truncated = episodes()
    given = truncated.tolist() if kind is list else truncated.astype(kind)
    state, metrics = af.run_td_learning_loop(
        td_learner(), td_stream(*rows, given), STEPS, jr.key(0)
    )
    weights, errors = by_hand(*rows, truncated)
    close(np.append(state.weights, state.bias), weights)
    close(metrics[:, 1], errors)
    # The same rows without it are another life.
    uncut, _ = by_hand(*rows, np.zeros(STEPS, bool))
    assert not np.allclose(weights, uncut, rtol=1e-3)


def test_no_truncation_is_what_it_was():
    *rows, _ = episodes()
    one, two = (
        af.run_td_learning_loop(td_learner(), td_stream(*rows, given), STEPS, jr.key(0))
        for given in (None, np.zeros(STEPS, bool))
    )
    weights, errors = by_hand(*rows, np.zeros(STEPS, bool))
    for state, metrics in (one, two):
        close(np.append(state.weights, state.bias), weights)
        close(metrics[:, 1], errors)


def test_lanes_and_chunks_cut_where_the_single_loop_does():
    rows = episodes()
    stream = td_stream(*rows)
    single, metrics = af.run_td_learning_loop(td_learner(), stream, STEPS, jr.key(0))
    chunked, _ = af.run_td_learning_loop(td_learner(), stream, STEPS, jr.key(0), chunk_size=7)
    close(chunked.weights, single.weights)
    for lanes in (2, 9):
        keys = jr.split(jr.key(0), lanes)
        batch = af.run_td_learning_loop_batched(td_learner(), stream, STEPS, keys)
        for i in (0, lanes - 1):
            close(batch.metrics[i], metrics)
            close(lane(batch.states, i).weights, single.weights)


def horde():
    demon = runs.demon(GAMMA, LAMDA)
    return runs.linear(demon, runs.demon(GAMMA, LAMDA), optimizer=af.LMS(ALPHA))


def learned(x, rewards, after, terminated, truncated, cumulants=None):
    state = horde().init(DIM, jr.key(0))
    state = state.replace(head_params=jax.tree.map(jnp.zeros_like, state.head_params))
    cumulants = np.stack([rewards, rewards], -1) if cumulants is None else cumulants
    return af.run_horde_learning_loop(
        horde(), state, x, cumulants, after, terminated=terminated, truncated=truncated
    )


def weights_of(state):
    heads = state.head_params
    return np.append(heads.weights[:, 0], heads.biases, 1)


def test_a_horde_cuts_its_traces_and_bootstraps():
    rows = episodes()
    result = learned(*rows)
    weights, errors = by_hand(*rows)
    close(weights_of(result.state), [weights, weights])
    close(result.td_errors, np.stack([errors, errors], -1))


def test_each_demon_of_a_horde_may_be_cut_by_itself():
    *rows, truncated = episodes()
    never = np.zeros(STEPS, bool)
    result = learned(*rows, np.stack([truncated, never], -1))
    expected = [by_hand(*rows, flags)[0] for flags in (truncated, never)]
    close(weights_of(result.state), expected)


def test_a_demon_that_is_inactive_at_the_cut_is_cut_too():
    *rows, truncated = episodes()
    place = int(np.flatnonzero(truncated & ~rows[3])[0])
    cumulants = np.stack([rows[1], rows[1]], -1)
    cumulants[place, 1] = np.nan
    state = learned(*rows, truncated, cumulants).state
    # Its traces hold nothing from before the cut: the last episode alone.
    last = int(np.flatnonzero(truncated | rows[3])[-1])
    if last == STEPS - 1:
        np.testing.assert_array_equal(state.head_traces.w, np.zeros((2, 1, DIM)))
    else:
        close(state.head_traces.w[0], state.head_traces.w[1])


def test_a_batch_of_hordes_is_cut():
    rows, keys = episodes(), jr.split(jr.key(1), 2)
    x, rewards, after, terminated, truncated = rows
    cumulants = np.stack([rewards, rewards], -1)
    ends = {"terminated": terminated, "truncated": truncated}
    batch = af.run_horde_learning_loop_batched(horde(), x, cumulants, after, keys, **ends)
    for i, key in enumerate(keys):
        state = horde().init(DIM, key)
        single = af.run_horde_learning_loop(horde(), state, x, cumulants, after, **ends)
        close(batch.td_errors[i], single.td_errors)
    plain = af.run_horde_learning_loop_batched(
        horde(), x, cumulants, after, keys, terminated=terminated
    )
    assert not np.allclose(plain.td_errors, batch.td_errors, rtol=1e-3)


def test_sarsa_of_one_action_is_the_same_loop():
    """All loops over arrays agree on what a truncation is."""
    x, rewards, after, terminated, truncated = episodes()
    agent = af.SARSAAgent(af.SARSAConfig(1, GAMMA), (), af.LMS(ALPHA), sparsity=1.0, lamda=LAMDA)
    state = agent.init(DIM, jr.key(0))
    result = af.run_sarsa_from_arrays(
        agent,
        state,
        x,
        rewards,
        terminated,
        after,
        truncated=truncated,
        actions=np.zeros(STEPS, int),
    )
    weights, errors = by_hand(x, rewards, after, terminated, truncated)
    close(weights_of(result.state.learner_state), [weights])
    close(result.td_errors, errors)


@pytest.mark.parametrize("lost", ["reward", "observation"])
def test_a_transition_that_is_lost_where_the_episode_is_cut_is_cut(lost):
    """Rejected, and no trace of what was before meets the next episode."""
    x, rewards, after, terminated, truncated = episodes()
    truncated, terminated = np.zeros(STEPS, bool), np.zeros(STEPS, bool)
    truncated[9] = True
    (rewards if lost == "reward" else x)[9] = np.nan
    state, metrics = af.run_td_learning_loop(
        td_learner(), td_stream(x, rewards, after, terminated, truncated), 10, jr.key(0)
    )
    assert state.rejected_count == 1 and np.isnan(metrics[9, 1])
    np.testing.assert_array_equal(state.optimizer_state.eligibility_traces, np.zeros(DIM))
    result = learned(x, rewards, after, terminated, truncated)
    assert result.state.rejected_count >= (lost == "observation")


def test_what_an_environment_gives_is_cut_where_it_was():
    """The transitions of both collectors carry their truncations."""
    from tests.environments.counting import Counting, cycling

    found = af.collect_transitions(Counting(), cycling(), 40)
    np.testing.assert_array_equal(found.transitions.truncated, found.truncated)
    assert found.truncated.any()
    stream = af.TDStream(Counting(), cycling())
    steps = stream.td_transitions()
    for expected in np.asarray(found.truncated):
        assert bool(next(steps).truncated) == expected == stream.last_truncated


def test_a_demon_of_a_comparison_is_cut_too():
    """`learn` of every learner of transitions reads the flag of its experience."""
    learner = td_learner()
    state = learner.init(DIM)
    x = np.ones(DIM, np.float32)
    step = af.TDTimeStep(x, np.float32(1), x, np.float32(0.9))
    on, _ = learner.learn(state, step)
    cut, _ = learner.learn(state, step.replace(truncated=np.bool_(True)))
    kept, _ = learner.learn(state, step.replace(truncated=np.bool_(False)))
    assert np.any(on.optimizer_state.eligibility_traces)
    assert not np.any(cut.optimizer_state.eligibility_traces)
    assert_same_bits(kept.optimizer_state, on.optimizer_state)
    np.testing.assert_array_equal(cut.weights, on.weights)


def test_flags_of_another_shape_are_named():
    *rows, truncated = episodes()
    for given in (truncated[:-1], truncated[:, None]):
        with pytest.raises((TypeError, ValueError), match="`truncated`"):
            td_stream(*rows, given)
    for given in (truncated[:-1], np.zeros((STEPS, 3), bool), np.bool_(True)):
        with pytest.raises(TypeError, match="`truncated` must have shape"):
            learned(*rows, given)
    with pytest.raises(TypeError, match="`truncated` must be flags"):
        td_stream(*rows, ["no"] * STEPS)


def test_a_stream_with_truncations_survives_the_trip_through_json():
    import json

    stream = td_stream(*episodes())
    again = af.from_config(json.loads(json.dumps(stream.to_config())))
    assert_same_bits(again, stream)
    *rows, _ = episodes()
    assert "truncated" not in td_stream(*rows, None).to_config()
