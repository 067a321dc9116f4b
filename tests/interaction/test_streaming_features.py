"""Statistics of rewards and observations inside agents: once a step, never of a rejected one."""

import dataclasses

import gymnasium
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.control.environments import Scripted, script
from tests.features.cases import stack
from tests.trees import assert_same_bits

STACK = af.Pipeline([*stack()[0].parts, af.ObservationTrace(0.5)])
SCALER, NORMALIZER, TIME, TRACE = STACK.parts
INNER = af.SARSAAgent(af.SARSAConfig(2, 0.9, 0.3), (), af.LMS(0.05), lamda=0.5, sparsity=0.0)
AGENT = af.WithFeatures(INNER, STACK)
POLE = af.TimeLimit(af.CartPole(), 9)
STEPS = 200


def counts(state):
    """How many rewards and how many observations the statistics hold."""
    scaler, normalizer, *_ = state.features_state
    return np.asarray(scaler.statistics.sample_count), np.asarray(normalizer.sample_count)


@pytest.fixture(scope="module")
def lived():
    return af.interact(AGENT, POLE, STEPS, jr.key(0))


def test_each_step_and_each_reset_enters_the_statistics_once(lived):
    assert lived.episodes.count > 20
    assert counts(lived.state.agent_state) == (STEPS, STEPS + 1 + lived.episodes.count)


def test_lives_side_by_side_too(lived):
    keys = jnp.stack([jr.key(0), jr.key(1)])
    result = af.interact_batched(AGENT, POLE, STEPS, keys)
    of_rewards, of_observations = counts(result.state.agent_state)
    np.testing.assert_array_equal(of_rewards, [STEPS, STEPS])
    np.testing.assert_array_equal(of_observations, STEPS + 1 + result.episodes.count)


def test_what_is_recorded_is_the_reward_of_the_world(lived):
    np.testing.assert_array_equal(lived.metrics["reward"], np.ones(STEPS, np.float32))
    lengths = lived.metrics["episode_length"]
    np.testing.assert_array_equal(lived.metrics["episode_return"], lengths)
    np.testing.assert_allclose(lived.reward_rate, 1.0, rtol=1e-6)


class Shows(af.AbstractAgent):
    """Tells what it is shown, as its metrics; refuses what is no number; always acts alike."""

    @property
    def action_space(self):
        return af.DiscreteActions(2)

    def init(self, feature_dim, key=None):
        return jnp.zeros(feature_dim)

    def start(self, state, observation):
        return jnp.int32(0), observation

    def act_and_learn(self, state, reward, observation, terminated, truncated):
        told = {"shown": reward, "begun": state[0], "seen": observation[0]}
        rejected = ~(jnp.isfinite(reward) & jnp.isfinite(observation).all())
        return af.AgentStep(state, jnp.int32(0), told, rejected)

    def act(self, state, observation, key, *, explore=True):
        return jnp.int32(observation[0] > 0)


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_agent_is_shown_what_the_oracle_shows(wrapped):
    """On the host, with resets in between; and one representation within another."""
    ours, oracle = stack()
    agent = af.WithFeatures(Shows(), ours)
    if wrapped:
        inner = af.WithFeatures(Shows(), af.Pipeline(ours.parts[1:]))
        agent = af.WithFeatures(inner, ours.parts[0])
    rows = script(steps=50)
    result = af.interact_gymnasium(agent, Scripted(rows), 50, seed=0)
    other = Scripted(rows)
    begun = oracle.reset(np.ravel(other.reset()[0]))
    for t in range(50):
        observation, reward, terminated, truncated, _ = other.step(0)
        over = terminated or truncated
        x, scaled = oracle.step(np.ravel(observation), reward, over)
        now = {"shown": scaled, "begun": begun[0], "seen": x[0]}
        for name, value in now.items():
            np.testing.assert_allclose(result.metrics[name][t], value, rtol=1e-4, atol=1e-5)
        assert result.metrics["reward"][t] == np.float32(reward)
        if over:
            begun = oracle.reset(np.ravel(other.reset()[0]))


