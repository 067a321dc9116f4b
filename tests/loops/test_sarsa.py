"""Agents on recorded transitions, against the same steps by hand."""

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.control import agents
from tests.control.test_episodes import comparable, cut
from tests.horde import runs
from tests.trees import assert_finite, assert_leaves_close, assert_same_bits

STEPS, DIM = 30, 3


def agent(**arguments):
    return agents.linear(
        **{"actions": 3, "lamda": 0.8, "epsilon": 0.4, "step_size": 0.05} | arguments
    )


def recorded(seed=0, steps=STEPS):
    """Episodes one after the other: rows of different episodes do not follow each other."""
    rng = np.random.default_rng(seed)
    columns = {
        "observations": np.float32(rng.normal(size=(steps, DIM))),
        "rewards": np.float32(rng.normal(size=steps)),
        "terminated": rng.random(steps) < 0.15,
        "next_observations": np.float32(rng.normal(size=(steps, DIM))),
        "truncated": rng.random(steps) < 0.15,
    }
    over = columns["terminated"] | columns["truncated"]
    for t in range(steps - 1):
        if not over[t]:
            columns["observations"][t + 1] = columns["next_observations"][t]
    return columns


ACTIONS = np.int32(np.random.default_rng(5).integers(0, 3, size=STEPS))


def learned(learner, state, action, following, key, columns, t):
    """One update from row t, as if `action` had been taken there."""
    state = state.replace(
        last_action=jnp.int32(action),
        last_observation=jnp.asarray(columns["observations"][t]),
        rng_key=key,
    )
    return learner.update(
        state,
        columns["rewards"][t],
        columns["next_observations"][t],
        columns["terminated"][t],
        following,
        truncated=columns["truncated"][t],
    )


def by_hand(learner, state, columns, actions):
    """With the actions behind the data."""
    results, steps = [], len(actions)
    for t in range(steps):
        own, key = learner.select_action(state, columns["next_observations"][t])
        over = columns["terminated"][t] or columns["truncated"][t] or t + 1 == steps
        following = own if over else actions[t + 1]
        results.append(learned(learner, state, actions[t], following, key, columns, t))
        state = results[-1].state
        if results[-1].rejected:
            state = cut(learner, state)
    return state, results


