"""Sarsa with linear values: lives in a prescribed world against float64 programs of their own."""

import dataclasses

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.oracles.true_online import Swift, TrueOnline

pytestmark = pytest.mark.versions

STEPS, FEATURES, ACTIONS, GAMMA = 200, 4, 3, 0.9


class Traced:
    """Sarsa(lambda) with accumulating or replacing traces, on features of pairs."""

    def __init__(self, step_size, lamda, replacing=False):
        self.w = self.z = np.zeros(ACTIONS * FEATURES)
        self.step_size, self.lamda, self.replacing, self.decay = step_size, lamda, replacing, 0.0

    def step(self, x, reward, following, discount, cut):
        delta = reward + discount * (self.w @ following) - self.w @ x
        z = self.decay * self.z
        z = np.where(x != 0, x, z) if self.replacing else z + x
        self.w = self.w + self.step_size * delta * z
        self.forget() if cut or discount == 0.0 else self.keep(z, discount * self.lamda)
        return delta

    def keep(self, z, decay):
        self.z, self.decay = z, decay

    def forget(self):
        self.keep(np.zeros_like(self.w), 0.0)


class Online(TrueOnline):
    def step(self, x, reward, following, discount, cut=False):
        return super().step(x, reward, following, discount, cut)[1]

    def forget(self):
        self.z, self.old, self.decay = np.zeros_like(self.w), 0.0, 0.0


class Arriving(Swift):
    """SwiftTD told of transitions: where an episode begins x arrives first, with no reward."""

    begun = False

    def step(self, x, reward, following, discount, cut=False):
        if not self.begun:
            super().step(x, 0.0, 0.0)
        following = np.zeros_like(self.w) if discount == 0.0 else following
        delta = super().step(following, reward, discount)[1]
        self.begun = True
        if cut or discount == 0.0:
            self.forget()
        return delta

    def forget(self):
        self.z = self.z_delta = self.z_bar = self.p = np.zeros_like(self.w)
        self.v_old = self.v_delta = 0.0
        self.begun = False


PAIRS = ACTIONS * FEATURES
CASES = {
    "accumulating": (
        af.LinearSarsa(ACTIONS, 0.05, 0.8, gamma=GAMMA),
        lambda: Traced(0.05, 0.8),
    ),
    "replacing": (
        af.LinearSarsa(ACTIONS, 0.05, 0.8, af.Replacing(), GAMMA),
        lambda: Traced(0.05, 0.8, replacing=True),
    ),
    "true online": (
        af.TrueOnlineSarsa(ACTIONS, 0.05, 0.8, GAMMA),
        lambda: Online(PAIRS, 0.05, 0.8),
    ),
    "swift": (
        af.SwiftSarsa(ACTIONS, 0.8, 0.05, 0.01, 0.5, 0.9, gamma=GAMMA),
        lambda: Arriving(PAIRS, 0.8, initial=0.05, theta=0.01, eta=0.5, decay=0.9),
    ),
}


def world(lost=()):
    """Observations, rewards and ends: episodes that terminate, are cut, and both at once."""
    rng = np.random.default_rng(0)
    x = np.float32(rng.normal(size=(STEPS + 1, FEATURES)) * 0.7)
    starts = np.float32(rng.normal(size=(STEPS, FEATURES)) * 0.7)
    rewards = np.float32(rng.normal(size=STEPS))
    rewards[list(lost)] = np.nan
    ended, cut = rng.random((2, STEPS)) < 0.06
    ended[60] = cut[60] = True
    return x, starts, rewards, ended, cut


def pair(x, action):
    found = np.zeros((ACTIONS, FEATURES))
    found[action] = x
    return found.ravel()


def lived(agent, program, lost=()):
    """TD errors of an agent and of a program that is told of the same transitions, and the state of
    the agent at the end."""
    observations, starts, rewards, ended, cut = world(lost)
    x, errors = observations[0], []
    action, state = agent.start(agent.init(FEATURES, jr.key(1)), x)
    for t, after in enumerate(observations[1:]):
        step = agent.act_and_learn(state, rewards[t], after, ended[t], cut[t])
        boundary = bool(ended[t] or cut[t])
        if np.isnan(rewards[t]):
            assert step.rejected
            program.forget()
        else:
            terminal = ended[t] or (cut[t] and not agent.bootstrap_on_truncation)
            discount = 0.0 if terminal else GAMMA
            told = pair(np.float64(x), int(action)), np.float64(rewards[t])
            expected = program.step(
                *told, pair(np.float64(after), int(step.action)), discount, boundary
            )
            errors.append((float(step.metrics["td_error"]), expected))
        x, action, state = after, step.action, step.state
        if boundary:
            x = starts[t]
            action, state = agent.start(state, x)
    return *np.array(errors).T, state