BAD = [np.nan, np.inf, -np.inf, 1e30]  # of the square of 1e30 a float32 has no variance


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("where", ["observation", "reward", "both"])
@pytest.mark.parametrize("ends", ["goes on", "terminated", "truncated"])
def test_a_rejected_step_leaves_the_features_as_they_were(bad, where, ends, lived):
    state = lived.state.agent_state
    observation, reward = jnp.float32([0.1, 0.2, 0.0, -0.1]), 1.0
    if where != "reward":
        observation = observation.at[1].set(bad)
    if where != "observation":
        reward = bad
    flags = ends == "terminated", ends == "truncated"
    found = AGENT.act_and_learn(state, reward, observation, *flags)
    # Nothing is bootstrapped from where an episode terminated, so that it may be no number.
    accepted = where == "observation" and ends == "terminated"
    accepted &= not np.isfinite(bad)
    assert bool(found.rejected) != accepted
    assert found.state.rejected_count == state.rejected_count + (not accepted)
    if accepted:
        # The reward and the end count; the statistics of observations hold nothing of it.
        _, normalizer, _, trace = found.state.features_state
        _, normalizer_before, _, trace_before = state.features_state
        assert_same_bits((normalizer, trace), (normalizer_before, trace_before))
        return
    assert_same_bits(found.state.features_state, state.features_state)
    # And the life goes on, in which nothing of it is left.
    after = AGENT.act_and_learn(found.state, 1.0, jnp.zeros(4), False, False)
    for ours, before in zip(counts(after.state), counts(state), strict=True):
        assert ours == before + 1


def test_an_overflow_inside_the_agent_is_a_rejected_step_too():
    state = AGENT.init(4, jr.key(0))
    _, state = AGENT.start(state, jnp.ones(4))
    heads = state.agent_state.learner_state.head_params
    huge = jax.tree.map(lambda w: jnp.full_like(w, 3e38), heads)
    inner = state.agent_state.learner_state.replace(head_params=huge)
    state = state.replace(agent_state=state.agent_state.replace(learner_state=inner))
    found = AGENT.act_and_learn(state, 1.0, jnp.float32([1.0, 5.0, -3.0, 2.0]), False, False)
    assert bool(found.rejected)
    assert_same_bits(found.state.features_state, state.features_state)


@pytest.mark.parametrize("bad", BAD[:3])
def test_an_episode_begins_with_the_first_observation_that_is_a_number(bad):
    agent = AGENT
    _, state = agent.start(agent.init(4, jr.key(0)), jnp.ones(4))
    for _ in range(3):
        state = agent.act_and_learn(state, 1.0, jnp.zeros(4), False, False).state
    _, begun = agent.start(state, jnp.full(4, bad))
    assert_same_bits(begun.features_state, state.features_state)
    x = jnp.float32([0.3, 0.2, 0.1, 0.0])
    after = agent.act_and_learn(begun, 1.0, x, False, False).state
    _, _, k, trace = after.features_state
    assert int(k) == 0 and float(trace.weight_of_start) == 0.5
    assert int(agent.act_and_learn(after, 1.0, x, False, False).state.features_state[2]) == 1


def test_acting_and_evaluating_leave_the_life_and_its_statistics(lived):
    before = jax.tree.map(jnp.copy, lived.state.agent_state)
    AGENT.act(lived.state.agent_state, jnp.full(4, 50.0), jr.key(1))
    af.evaluate(AGENT, lived.state, POLE, 2, jr.key(1))
    assert_same_bits(lived.state.agent_state.features_state, before.features_state)
    seen = AGENT.seen(before, jnp.full(4, 50.0))
    scaler, normalizer, k, trace = seen.features_state
    assert_same_bits((scaler, normalizer), before.features_state[:2])
    assert int(k) == int(before.features_state[2]) + 1
    assert np.any(np.asarray(trace.trace) != np.asarray(before.features_state[3].trace))


def test_an_evaluation_acts_by_the_statistics_of_the_life():
    """In every step of it: an agent that goes where the normalized place is not."""
    agent = af.WithFeatures(Shows(), af.ObservationNormalizer())
    far = af.Percept(jnp.float32([0.02, 0.0, 0.0, 0.0]))
    state = agent.init(4, jr.key(0))
    for _ in range(3):
        _, features_state = agent.features.see(state.features_state, far)
        state = state.replace(features_state=features_state)
    found = af.evaluate(agent, state, af.CartPole(), 3, jr.key(5))
    pole = af.CartPole()
    for key, length in zip(jr.split(jr.key(5), 3), found.lengths, strict=True):
        begin, key = jr.split(key)
        world, x = pole.reset(begin)
        for step in range(int(length) + 1):
            world, now = pole.step(world, jnp.int32(x[0] > 0.02), key)
            x = now.observation
            assert bool(now.terminated) == (step + 1 == length)
            if now.terminated:
                break


