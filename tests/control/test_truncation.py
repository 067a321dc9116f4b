"""A truncation is no end: it bootstraps from where it cut, and no trace crosses it."""

import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.control import agents
from tests.control.environments import OneState
from tests.horde import runs

ONE = np.ones(1, np.float32)
S0, S1 = runs.one_hot(2, 0, 1)
# A discounted sum of ones: 1 / (1 - 0.9).
RIGHT = 10.0


def agent(**arguments):
    # With step size 0.3 and 1,000 steps nothing is left of the start: (1 - 0.03) ** 500 is 2e-7.
    return agents.linear(1, step_size=0.3, use_bias=False, **arguments)


@pytest.mark.parametrize("lamda", [0.0, 0.8])
def test_the_value_of_a_constant_reward_through_updates(lamda):
    learner, steps = agent(lamda=lamda), 1_000
    state, results = runs.run(
        learner,
        agents.pending(learner, 0, ONE),
        reward=np.ones(steps, np.float32),
        observation=np.ones((steps, 1), np.float32),
        terminated=np.zeros(steps, np.float32),
        next_action=np.zeros(steps, np.int32),
        truncated=np.arange(steps) % 2 == 1,
    )
    np.testing.assert_allclose(agents.table(state), [[RIGHT]], rtol=1e-4)
    np.testing.assert_allclose(results.td_error[-1], 0.0, atol=1e-3)


@pytest.mark.parametrize("given", [True, False], ids=["given actions", "own actions"])
@pytest.mark.parametrize("lamda", [0.0, 0.8])
def test_the_value_of_a_constant_reward_from_arrays(lamda, given):
    learner, steps = agent(lamda=lamda), 1_000
    ones = np.ones((steps, 1), np.float32)
    result = af.run_sarsa_from_arrays(
        learner,
        agents.pending(learner, -1, ONE),
        ones,
        ones[:, 0],
        np.zeros(steps, bool),
        ones,
        truncated=np.arange(steps) % 2 == 1,
        actions=np.zeros(steps, np.int32) if given else None,
    )
    np.testing.assert_allclose(agents.table(result.state), [[RIGHT]], rtol=1e-4)
    assert result.state.step_count == steps


@pytest.mark.parametrize("lamda", [0.0, 0.8])
def test_the_value_of_a_constant_reward_in_an_environment(lamda):
    learner = agents.linear(2, step_size=0.5, use_bias=False, lamda=lamda, epsilon=0.3)
    env = OneState(cut_after=2)
    state = agents.pending(learner, -1, ONE)
    result = af.run_sarsa_continuing(learner, state, env, 500)
    assert env.resets >= 250
    table = agents.table(result.state)
    np.testing.assert_allclose(table, [[RIGHT]] * 2, rtol=0.02)
    assert result.total_reward == 500.0


def test_an_end_in_the_same_place_does_not_bootstrap():
    """Two steps to the end: the first is worth 1 + 0.9, the second 1; one state holds both."""
    learner = agents.linear(1, step_size=0.5, use_bias=False)
    result = af.run_sarsa_continuing(
        learner, agents.pending(learner, -1, ONE), OneState(cut_after=1, ends=True), 40
    )
    np.testing.assert_allclose(agents.table(result.state), [[1.0]], rtol=1e-4)


def test_an_update_that_is_cut_bootstraps_and_cuts_every_trace():
    learner = agents.linear(lamda=0.8, prediction_demons=runs.spec(runs.demon(0.9, 1.0)).demons)
    weights = [[1.0, 3.0], [2.0, 5.0], [0.0, 4.0]]
    state = agents.pending(learner, 0, S0, weights)
    cumulant = ONE
    on = learner.update(state, 0.5, S1, False, 1, cumulant)
    cut = learner.update(state, 0.5, S1, False, 1, cumulant, truncated=True)
    np.testing.assert_allclose(cut.td_error, 4.0, rtol=1e-6)
    np.testing.assert_array_equal(cut.td_error, on.td_error)
    np.testing.assert_array_equal(agents.table(cut.state), agents.table(on.state))
    assert np.any(agents.traces(on.state) != 0)
    traces = cut.state.learner_state.head_traces
    np.testing.assert_array_equal(traces.w, np.zeros((3, 1, 2)))
    np.testing.assert_array_equal(traces.b, np.zeros((3, 1)))
    np.testing.assert_array_equal(cut.state.learner_state.previous_discounts, np.zeros(3))
    # The next step credits its own pair alone.
    after = learner.update(cut.state, 1.0, S0, True, 0, cumulant)
    changed = agents.table(after.state) != agents.table(cut.state)
    np.testing.assert_array_equal(changed, [[False, False], [False, True], [False, True]])
    bridged = learner.update(on.state, 1.0, S0, True, 0, cumulant)
    changed = agents.table(bridged.state) != agents.table(on.state)
    np.testing.assert_array_equal(changed, [[True, False], [False, True], [True, True]])


def test_an_update_that_ends_and_is_cut_does_not_bootstrap():
    learner = agents.linear(lamda=0.8)
    state = agents.pending(learner, 0, S0, [[1.0, 3.0], [2.0, 5.0]])
    result = learner.update(state, 0.5, S1, True, 1, truncated=True)
    np.testing.assert_allclose(result.td_error, -0.5, rtol=1e-6)
    np.testing.assert_array_equal(agents.traces(result.state), np.zeros((2, 2)))


@pytest.mark.parametrize("kind", [bool, np.bool_, float, int, jnp.bool_])
def test_a_cut_may_be_a_truth_value_or_a_number(kind):
    learner = agents.linear(lamda=0.8)
    state = agents.pending(learner, 0, S0)
    result = learner.update(state, 0.5, S1, False, 1, truncated=kind(1))
    np.testing.assert_array_equal(agents.traces(result.state), np.zeros((2, 2)))
    result = learner.update(state, 0.5, S1, False, 1, truncated=kind(0))
    np.testing.assert_array_equal(agents.traces(result.state), [[1.0, 0.0], [0.0, 0.0]])
