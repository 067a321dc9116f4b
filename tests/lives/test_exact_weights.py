"""Weights of a life against SARSA(lambda) in float64 and against numbers worked out by hand."""

import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.lives import worlds
from tests.oracles.sarsa import LinearSARSA, live

STEPS = 300
ALPHA, GAMMA = 0.05, 0.9


def agent(actions, epsilon=0.0, lamda=0.8, gamma=GAMMA, alpha=ALPHA, sparsity=0.0, **options):
    config = af.SARSAConfig(actions, gamma, epsilon, epsilon)
    return af.SARSAAgent(config, (), af.LMS(alpha), sparsity=sparsity, lamda=lamda, **options)


def life(learner, world, steps, seed=0, **options):
    """A life and its first state."""
    key = jax.random.key(seed)
    born = af.interact(learner, world, 0, key).state
    return born, af.interact(learner, world, steps, key, **options)


def oracle_of(born, lamda, gamma=GAMMA, alpha=ALPHA):
    return LinearSARSA(worlds.table(born), worlds.biases(born), alpha, gamma, lamda)


def assert_as_told(born, result, world, lamda, steps=STEPS):
    """Weights, errors, values, returns and lengths, given the actions that were taken."""
    actions = np.append(worlds.told_actions(result.metrics["reward"]), int(result.state.action))
    oracle = oracle_of(born, lamda)
    reward, error, value, terminated, truncated, _ = live(oracle, world, actions, steps)
    told = {name: np.float64(values) for name, values in result.metrics.items()}
    # float32 over some hundred steps, values of up to about 10.
    close = {"rtol": 2e-4, "atol": 2e-4}
    np.testing.assert_allclose(told["reward"], reward, rtol=1e-6)
    np.testing.assert_allclose(told["td_error"], error, **close)
    np.testing.assert_allclose(told["squared_td_error"], error**2, rtol=5e-4, atol=2e-3)
    np.testing.assert_allclose(told["greedy_value"], value, **close)
    np.testing.assert_allclose(worlds.table(result.state), oracle.w[:, :-1], **close)
    np.testing.assert_allclose(worlds.biases(result.state), oracle.w[:, -1], **close)
    ends = np.flatnonzero((terminated > 0) | (truncated > 0))
    lengths = np.diff(ends, prepend=-1)
    returns = [reward[end - n + 1 : end + 1].sum() for end, n in zip(ends, lengths, strict=True)]
    np.testing.assert_array_equal(result.episodes.ended_at, ends)
    np.testing.assert_array_equal(result.episodes.lengths, lengths)
    np.testing.assert_allclose(result.episodes.returns, returns, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(result.episodes.terminated, terminated[ends] > 0)
    assert int(result.episodes.count) == len(ends)
    of_steps = np.full(steps, np.nan)
    of_steps[ends] = returns
    np.testing.assert_allclose(told["episode_return"], of_steps, rtol=1e-5, atol=1e-5)
    of_steps[ends] = lengths
    np.testing.assert_array_equal(told["episode_length"], of_steps)
    assert int(result.rejected) == 0
    assert result.state.agent_state.step_count == steps == oracle.learned
    return actions, ends


@pytest.mark.parametrize("lamda", [0.0, 0.8, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_greedy_lives(lamda, seed):
    """Terminations, truncations and both at one step."""
    world = worlds.telling(seed=seed)
    born, result = life(agent(3, lamda=lamda), world, STEPS, seed)
    _, ends = assert_as_told(born, result, world, lamda)
    assert len(ends) > 10


@pytest.mark.parametrize("seed", range(3))
def test_exploring_lives(seed):
    """Without truncations, at which what would have been done next is not seen."""
    world = worlds.telling(seed=seed)
    world = worlds.tabular(world.features, world.following, world.rewards, world.terminated)
    born, result = life(agent(3, epsilon=0.5), world, STEPS, seed)
    actions, _ = assert_as_told(born, result, world, 0.8)
    assert np.bincount(actions, minlength=3).min() > 20


def greedy_share(result, born, world):
    """Replay with the choices that greedy values make: how many of the actions they explain."""
    actions = np.append(worlds.told_actions(result.metrics["reward"]), int(result.state.action))
    oracle, at, agreed, asked = oracle_of(born, 0.8), 0, 0, 0
    oracle.start(np.float64(world.features[0]), actions[0])
    for t in range(STEPS - 1):
        taken = actions[t]
        reward = float(world.rewards[at, taken])
        ends = bool(world.terminated[at, taken]), bool(world.truncated[at, taken])
        at = int(world.following[at, taken])
        x = np.float64(world.features[at])
        values = oracle.values(x)
        if not any(ends) and np.diff(np.sort(values))[-1] > 1e-2:
            asked, agreed = asked + 1, agreed + (actions[t + 1] == np.argmax(values))
        oracle.step(reward, x, np.argmax(values) if any(ends) else actions[t + 1], *ends)
        if any(ends):
            at = 0
            oracle.start(np.float64(world.features[0]), actions[t + 1])
    return agreed, asked


@pytest.mark.parametrize("epsilon", [0.0, 0.5, 1.0])
def test_actions_are_those_of_the_values_before_learning(epsilon):
    """Greedy ones always, or else with the probability 1 - epsilon + epsilon / 3."""
    shares = []
    for seed in range(4):
        world = worlds.telling(seed=seed)
        world = worlds.tabular(world.features, world.following, world.rewards, world.terminated)
        born, result = life(agent(3, epsilon=epsilon), world, STEPS, seed)
        shares.append(greedy_share(result, born, world))
    agreed, asked = np.sum(shares, axis=0)
    expected = 1 - epsilon + epsilon / 3
    # Four standard deviations of a binomial share; exact for epsilon 0.
    slack = 4 * np.sqrt(expected * (1 - expected) / asked)
    assert asked > 500 and abs(agreed / asked - expected) <= slack


def two_steps(end="T"):
    return worlds.corridor(np.eye(3), [0.0, 1.0], " " + end)


@pytest.mark.parametrize("bias", [True, False])
def test_the_terminal_reward_reaches_the_first_state(bias):
    """lambda 1, gamma 0.9, alpha 0.1, rewards 0 and 1: 0.09 and 0.1; by the outgoing discount the
    first would get nothing."""
    learner = agent(1, lamda=1.0, alpha=0.1, sparsity=1.0, use_bias=bias)
    _, result = life(learner, two_steps(), 2)
    np.testing.assert_allclose(worlds.table(result.state), [[0.09, 0.1, 0.0]], atol=1e-7)
    expected = 0.19 if bias else 0.0
    np.testing.assert_allclose(worlds.biases(result.state), [expected], atol=1e-7)
    assert result.episodes.returns.tolist() == [1.0] and result.episodes.lengths.tolist() == [2]
    assert result.episodes.terminated.tolist() == [True]


def test_the_second_episode_starts_with_no_trace():
    """After it: w0 = 0.09 + 0.1 d, ..., worked out without the oracle."""
    learner = agent(1, lamda=1.0, alpha=0.1, sparsity=1.0, use_bias=False)
    _, result = life(learner, two_steps(), 4)
    first = 0.9 * 0.1 - 0.09  # d of its first step: 0, since 0.09 is 0.9 times 0.1
    second = 1.0 - 0.1
    w0 = 0.09 + 0.1 * first + 0.1 * 0.9 * second
    w1 = 0.1 + 0.1 * second
    np.testing.assert_allclose(worlds.table(result.state), [[w0, w1, 0.0]], atol=1e-7)


@pytest.mark.parametrize("bias", [True, False])
def test_one_value_one_trace(bias):
    """Actions 0 then 1 at the same features: the head that was not taken last gets its share."""
    learner = agent(2, lamda=0.8, alpha=0.1, sparsity=1.0, use_bias=bias)
    world = worlds.corridor([[1.0], [1.0], [1.0]], [0.0, 1.0], " T", actions=2)
    for seed in range(64):
        key = jax.random.key(seed)
        before = [int(af.interact(learner, world, n, key).state.action) for n in (0, 1)]
        if before == [0, 1]:
            break
    result = af.interact(learner, world, 2, key)
    np.testing.assert_allclose(worlds.table(result.state), [[0.072], [0.1]], atol=1e-7)
    expected = [0.072, 0.1] if bias else [0.0, 0.0]
    np.testing.assert_allclose(worlds.biases(result.state), expected, atol=1e-7)


def test_a_truncation_bootstraps_from_what_was_truly_seen_last():
    """The value of the third state, which no episode leaves, is what the cut one stands on."""
    learner = agent(1, lamda=0.0, alpha=0.5, sparsity=1.0, use_bias=False)
    key = jax.random.key(0)
    begun = af.interact(learner, two_steps("X"), 0, key).state
    weights = begun.agent_state.learner_state.head_params.weights.at[0, 0].set([0.0, 0.0, 10.0])
    heads = af.MLPParams(weights, begun.agent_state.learner_state.head_params.biases)
    network = begun.agent_state.learner_state.replace(head_params=heads)
    begun = begun.replace(agent_state=begun.agent_state.replace(learner_state=network))
    cut = af.interact(learner, two_steps("X"), 2, state=begun)
    np.testing.assert_allclose(cut.metrics["td_error"], [0.0, 1.0 + 0.9 * 10.0], rtol=1e-6)
    np.testing.assert_allclose(worlds.table(cut.state), [[0.0, 5.0, 10.0]], rtol=1e-6)
    assert cut.episodes.terminated.tolist() == [False]
    for end in "TB":
        ended = af.interact(learner, two_steps(end), 2, state=begun)
        np.testing.assert_allclose(ended.metrics["td_error"], [0.0, 1.0], rtol=1e-6)
        np.testing.assert_allclose(worlds.table(ended.state), [[0.0, 0.5, 10.0]], rtol=1e-6)
        assert ended.episodes.terminated.tolist() == [True]


def test_traces_do_not_cross_a_truncation():
    """Rewards 1 at each step of one state, cut after every second one, lambda 1: the first step of
    an episode changes the value by alpha, not by what a trace of two more steps would add."""
    world = worlds.corridor([[1.0]] * 3, [1.0, 1.0], " X")
    learner = agent(1, lamda=1.0, gamma=0.5, alpha=0.1, sparsity=1.0, use_bias=False)
    _, result = life(learner, world, 3)
    w1 = 0.1
    w2 = w1 + 0.1 * (1.0 - 0.5 * w1) * 1.5
    w3 = w2 + 0.1 * (1.0 - 0.5 * w2) * 1.0
    np.testing.assert_allclose(worlds.table(result.state), [[w3]], rtol=1e-6)


@pytest.mark.parametrize("end", "TXB")
def test_episodes_of_one_step(end):
    """Value r / (1 - gamma) of one state where each step is cut, r where each terminates."""
    world = worlds.corridor([[1.0], [1.0]], [1.0], end)
    learner = agent(1, lamda=0.8, gamma=0.5, alpha=0.5, sparsity=1.0, use_bias=False)
    _, result = life(learner, world, 40, episodes=5)
    expected = 2.0 if end == "X" else 1.0
    np.testing.assert_allclose(worlds.table(result.state), [[expected]], rtol=1e-4)
    assert int(result.episodes.count) == 40
    assert result.episodes.lengths.tolist() == [1] * 5
    assert result.episodes.returns.tolist() == [1.0] * 5
    assert result.episodes.ended_at.tolist() == [35, 36, 37, 38, 39]
    assert result.episodes.terminated.tolist() == [end != "X"] * 5
    np.testing.assert_array_equal(result.metrics["episode_length"], np.ones(40))