def test_a_life_goes_on_from_a_file(tmp_path):
    half = af.interact(AGENT, POLE, 70, jr.key(0))
    af.save_checkpoint(half.state, tmp_path / "life")
    stored, _ = af.load_checkpoint(half.state, tmp_path / "life")
    ours = af.interact(AGENT, POLE, 70, state=stored)
    whole = af.interact(AGENT, POLE, 140, jr.key(0), chunk_size=70)
    for name in ("td_error", "reward", "episode_return"):
        np.testing.assert_array_equal(ours.metrics[name], whole.metrics[name][70:])
    assert_same_bits(ours.state.agent_state.features_state, whole.state.agent_state.features_state)


def test_an_agent_is_stored_with_its_configuration(tmp_path):
    state = AGENT.init(4, jr.key(2))
    af.save_agent(AGENT, state, tmp_path / "agent")
    again, loaded, _ = af.load_agent(tmp_path / "agent")
    assert again == AGENT
    assert_same_bits(loaded.features_state, state.features_state)


@pytest.mark.parametrize("mode", list(gymnasium.vector.AutoresetMode), ids=lambda mode: mode.name)
def test_statistics_of_copies_in_every_mode(mode):
    scripts = [script(seed=seed) for seed in range(2)]

    class Copy(Scripted):
        def step(self, action):
            return super().step(int(action))

    envs = [Copy(rows) for rows in scripts]
    venv = gymnasium.vector.SyncVectorEnv(
        [lambda env=env: env for env in envs], autoreset_mode=mode
    )
    result = af.interact_gymnasium(AGENT, venv, 40, seed=0)
    for i, (env, rows) in enumerate(zip(envs, scripts, strict=True)):
        lived = len(env.actions)
        alone = af.interact_gymnasium(AGENT, Scripted(rows), lived, seed=0)
        own = jax.tree.map(lambda a, i=i: a[i], result.state)
        assert counts(own)[0] == counts(alone.state)[0] == lived
        # A copy that is reset with the next call has not begun yet where its single life has.
        ended = result.episodes.count[i]
        late = mode == gymnasium.vector.AutoresetMode.NEXT_STEP
        last = rows[(lived - 1) % len(rows)]
        over = bool(late and not np.isnan(result.metrics["reward"][i, -1]) and (last[2] or last[3]))
        assert ended == alone.episodes.count
        assert counts(own)[1] == counts(alone.state)[1] - over == lived + 1 + ended - over
        if not over:
            for ours, theirs in zip(
                jax.tree.leaves(own.features_state),
                jax.tree.leaves(alone.state.features_state),
                strict=True,
            ):
                np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_numbers_of_parts_are_swept():
    keys = jr.split(jr.key(4), 2)
    axes = {
        "agent.features.parts.0.gamma": [0.0, 0.9],
        "agent.features.parts.2.limit": [10, 500],
        "agent.features.parts.3.beta": [0.9],
    }
    result = af.sweep(AGENT, POLE, axes, num_steps=60, keys=keys, record=af.WindowMean(4))
    for place, (gamma, limit) in enumerate([(0.0, 10), (0.0, 500), (0.9, 10), (0.9, 500)]):
        parts = af.RewardScaler(gamma), NORMALIZER, af.TimeFeature(limit), af.ObservationTrace(0.9)
        alone = dataclasses.replace(AGENT, features=af.Pipeline(parts))
        alone = af.interact(alone, POLE, 60, keys[1], record_window=4).metrics["td_error"]
        np.testing.assert_allclose(result.metrics["td_error"][place, 1][:5], alone[:5], rtol=1e-3)
    with pytest.raises(ValueError, match=r"did you mean 'agent\.features\.parts\.0\.gamma'"):
        af.sweep(AGENT, POLE, {"agent.features.parts.0.gama": [0.0]}, num_steps=9, keys=keys)
    with pytest.raises(ValueError, match=r"unknown path 'agent\.features\.parts\.4\.gamma'"):
        af.sweep(AGENT, POLE, {"agent.features.parts.4.gamma": [0.0]}, num_steps=9, keys=keys)
    with pytest.raises(ValueError, match=r"gamma: RewardScaler: `gamma` must lie in \[0, 1\]"):
        af.sweep(AGENT, POLE, {"agent.features.parts.0.gamma": [2.0]}, num_steps=9, keys=keys)


def test_a_grid_of_a_comparison_reaches_them():
    contender = af.Contender(AGENT, {"features.parts.0.gamma": [0.0, 0.5]})
    assert [a.features.parts[0].gamma for a in contender.learners] == [0.0, 0.5]
    with pytest.raises(ValueError, match=r"did you mean 'features\.parts\.0\.gamma'"):
        _ = af.Contender(AGENT, {"features.parts.0.gama": [0.0, 0.5]}).learners
