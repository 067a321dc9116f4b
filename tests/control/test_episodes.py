"""Agents in environments, against the same episodes stepped by hand."""

import time

import gymnasium
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.control import agents
from tests.control.environments import OneState, Scripted, script
from tests.trees import assert_same_numbers, assert_same_steps


def learner(**arguments):
    return agents.linear(2, lamda=0.8, epsilon=0.4, step_size=0.05, **arguments)


def comparable(state):
    state = agents.without_clock(state)
    return state.replace(rng_key=jr.key_data(state.rng_key))


def seen(observation):
    return np.asarray(observation, np.float32).ravel()


def cut(agent, state):
    """Nothing pending, and no trace of what was before."""
    network = agent.horde.reset_traces(state.learner_state)
    network = network.replace(previous_discounts=jnp.zeros_like(network.previous_discounts))
    return state.replace(learner_state=network, last_action=jnp.int32(-1))


def stepped(agent, state, action, env, *, last=False):
    """One step of an episode, and whether it is over."""
    observation, reward, terminated, truncated, _ = env.step(int(action))
    truncated = truncated or last
    following, key = agent.select_action(state, seen(observation))
    result = agent.update(
        state.replace(rng_key=key),
        np.float32(reward),
        seen(observation),
        terminated,
        following,
        truncated=truncated,
    )
    state = cut(agent, result.state) if result.rejected else result.state
    return state, following, result, terminated, truncated


def episode_by_hand(agent, state, env, max_steps):
    action, state = agent.start(state, seen(env.reset()[0]))
    results = []
    for count in range(1, max_steps + 1):
        last = count == max_steps
        state, action, result, terminated, truncated = stepped(agent, state, action, env, last=last)
        results.append(result)
        if terminated or truncated:
            break
    return state, results


QUIET = script(ends=0.0, cuts=0.0)
ENDING = [*QUIET[:5], (QUIET[5][0], 0.5, True, False)]
CUT = [*QUIET[:5], (QUIET[5][0], 0.5, False, True)]
BAD = [*QUIET[:2], (QUIET[2][0], np.nan, False, False), *QUIET[3:]]
BAD_OBSERVATION = [*QUIET[:2], (np.full((2, 2), np.inf), 1.0, False, False), *QUIET[3:]]
EPISODES = {
    "terminated": (ENDING, 6),
    "truncated": (CUT, 6),
    "max_steps": (QUIET, 7),
    "bad reward": (BAD, 7),
    "bad observation": (BAD_OBSERVATION, 7),
}


@pytest.mark.parametrize("name", EPISODES)
def test_an_episode_is_its_steps(name):
    rows, steps = EPISODES[name]
    agent = learner()
    begun = agent.init(4, jr.key(1))
    ours, theirs = Scripted(rows), Scripted(rows)
    result = af.run_sarsa_episode(agent, begun, ours, max_steps=7)
    state, results = episode_by_hand(agent, begun, theirs, 7)
    assert result.num_steps == len(results) == steps
    assert ours.actions == theirs.actions and len(ours.actions) == steps
    assert_same_steps(comparable(result.state), comparable(state))
    assert [type(v) for v in (*result.rewards, *result.td_errors)] == [float] * (2 * steps)
    assert_same_numbers(result.td_errors, [float(r.td_error) for r in results])
    assert_same_numbers(result.q_values, [r.q_values for r in results])
    np.testing.assert_array_equal(
        np.float32(result.rewards), np.float32([row[1] for row in rows[:steps]])
    )
    np.testing.assert_allclose(result.total_reward, np.sum(result.rewards))
    bad = name.startswith("bad")
    assert result.state.rejected_count == bad
    # What follows a lost transition has nothing pending to learn from.
    assert result.state.step_count == steps - 2 * bad
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(result.td_errors)), [2, 3] * bad)