def assert_is(result, state, results):
    ours, theirs = comparable(result.state), comparable(state)
    assert_leaves_close(ours, theirs, relative=2e-6, absolute=1e-6)
    np.testing.assert_array_equal(ours.rng_key, theirs.rng_key)
    np.testing.assert_array_equal(result.actions, [int(r.action) for r in results])
    errors, values = [r.td_error for r in results], [r.q_values for r in results]
    np.testing.assert_allclose(result.td_errors, errors, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(result.q_values, values, rtol=2e-6, atol=2e-6)


def test_with_the_actions_behind_the_data():
    learner, columns = agent(), recorded()
    begun = learner.init(DIM, jr.key(1))
    result = af.run_sarsa_from_arrays(learner, begun, **columns, actions=ACTIONS)
    assert_is(result, *by_hand(learner, begun, columns, ACTIONS))
    over = columns["terminated"] | columns["truncated"]
    np.testing.assert_array_equal(result.actions[:-1][~over[:-1]], ACTIONS[1:][~over[:-1]])
    assert result.state.step_count == STEPS


def test_the_actions_behind_the_data_matter():
    learner, columns = agent(), recorded()
    begun = learner.init(DIM, jr.key(1))
    tables = [
        agents.table(af.run_sarsa_from_arrays(learner, begun, **columns, actions=a).state)
        for a in (np.zeros(STEPS, np.int32), np.ones(STEPS, np.int32))
    ]
    # Action 2 is chosen by the agent alone, after ends: it is bootstrapped from, never taken.
    assert np.all(tables[0][1:] == 0) and np.all(tables[0][0] != 0)
    assert np.all(tables[1][[0, 2]] == 0) and np.all(tables[1][1] != 0)


def test_the_observations_matter():
    learner, columns = agent(), recorded()
    begun = learner.init(DIM, jr.key(1))
    other = columns | {"observations": columns["observations"] + np.float32(1.0)}
    errors = [
        af.run_sarsa_from_arrays(learner, begun, **c, actions=ACTIONS).td_errors
        for c in (columns, other)
    ]
    assert np.mean(errors[0] != errors[1]) > 0.9


def alone(learner, state, columns, steps, pending=None):
    """Without actions, on data without ends: what the agent chooses next it has taken."""
    if pending is None:
        action, key = learner.select_action(state, columns["observations"][0])
        state = state.replace(rng_key=key)
    else:
        action = pending
    results = []
    for t in range(steps):
        following, key = learner.select_action(state, columns["next_observations"][t])
        results.append(learned(learner, state, action, following, key, columns, t))
        state, action = results[-1].state, following
    return state, results


def endless(seed=0):
    columns = recorded(seed)
    columns["terminated"][:] = columns["truncated"][:] = False
    columns["observations"][1:] = columns["next_observations"][:-1]
    return columns


@pytest.mark.parametrize("pending", [None, 2])
def test_without_actions_the_agent_s_own_choices_stand(pending):
    learner, columns = agent(), endless()
    begun = learner.init(DIM, jr.key(1))
    if pending is not None:
        begun = begun.replace(
            last_action=jnp.int32(pending), last_observation=jnp.asarray(columns["observations"][0])
        )
    result = af.run_sarsa_from_arrays(learner, begun, **columns)
    assert_is(result, *alone(learner, begun, columns, STEPS, pending))


def split(key, count):
    for _ in range(count):
        key = jr.split(key, 4)[0]
    return jr.key_data(key)


@pytest.mark.parametrize("pending", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_keys_are_split_once_for_each_step(given, pending):
    """And once more where the first action has to be chosen."""
    learner, columns = agent(), recorded()
    state = learner.init(DIM, jr.key(1))
    if pending:
        state = state.replace(last_action=jnp.int32(0))
    result = af.run_sarsa_from_arrays(learner, state, **columns, actions=ACTIONS if given else None)
    expected = split(state.rng_key, STEPS + (not given and not pending))
    np.testing.assert_array_equal(jr.key_data(result.state.rng_key), expected)


@pytest.mark.parametrize("end", ["terminated", "truncated"])
def test_after_an_end_the_agent_chooses_anew(end):
    """Greedy; action 0 is best where the episode stops, action 1 where the next one starts."""
    learner = agents.linear(2, epsilon=0.0, step_size=1e-4, lamda=0.8)
    columns = {
        "observations": runs.one_hot(3, 2, 2, 1),
        "next_observations": runs.one_hot(3, 2, 0, 1),
        "rewards": np.zeros(3, np.float32),
        "terminated": np.zeros(3, bool),
        "truncated": np.zeros(3, bool),
    }
    columns[end][1] = True
    state = agents.pending(learner, -1, np.zeros(3), [[5.0, 0.0, 1.0], [0.0, 5.0, 0.0]])
    result = af.run_sarsa_from_arrays(learner, state, **columns)
    np.testing.assert_array_equal(result.actions, [0, 0, 1])
    # Row 2 learned about the pair (s1, 1): r + 0.9 * 5 - 5.
    np.testing.assert_allclose(result.td_errors[2], -0.5, rtol=1e-3)
    bootstrapped = 0.9 * 5.0 - 1.0 if end == "truncated" else -1.0
    np.testing.assert_allclose(result.td_errors[1], bootstrapped, rtol=1e-3)
    # No trace has crossed: the weight of (s2, 0) has moved by rows 0 and 1 alone.
    moved = agents.table(result.state) - [[5.0, 0.0, 1.0], [0.0, 5.0, 0.0]]
    trace = 1.0 + 0.9 * 0.8
    np.testing.assert_allclose(moved[0, 2], 1e-4 * (trace * bootstrapped - 0.1), rtol=1e-2)
    np.testing.assert_allclose(moved[1], [0.0, -0.5e-4, 0.0], rtol=1e-2)


def test_a_run_in_two_parts_is_the_whole():
    learner, columns = agent(), endless()
    begun = learner.init(DIM, jr.key(1))
    whole = af.run_sarsa_from_arrays(learner, begun, **columns)
    state, parts = begun, []
    for part in (slice(0, STEPS // 2), slice(STEPS // 2, STEPS)):
        parts.append(
            af.run_sarsa_from_arrays(learner, state, **{k: c[part] for k, c in columns.items()})
        )
        state = parts[-1].state
    assert_same_bits(comparable(state), comparable(whole.state))
    for name in ("q_values", "td_errors", "actions"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole, name))


@pytest.mark.parametrize("given", [False, True])
def test_the_size_of_chunks_does_not_matter(given):
    learner, columns = agent(), recorded()
    begun, actions = learner.init(DIM, jr.key(1)), ACTIONS if given else None
    whole = af.run_sarsa_from_arrays(learner, begun, **columns, actions=actions)
    chunked = af.run_sarsa_from_arrays(learner, begun, **columns, actions=actions, chunk_size=7)
    assert_same_bits(comparable(chunked.state), comparable(whole.state))
    for name in ("q_values", "td_errors", "actions"):
        np.testing.assert_array_equal(getattr(chunked, name), getattr(whole, name))


@pytest.mark.parametrize("name", ["rewards", "next_observations", "observations"])
def test_a_lost_transition_is_counted_and_not_bridged(name):
    """Each row brings its own pair; no trace crosses a row that is lost."""
    learner, columns = agent(), endless()
    columns[name][10] = np.nan
    begun = learner.init(DIM, jr.key(1))
    result = af.run_sarsa_from_arrays(learner, begun, **columns, actions=ACTIONS)
    assert_is(result, *by_hand(learner, begun, columns, ACTIONS))
    assert (result.state.step_count, result.state.rejected_count) == (STEPS - 1, 1)
    np.testing.assert_array_equal(np.isnan(result.td_errors), np.arange(STEPS) == 10)


@pytest.mark.parametrize("name", ["rewards", "next_observations", "observations"])
def test_a_lost_transition_poisons_nothing_without_actions(name):
    learner, columns = agent(), endless()
    columns[name][10] = np.nan
    result = af.run_sarsa_from_arrays(learner, learner.init(DIM, jr.key(1)), **columns)
    assert result.state.rejected_count == 1
    # The row after it may have nothing pending to learn from.
    lost = np.flatnonzero(np.isnan(result.td_errors)).tolist()
    assert lost in ([10], [10, 11])
    assert result.state.step_count == STEPS - len(lost)
    assert_finite(result.state.learner_state)
    assert np.all(np.isfinite(result.q_values[11:]))


def test_prediction_demons_learn_from_arrays():
    demons = runs.spec(runs.demon(0.0, 0.0), runs.demon(0.9, 0.5)).demons
    learner, columns = agent(prediction_demons=demons), recorded()
    cumulants = np.float32(np.random.default_rng(1).normal(size=(STEPS, 2)))
    cumulants[3, 1] = np.nan
    state = learner.init(DIM, jr.key(1))
    result = af.run_sarsa_from_arrays(
        learner, state, **columns, actions=ACTIONS, prediction_cumulants=cumulants
    )
    # The first demon is a linear regression of its cumulants.
    weights, bias = np.zeros(DIM), 0.0
    for x, c in zip(columns["observations"], cumulants[:, 0], strict=True):
        error = c - weights @ x - bias
        weights, bias = weights + 0.05 * error * x, bias + 0.05 * error
    np.testing.assert_allclose(agents.table(result.state)[3], weights, rtol=1e-4, atol=1e-5)


def test_an_empty_run_changes_nothing():
    learner, columns = agent(), recorded(steps=1)
    state = learner.init(DIM, jr.key(1)).replace(last_action=jnp.int32(1))
    empty = {name: column[:0] for name, column in columns.items()}
    result = af.run_sarsa_from_arrays(learner, state, **empty)
    assert_same_bits(comparable(result.state), comparable(state))
    assert result.q_values.shape == (0, 3) and result.td_errors.shape == (0,)


def test_a_run_adds_its_time_to_the_uptime():
    learner, columns = agent(), recorded()
    state = learner.init(DIM, jr.key(1))
    result = af.run_sarsa_from_arrays(learner, state, **columns)
    assert 0 < af.agent_uptime_s(result.state) < 60
    again = af.run_sarsa_from_arrays(learner, result.state, **columns).state
    assert af.agent_uptime_s(again) > af.agent_uptime_s(result.state)


@pytest.mark.parametrize("bad", [3, -1, 99])
def test_an_action_that_does_not_exist_is_refused(bad):
    learner, columns = agent(), recorded()
    actions = ACTIONS.copy()
    actions[4] = bad
    with pytest.raises(ValueError, match="actions") as caught:
        af.run_sarsa_from_arrays(learner, learner.init(DIM, jr.key(1)), **columns, actions=actions)
    assert str(bad) in str(caught.value)


@pytest.mark.parametrize("name", ["observations", "rewards", "next_observations", "terminated"])
def test_columns_of_unequal_length_are_refused_by_name(name):
    learner, columns = agent(), recorded()
    columns[name] = columns[name][:-1]
    with pytest.raises((TypeError, ValueError), match=name):
        af.run_sarsa_from_arrays(learner, learner.init(DIM, jr.key(1)), **columns)
