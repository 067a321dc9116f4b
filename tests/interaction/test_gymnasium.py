"""Agents in Gymnasium's environments: the same life in every loop, and in every autoreset mode."""

import gymnasium
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.control.environments import OneState, Scripted, script
from tests.trees import assert_same_numbers

AGENT = af.SARSAAgent(
    af.SARSAConfig(2, 0.9, 0.3), (8,), af.LMS(0.1), normalizer=af.EMANormalizer(), lamda=0.8
)
STEPS = 40


def by_hand(agent, state, env, num_steps):
    """The loop that the contract describes: states, actions and metrics."""
    metrics = []
    observation = np.float32(env.reset()[0]).ravel()
    action, state = agent.start(state, observation)
    for _ in range(num_steps):
        observation, reward, terminated, truncated, _ = env.step(int(action))
        observation = np.float32(observation).ravel()
        found = agent.act_and_learn(state, reward, observation, terminated, truncated)
        action, state = found.action, found.state
        metrics.append({name: float(value) for name, value in found.metrics.items()})
        if terminated or truncated:
            action, state = agent.start(state, np.float32(env.reset()[0]).ravel())
    return state, metrics


def weights(state):
    return np.asarray(state.learner_state.head_params.weights)


def test_a_single_life_is_its_steps():
    rows = script()
    rows[4] = (rows[4][0], np.nan, False, False)
    state = AGENT.init(4, jr.key(1))
    ours, theirs = Scripted(rows), Scripted(rows)
    result = af.interact_gymnasium(AGENT, ours, STEPS, state=state, seed=0)
    expected, metrics = by_hand(AGENT, state, theirs, STEPS)
    assert ours.actions == theirs.actions and ours.episode == theirs.episode
    for name in metrics[0]:
        told = np.float32([row[name] for row in metrics])
        assert_same_numbers(result.metrics[name], told)
    assert_same_numbers(weights(result.state), weights(expected))
    rewards = np.array([rows[i % len(rows)][1] for i in range(STEPS)])
    np.testing.assert_array_equal(result.metrics["reward"], np.float32(rewards))
    assert result.rejected == expected.rejected_count == 2
    assert result.state.uptime_s > 0.0


def test_episodes_are_told_as_they_ended():
    env = OneState(cut_after=3)
    result = af.interact_gymnasium(AGENT, env, 11, seed=3, episodes=2)
    found = result.episodes
    assert found.count == 3
    np.testing.assert_array_equal(found.returns, [3.0, 3.0])
    np.testing.assert_array_equal(found.lengths, [3, 3])
    np.testing.assert_array_equal(found.ended_at, [5, 8])
    assert not found.terminated.any()
    np.testing.assert_allclose(result.reward_rate, 1.0, rtol=1e-6)
    ended = af.interact_gymnasium(AGENT, OneState(cut_after=3, ends=True), 11, seed=3).episodes
    assert ended.terminated.all() and ended.count == 3


@pytest.mark.parametrize("steps", [0, 1])
def test_lives_of_no_step_and_of_one(steps):
    result = af.interact_gymnasium(AGENT, OneState(), steps, seed=0)
    assert result.metrics["reward"].shape == (steps,)
    assert result.episodes.count == 0 and result.episodes.returns.shape == (0,)
    assert result.state.step_count == steps


def test_windows_are_means_of_what_is_there():
    every = af.interact_gymnasium(AGENT, OneState(cut_after=3), 10, seed=0).metrics
    window = af.interact_gymnasium(AGENT, OneState(cut_after=3), 10, seed=0, record_window=4)
    sparse = af.interact_gymnasium(AGENT, OneState(cut_after=3), 10, seed=0, record_every=4)
    for name, values in every.items():
        cut = [values[i : i + 4] for i in range(0, 10, 4)]
        means = [np.nanmean(part) if not np.isnan(part).all() else np.nan for part in cut]
        np.testing.assert_allclose(window.metrics[name], means, rtol=1e-6)
        np.testing.assert_array_equal(sparse.metrics[name], values[::4])