def test_an_episode_that_reaches_its_limit_bootstraps():
    """A constant reward 1 with discount 0.9: episodes of one step lead to 10, not to 1."""
    agent = agents.linear(1, step_size=0.5, use_bias=False)
    state = agent.init(1, jr.key(0))
    for _ in range(200):
        state = af.run_sarsa_episode(agent, state, OneState(10**6), max_steps=1).state
    np.testing.assert_allclose(agents.table(state), [[10.0]], rtol=0.001)


def continued_by_hand(agent, state, env, steps):
    """On a termination the first action of the next episode is the choice of the step."""
    action, state = agent.start(state, seen(env.reset()[0]))
    results = []
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(int(action))
        if terminated:
            begin = seen(env.reset()[0])
            following, key = agent.select_action(state, begin)
            result = agent.update(
                state.replace(rng_key=key), np.float32(reward), seen(observation), True, following
            )
            state = result.state.replace(last_action=following, last_observation=jnp.asarray(begin))
            action = following
        else:
            following, key = agent.select_action(state, seen(observation))
            result = agent.update(
                state.replace(rng_key=key),
                np.float32(reward),
                seen(observation),
                False,
                following,
                truncated=truncated,
            )
            state, action = result.state, following
            if result.rejected:
                state = cut(agent, state)
            if truncated:
                action, state = agent.start(state, seen(env.reset()[0]))
        results.append(result)
    return state, results


CONTINUING = {
    "both": script(),
    "ends": script(cuts=0.0, ends=0.4),
    "cuts": script(cuts=0.4, ends=0.0),
    "bad reward": BAD,
}


@pytest.mark.parametrize("name", CONTINUING)
def test_a_continuing_run_is_its_steps(name):
    rows, steps = CONTINUING[name], 20
    agent = learner()
    begun = agent.init(4, jr.key(2))
    ours, theirs = Scripted(rows), Scripted(rows)
    result = af.run_sarsa_continuing(agent, begun, ours, steps)
    state, results = continued_by_hand(agent, begun, theirs, steps)
    assert ours.actions == theirs.actions and set(ours.actions) == {0, 1}
    assert ours.episode == theirs.episode
    assert_same_steps(comparable(result.state), comparable(state))
    assert_same_numbers(result.td_errors, [float(r.td_error) for r in results])
    assert_same_numbers(result.q_values, [r.q_values for r in results])
    np.testing.assert_allclose(result.total_reward, np.sum(result.rewards))
    assert len(result.rewards) == steps and type(result.td_errors[0]) is float


def test_a_continuing_run_goes_on_from_its_state():
    """The environment starts anew; parameters, counts and keys go on."""
    agent, rows = learner(), script()
    env, other = Scripted(rows), Scripted(rows)
    state = af.run_sarsa_continuing(agent, agent.init(4, jr.key(2)), env, 8).state
    result = af.run_sarsa_continuing(agent, state, env, 8)
    begun = continued_by_hand(agent, agent.init(4, jr.key(2)), other, 8)[0]
    expected, _ = continued_by_hand(agent, begun, other, 8)
    assert_same_steps(comparable(result.state), comparable(expected))
    assert result.state.step_count == 16