@pytest.mark.parametrize("bootstrap", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_a_life_is_that_of_a_program_in_float64(name, bootstrap):
    agent, made = CASES[name]
    agent = dataclasses.replace(agent, bootstrap_on_truncation=bootstrap)
    program = made()
    found, expected, state = lived(agent, program, lost=(33, 100))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(state.weights, program.w, atol=1e-4)
    assert state.rejected_count == 2 and len(found) == STEPS - 2
    # All actions were taken, and what was learned matters.
    weights = np.abs(program.w.reshape(ACTIONS, FEATURES))
    assert np.all(weights.sum(axis=1) > 0.1)


def test_the_next_action_is_chosen_before_the_step():
    """By a greedy agent: the TD error bootstraps from the best action of the values before."""
    agent = af.TrueOnlineSarsa(2, 1.0, 0.0, 1.0, af.Constant(0.0))
    x = np.float32([1.0])
    _, state = agent.start(agent.init(1, jr.key(0)), x)
    weights = jnp.array([1.0, 2.0])
    learner_state = state.learner_state.replace(weights=weights)
    state = state.replace(learner_state=learner_state, last_action=jnp.int32(1))
    step = agent.act_and_learn(state, -5.0, x, False, False)
    assert step.action == 1 and step.metrics["td_error"] == -5.0
    np.testing.assert_allclose(step.state.weights, [1.0, -3.0])


def test_one_action_of_swift_sarsa_is_swift_td():
    agent = af.SwiftSarsa(1, 0.8, 0.05, 0.01, 0.5, 0.9, gamma=GAMMA)
    learner = agent.learner
    observations, starts, rewards, ended, cut = world()
    state = learner.init(FEATURES)
    _, own = agent.start(agent.init(FEATURES, jr.key(1)), observations[0])
    x = observations[0]
    for t, after in enumerate(observations[1:]):
        boundary = bool(ended[t] or cut[t])
        discount = 0.0 if ended[t] else GAMMA
        state = learner.update(state, x, rewards[t], after, discount, boundary=boundary).state
        own = agent.act_and_learn(own, rewards[t], after, ended[t], cut[t]).state
        x = after
        if boundary:
            x = starts[t]
            _, own = agent.start(own, x)
    # Two programs, whose roundings are their own.
    pairs = zip(jax.tree.leaves(own.learner_state), jax.tree.leaves(state), strict=True)
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_it_lives_in_every_loop_the_same(name):
    agent, environment = dataclasses.replace(CASES[name][0], n_actions=2), af.CartPole()
    keys = jr.split(jr.key(0), 3)
    batch = af.interact_batched(agent, environment, 300, keys)
    one = af.interact(agent, environment, 300, keys[1])
    np.testing.assert_array_equal(batch.metrics["reward"][1], one.metrics["reward"])
    np.testing.assert_allclose(
        batch.state.agent_state.weights[1], one.state.agent_state.weights, rtol=1e-4, atol=1e-5
    )


def test_features_of_pairs():
    x = np.float32([1.0, -2.0])
    taken = af.state_action_features(x, np.array([False, True]))
    np.testing.assert_array_equal(taken, [0.0, 0.0, 1.0, -2.0])
    np.testing.assert_allclose(
        af.state_action_features(x, np.array([0.25, 0.75])), [0.25, -0.5, 0.75, -1.5]
    )
    np.testing.assert_allclose(af.state_action_features([1.0, -2.0], [0, 1]), taken)
    for probabilities in (1, np.ones((3, 2))):
        with pytest.raises(TypeError, match="probabilities"):
            af.state_action_features(x, probabilities)


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"n_actions": 0}, "TrueOnlineSarsa: `n_actions`"),
        ({"step_size": -1.0}, r"TrueOnlineTD: `step_size` must"),
        ({"lamda": 1.5}, r"`lamda` must lie in \[0, 1\]"),
        ({"gamma": 1.5}, r"TrueOnlineSarsa: `gamma` must lie in \[0, 1\]"),
        ({"epsilon": 0.1}, "TrueOnlineSarsa: `epsilon`"),
        ({"epsilon": af.Constant(2.0)}, r"`epsilon` must give numbers in \[0, 1\], got `value` 2"),
        ({"epsilon": af.Linear(1.0, -0.1, 5)}, r"must give numbers in \[0, 1\], got `end` -0.1"),
        ({"epsilon": af.Periodic([0.0, 3.0], 5)}, r"must give numbers in \[0, 1\], got `values`"),
    ],
)
def test_mistakes_are_told(wrong, told):
    with pytest.raises((ValueError, TypeError), match=told):
        af.TrueOnlineSarsa(**{"n_actions": 2} | wrong)
