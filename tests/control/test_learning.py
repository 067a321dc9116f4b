"""What an agent makes of one transition: targets, errors, traces, epsilon."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.control import agents
from tests.horde import runs
from tests.oracles import tabular
from tests.trees import assert_leaves_close, assert_same_bits

S0, S1 = runs.one_hot(2, 0, 1)
ONE = np.float32([1.0])


def close(ours, expected):
    np.testing.assert_allclose(np.asarray(ours), expected, rtol=1e-6, atol=1e-7)


def test_two_steps_by_hand():
    """One state, actions 0 then 1, reward 1 at the end: the first action is credited too."""
    agent = agents.linear(lamda=0.8)
    first = agent.update(agents.pending(agent, 0, ONE), 0.0, ONE, False, 1)
    close(agents.table(first.state), [[0.0], [0.0]])
    second = agent.update(first.state, 1.0, ONE, True, 0)
    close(agents.table(second.state), [[0.072], [0.1]])
    close(agents.biases(second.state), [0.072, 0.1])
    close(second.td_error, 1.0)
    np.testing.assert_array_equal(second.state.learner_state.previous_discounts, [0.0, 0.0])
    third = agent.update(second.state, 0.0, ONE, False, 1)
    close(agents.traces(third.state), [[1.0], [0.0]])


def test_the_error_told_is_the_error_learned_from():
    """r + gamma Q(S', A') - Q(S, A): of the action taken, in the state where it was."""
    agent = agents.linear()
    state = agents.pending(agent, 0, S0, [[1.0, 3.0], [2.0, 5.0]])
    result = agent.update(state, 0.5, S1, False, 1)
    close(result.td_error, 0.5 + 0.9 * 5.0 - 1.0)
    close(result.q_values, [3.0, 5.0])
    close(agents.table(result.state), [[1.4, 3.0], [2.0, 5.0]])
    assert (result.action, float(result.reward)) == (1, 0.5)
    assert bool(result.learned) is True and bool(result.rejected) is False
    assert result.state.last_action == 1
    np.testing.assert_array_equal(result.state.last_observation, S1)
    assert result.state.step_count == 1


def test_an_end_does_not_bootstrap():
    agent = agents.linear()
    state = agents.pending(agent, 0, S0, [[1.0, 3.0], [2.0, 5.0]])
    result = agent.update(state, 0.5, S1, True, 1)
    close(result.td_error, -0.5)
    close(result.q_values, [3.0, 5.0])


@pytest.mark.parametrize("kind", [bool, np.bool_, float, int, np.float32, jnp.float32, jnp.bool_])
def test_an_end_may_be_a_truth_value_or_a_number(kind):
    agent = agents.linear()
    state = agents.pending(agent, 0, S0, [[1.0, 3.0], [2.0, 5.0]])
    close(agent.update(state, 0.5, S1, kind(1), 1).td_error, -0.5)
    close(agent.update(state, 0.5, S1, kind(0), 1).td_error, 4.0)


@pytest.mark.parametrize("kind", [int, np.int32, np.int64, jnp.int32])
def test_arguments_may_be_given_by_name(kind):
    agent = agents.linear()
    state = agents.pending(agent, 0, S0, [[1.0, 3.0], [2.0, 5.0]])
    named = agent.update(
        state, reward=0.5, observation=S1, terminated=False, next_action=kind(1), truncated=False
    )
    positional = agent.update(state, 0.5, S1, False, kind(1))
    np.testing.assert_array_equal(named.td_error, positional.td_error)
    assert named.action == positional.action == 1


STEPS, STATES, ACTIONS, GAMMA, LAMDA, STEP_SIZE = 2_000, 5, 3, 0.9, 0.8, 0.05


def experience(seed=0):
    rng = np.random.default_rng(seed)
    states, actions = rng.integers(0, STATES, STEPS + 1), rng.integers(0, ACTIONS, STEPS + 1)
    rewards = np.float32(rng.normal(size=STEPS))
    ends = rng.choice(["", "terminated", "truncated"], p=[0.85, 0.1, 0.05], size=STEPS)
    return states, actions, rewards, ends


def learned(lamda, **arguments):
    """From 2,000 steps; every step starts where the one before arrived."""
    states, actions, rewards, ends = experience()
    agent = agents.linear(ACTIONS, gamma=GAMMA, lamda=lamda, step_size=STEP_SIZE, **arguments)
    state = agents.pending(agent, actions[0], runs.one_hot(STATES, states[0])[0])
    return runs.run(
        agent,
        state,
        reward=rewards,
        observation=runs.one_hot(STATES, *states[1:]),
        terminated=np.float32(ends == "terminated"),
        next_action=np.int32(actions[1:]),
        truncated=ends == "truncated",
    )


@pytest.mark.parametrize("lamda", [0.0, LAMDA, 1.0])
def test_with_one_feature_for_each_state_it_is_tabular_sarsa(lamda):
    states, actions, rewards, ends = experience()
    state, results = learned(lamda, use_bias=False)
    table, errors = tabular.sarsa(
        states[:-1], actions[:-1], rewards, states[1:], actions[1:], ends, GAMMA, STEP_SIZE, lamda
    )
    np.testing.assert_allclose(results.td_error, errors, rtol=0, atol=1e-5)
    np.testing.assert_allclose(agents.table(state), table.T, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(agents.biases(state), 0.0)


def test_lamda_matters():
    tables = [agents.table(learned(lamda, use_bias=False)[0]) for lamda in (0.0, 0.9)]
    assert np.max(np.abs(tables[0] - tables[1])) > 0.1


def test_the_lamda_of_the_constructor_is_that_of_its_heads():
    agent = agents.linear(lamda=0.7, prediction_demons=runs.spec(runs.demon(0.5, 0.25)).demons)
    spec = agent.horde.horde_spec
    np.testing.assert_array_equal(spec.gammas, [0.0, 0.0, 0.5])
    np.testing.assert_array_equal(spec.lamdas, [0.7, 0.7, 0.25])
    control, prediction = af.DemonType.CONTROL, af.DemonType.PREDICTION
    assert spec.demon_types == (control, control, prediction)
    assert spec.names == ("q_0", "q_1", "d0")


def test_only_the_action_taken_learns_without_traces():
    agent = agents.linear(3, optimizer=af.Autostep(0.1))
    state = agents.pending(agent, 1, S0)
    for reward in (1.0, -1.0, 0.5):
        state = agent.update(state, reward, S0, False, 1).state
    untouched = agents.pending(agent, 1, S0).learner_state
    for i in (0, 2):
        for name in ("head_params", "head_optimizer_states"):
            mine, first = (
                jax.tree.map(lambda leaf, i=i: leaf[i], getattr(s, name).__dict__)
                for s in (state.learner_state, untouched)
            )
            assert_same_bits(mine, first)
    assert agents.table(state)[1, 0] != 0


def demons():
    """Of discount 0.9, terminal reward 0.25; and of discount 0.5."""
    return runs.spec(runs.demon(0.9, 0.5, terminal_reward=0.25), runs.demon(0.5, 0.0)).demons


def test_prediction_demons_learn_beside():
    agent = agents.linear(prediction_demons=demons())
    weights = [[1.0, 3.0], [2.0, 5.0], [-1.0, 2.0], [0.0, 4.0]]
    state = agents.pending(agent, 0, S0, weights)
    cumulants = np.float32([1.0, 0.5])
    on = agent.update(state, 0.5, S1, False, 1, cumulants)
    close(agents.table(on.state)[2:, 0], [-1.0 + 0.1 * (1 + 1.8 + 1), 0.1 * (0.5 + 2.0)])
    close(on.state.learner_state.previous_discounts, [0.9, 0.9, 0.9, 0.5])
    close(on.q_values, [3.0, 5.0])


def test_prediction_demons_do_not_bootstrap_through_the_end():
    agent = agents.linear(prediction_demons=demons())
    weights = [[1.0, 3.0], [2.0, 5.0], [-1.0, 2.0], [0.0, 4.0]]
    state = agents.pending(agent, 0, S0, weights)
    ended = agent.update(state, 0.5, S1, True, 1, np.float32([1.0, 0.5]))
    close(agents.table(ended.state)[2:, 0], [-1.0 + 0.1 * (1 + 0.25 + 1), 0.1 * 0.5])
    np.testing.assert_array_equal(ended.state.learner_state.previous_discounts, np.zeros(4))


@pytest.mark.parametrize("cumulants", [None, np.float32([np.nan, np.nan])], ids=["none", "nan"])
def test_prediction_demons_without_cumulants_are_inactive(cumulants):
    agent = agents.linear(prediction_demons=demons())
    weights = [[1.0, 3.0], [2.0, 5.0], [-1.0, 2.0], [0.0, 4.0]]
    state = agents.pending(agent, 0, S0, weights)
    result = agent.update(state, 0.5, S1, False, 1, cumulants)
    assert not result.rejected
    np.testing.assert_array_equal(agents.table(result.state)[2:], np.float32(weights[2:]))
    close(result.td_error, 4.0)
    discounts = result.state.learner_state.previous_discounts
    close(discounts, [0.9, 0.9, 1.0, 1.0])
    ended = agent.update(state, 0.5, S1, True, 1, cumulants).state
    np.testing.assert_array_equal(ended.learner_state.previous_discounts, np.zeros(4))


@pytest.mark.parametrize("start, end", [(0.1, 0.5), (0.9, 0.05), (0.3, 0.3), (0.0, 1.0)])
def test_epsilon_moves_linearly_up_or_down(start, end):
    agent = agents.linear(epsilon=start, epsilon_end=end, epsilon_decay_steps=10)
    state = agents.pending(agent, 0, S0)
    assert state.epsilon == np.float32(start)
    for count in range(1, 14):
        state = agent.update(state, 0.0, S0, False, 0).state
        expected = start + (end - start) * min(count / 10, 1.0)
        np.testing.assert_allclose(state.epsilon, expected, rtol=1e-6, atol=1e-7)


def test_epsilon_stays_without_decay_steps():
    agent = agents.linear(epsilon=0.4, epsilon_end=0.1)
    state = agents.pending(agent, 0, S0).replace(epsilon=jnp.float32(0.7))
    assert agent.update(state, 0.0, S0, False, 0).state.epsilon == np.float32(0.7)


@pytest.mark.parametrize(
    "steps, decay",
    [(10**6, 10**6), (5 * 10**8, 10**9), (2**31 - 1, 2**31 - 1), (2**24 + 1, 2**25), (2**40, 100)],
)
def test_epsilon_is_right_after_many_steps(steps, decay):
    agent = agents.linear(epsilon=1.0, epsilon_end=0.0, epsilon_decay_steps=decay)
    state = agents.pending(agent, 0, S0)
    state = state.replace(learner_state=state.learner_state.replace(step_count=steps - 1))
    result = agent.update(state, 0.0, S0, False, 0).state
    assert result.step_count == steps
    np.testing.assert_allclose(result.epsilon, max(0.0, 1 - steps / decay), rtol=1e-6, atol=1e-7)


def test_epsilon_does_not_turn_back_when_counters_pass_a_word():
    agent = agents.linear(epsilon=1.0, epsilon_end=0.25, epsilon_decay_steps=1000)
    for steps in (2**31, 2**32, 2**32 + 10, 2**53):
        state = agents.pending(agent, 0, S0)
        state = state.replace(learner_state=state.learner_state.replace(step_count=steps))
        assert agent.update(state, 0.0, S0, False, 0).state.epsilon == np.float32(0.25)


def test_the_key_is_left_to_the_caller():
    agent = agents.linear(epsilon=0.5)
    state = agents.pending(agent, 0, S0)
    result = agent.update(state, 1.0, S1, False, 1)
    assert_same_bits(jax.random.key_data(result.state.rng_key), jax.random.key_data(state.rng_key))


def test_compiled_is_eager():
    agent = agents.linear(3, lamda=0.9)
    state = agents.pending(agent, 1, S0)
    state = agent.update(state, 1.0, S1, False, 2).state
    compiled = agent.update(state, 0.5, S0 + S1, False, 0)
    with jax.disable_jit():
        eager = agent.update(state, 0.5, S0 + S1, False, 0)
    assert_leaves_close(
        agents.without_clock(eager.state).learner_state,
        agents.without_clock(compiled.state).learner_state,
        absolute=1e-7,
    )
    close(eager.td_error, compiled.td_error)


@pytest.mark.parametrize(
    "changes, name",
    [
        ({"observation": np.zeros(3, np.float32)}, "observation"),
        ({"reward": np.zeros(2, np.float32)}, "reward"),
        ({"next_action": np.zeros(2, np.int32)}, "next_action"),
        ({"prediction_cumulants": np.zeros(3, np.float32)}, "prediction_cumulants"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused_by_name(changes, name):
    agent = agents.linear(prediction_demons=demons())
    state = agents.pending(agent, 0, S0)
    given = {"reward": 0.0, "observation": S1, "terminated": False, "next_action": 0}
    given["prediction_cumulants"] = np.zeros(2, np.float32)
    with pytest.raises(TypeError, match=name):
        agent.update(state, **given | changes)