def test_no_trace_crosses_the_start_of_an_episode():
    """The last pair of an episode learns nothing from the first reward of the next one."""
    agent = agents.linear(1, lamda=1.0, gamma=1.0, step_size=0.1, use_bias=False)
    first = ([[9.0, 0.0], [0.0, 0.0]], 0.0, False, False)
    env = Scripted([first], actions=1)
    state = af.run_sarsa_episode(agent, agent.init(4, jr.key(0)), env, max_steps=1).state
    before = agents.table(state)
    assert not np.any(before)
    env = Scripted([([[0.0, 0.0], [0.0, 0.0]], 1.0, True, False)], actions=1)
    after = af.run_sarsa_episode(agent, state, env).state
    # Only the observation of the reset, (1, 1, 0.5, -1), has earned the reward.
    np.testing.assert_allclose(agents.table(after), [[0.1, 0.1, 0.05, -0.1]], rtol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_terminal_step_that_is_lost_is_not_bridged(value):
    agent = agents.linear(1, lamda=1.0, gamma=1.0, step_size=0.1, use_bias=False)
    marked = [[0.0, 0.0], [0.0, 9.0]]
    rows = [(marked, 0.0, False, False), (marked, value, True, False)]
    rows += [([[0.0, 0.0], [0.0, 0.0]], 1.0, True, False)]
    result = af.run_sarsa_continuing(agent, agent.init(4, jr.key(0)), Scripted(rows, 1), 3)
    assert result.state.rejected_count == 1
    # Only the second observation of a reset, (2, 1, 0.5, -1), has earned the reward.
    np.testing.assert_allclose(agents.table(result.state), [[0.2, 0.1, 0.05, -0.1]], rtol=1e-6)


def test_uptime_and_age_of_an_agent():
    class Slow(OneState):
        def step(self, action):
            time.sleep(0.005)
            return super().step(action)

    agent = agents.linear(2)
    state = agent.init(1, jr.key(0))
    af.run_sarsa_continuing(agent, state, Slow(5), 2)
    before = time.perf_counter()
    result = af.run_sarsa_continuing(agent, state, Slow(5), 30)
    elapsed = time.perf_counter() - before
    assert 0.15 <= af.agent_uptime_s(result.state) <= elapsed + 1e-6
    before = time.perf_counter()
    episode = af.run_sarsa_episode(agent, result.state, Slow(5))
    elapsed = time.perf_counter() - before
    assert episode.num_steps == 5
    gained = af.agent_uptime_s(episode.state) - af.agent_uptime_s(result.state)
    assert 0.025 <= gained <= elapsed + 1e-6
    assert 0 <= af.agent_age_s(state) < 600
    assert af.agent_age_s(episode.state) >= af.agent_uptime_s(episode.state)
    assert episode.state.birth_timestamp == state.birth_timestamp
    assert episode.state.uptime_s == af.agent_uptime_s(episode.state)
    older = state.replace(birth_timestamp=time.time() - 1000.0)
    assert af.agent_age_s(older) == pytest.approx(1000, abs=5)


@pytest.mark.parametrize("bad", [-1, 1.5, True, "3"], ids=repr)
def test_numbers_of_steps_are_ints(bad):
    agent = agents.linear(2)
    state = agent.init(1, jr.key(0))
    with pytest.raises((TypeError, ValueError), match="max_steps"):
        af.run_sarsa_episode(agent, state, OneState(), bad)
    with pytest.raises((TypeError, ValueError), match="num_steps"):
        af.run_sarsa_continuing(agent, state, OneState(), bad)


@pytest.mark.parametrize("name", ["episode", "continuing"])
def test_features_are_what_the_agent_sees(name):
    """As if the environment showed them itself."""
    coder = af.TileCoder([-2.0] * 4, [2.0] * 4, tilings=2, tiles=2)
    agent, rows = learner(), script()
    shown = [(coder(seen(row[0])), *row[1:]) for row in rows]

    class Coded(Scripted):
        observation_space = gymnasium.spaces.Box(0.0, 1.0, (coder.feature_dim,), np.float32)

        def reset(self, *, seed=None, options=None):
            observation, told = super().reset(seed=seed, options=options)
            return coder(seen(observation)), told

    begun = agent.init(coder.feature_dim, jr.key(3))
    ours, theirs = Scripted(rows), Coded(shown)
    if name == "episode":
        result = af.run_sarsa_episode(agent, begun, ours, 15, features=coder)
        expected = af.run_sarsa_episode(agent, begun, theirs, 15)
    else:
        result = af.run_sarsa_continuing(agent, begun, ours, 20, features=coder)
        expected = af.run_sarsa_continuing(agent, begun, theirs, 20)
    assert ours.actions == theirs.actions
    assert_same_steps(comparable(result.state), comparable(expected.state))
    assert_same_numbers(result.td_errors, expected.td_errors)