@pytest.mark.parametrize("cuts", [0.0, 0.4])
def test_sarsa_over_truncations_is_the_life_of_any_agent(cuts):
    rows, state = script(cuts=cuts, ends=0.0), AGENT.init(4, jr.key(2))
    ours, theirs = Scripted(rows), Scripted(rows)
    result = af.interact_gymnasium(AGENT, ours, STEPS, state=state, seed=0)
    expected = af.run_sarsa_continuing(AGENT, state, theirs, STEPS)
    assert ours.actions == theirs.actions and ours.episode == theirs.episode
    # Of two programs the sums of products round differently.
    np.testing.assert_allclose(
        result.metrics["td_error"], np.float32(expected.td_errors), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(weights(result.state), weights(expected.state), rtol=1e-5, atol=1e-6)


def test_without_a_step_nothing_begins():
    env, state = OneState(), AGENT.init(1, jr.key(2))
    result = af.interact_gymnasium(AGENT, env, 0, state=state, seed=0)
    np.testing.assert_array_equal(jr.key_data(result.state.rng_key), jr.key_data(state.rng_key))


class Copy(Scripted):
    """Vector environments hand over numbers of NumPy."""

    def step(self, action):
        return super().step(int(action))


@pytest.mark.parametrize("mode", list(gymnasium.vector.AutoresetMode), ids=lambda mode: mode.name)
def test_copies_live_as_they_do_alone(mode):
    """In each of them the actions of its single life, as far as it comes."""
    scripts = [script(seed=seed) for seed in range(3)]
    envs = [Copy(rows) for rows in scripts]
    venv = gymnasium.vector.SyncVectorEnv(
        [lambda env=env: env for env in envs], autoreset_mode=mode
    )
    states = jax.vmap(lambda key: AGENT.init(4, key))(jr.split(jr.key(5), 3))
    result = af.interact_gymnasium(AGENT, venv, STEPS, state=states, seed=0)
    for i, (env, rows) in enumerate(zip(envs, scripts, strict=True)):
        alone = Scripted(rows)
        own = jax.tree.map(lambda a, i=i: a[i], states)
        lived = len(env.actions)
        expected = af.interact_gymnasium(AGENT, alone, lived, state=own, seed=0)
        assert env.actions == alone.actions
        assert lived == STEPS or mode == gymnasium.vector.AutoresetMode.NEXT_STEP
        rewards = result.metrics["reward"][i]
        assert np.count_nonzero(~np.isnan(rewards)) == lived
        assert result.episodes.count[i] == expected.episodes.count > 3
        np.testing.assert_allclose(
            result.episodes.returns[i, -3:], expected.episodes.returns[-3:], rtol=1e-6
        )
        # Of two programs the sums of products round differently.
        np.testing.assert_allclose(
            weights(result.state)[i], weights(expected.state), rtol=1e-4, atol=1e-6
        )


class Counted(af.AbstractState):
    count: jax.Array


class Turning(af.AbstractAgent):
    """Its actions are numbers that no other type holds exactly, and it has nothing to tell."""

    @property
    def action_space(self):
        return af.BoxActions((2,))

    def init(self, feature_dim, key):
        del feature_dim, key
        return Counted(jnp.int32(0))

    def start(self, state, observation):
        del observation
        turn = 0.1 * state.count.astype(jnp.float32)
        return jnp.stack([jnp.sin(turn), jnp.float32(-1e-39)]), Counted(state.count + 1)

    def act_and_learn(self, state, reward, observation, terminated, truncated):
        action, state = self.start(state, observation)
        return af.AgentStep(state, action, {}, jnp.isnan(reward))

    def act(self, state, observation, key, *, explore=True):
        return self.start(state, observation)[0]


class Steered(OneState):
    def __init__(self, shape=(2,), dtype=np.float32, **how):
        super().__init__(**how)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, shape, dtype)
        self.given = []

    def step(self, action):
        self.given.append(np.array(action))
        return super().step(action)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("copies", [None, 2])
def test_actions_of_a_box_arrive_to_the_last_bit(dtype, copies):
    agent, envs = Turning(), [Steered(dtype=dtype, cut_after=99) for _ in range(copies or 1)]
    state = agent.init(1, None)
    expected = []
    for _ in range(6):
        action, state = jax.jit(agent.start)(state, None)
        expected.append(np.asarray(action))
    env = envs[0]
    if copies is not None:
        env = gymnasium.vector.SyncVectorEnv([lambda env=env: env for env in envs])
    result = af.interact_gymnasium(agent, env, 6, seed=0)
    assert list(result.metrics) == ["reward", "episode_return", "episode_length"]
    for env in envs:
        np.testing.assert_array_equal(env.given, np.asarray(expected, dtype))
        assert env.given[0].dtype == dtype


def test_a_box_of_actions_that_does_not_suit():
    env = gymnasium.make("Pendulum-v1")
    with pytest.raises(ValueError, match="must be Discrete"):
        af.interact_gymnasium(AGENT, env, 1, seed=0)
    with pytest.raises(TypeError, match="must be an AbstractAgent"):
        af.interact_gymnasium(af.LinearLearner(), env, 1, seed=0)


def test_an_environment_that_fails_hands_back_what_was_lived():
    class Failing(OneState):
        def step(self, action):
            if self.count == 1:
                raise RuntimeError("worn out")
            return super().step(action)

    with pytest.raises(af.EnvironmentFailure, match="worn out") as failure:
        af.interact_gymnasium(AGENT, Failing(cut_after=9), 5, seed=0)
    assert failure.value.result.metrics["reward"].shape == (1,)
    assert failure.value.result.state.step_count == 1
