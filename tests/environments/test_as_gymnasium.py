"""Environments in JAX behind Gymnasium's interface."""

import gymnasium
import jax
import jax.random as jr
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import alberta_framework as af
from tests.compilations import count_compilations
from tests.environments import cases

WORLDS = [
    af.CartPole(),
    af.Pendulum(),
    af.RiverSwim(),
    af.Catch(),
    af.StickyActions(af.TimeLimit(af.SwitchingBandit(3), 7)),
]
each = pytest.mark.parametrize("environment", WORLDS, ids=lambda e: type(e).__name__)


# Without bounds of observations, without a registered id, and with a torque that is not scaled to
# one, an environment is warned of, and works.
@pytest.mark.filterwarnings("ignore:.*(infinity|spec|symmetric|normalized).*")
@each
def test_gymnasium_s_checker_passes(environment):
    check_env(af.as_gymnasium(environment), skip_render_check=True)


def sampled(env, num_steps, actions):
    """(observation, reward, terminated, truncated) of each step, and each start, from here on."""
    rows, starts = [], []
    for t in range(num_steps):
        observation, reward, terminated, truncated, info = env.step(actions[t])
        rows.append((observation, reward, terminated, truncated))
        assert info == {}
        if terminated or truncated:
            starts.append(env.reset()[0])
    return rows, starts


def flat(rows):
    return np.array([np.append(np.ravel(row[0]), row[1:]) for row in rows])


@each
def test_a_seed_begins_the_same_world_again(environment):
    env, other = af.as_gymnasium(environment), af.as_gymnasium(environment)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(40)]
    lives = []
    for one, seed in ((env, 3), (env, 3), (other, 3), (other, 4), (other, 3 + 2**32)):
        first, _ = one.reset(seed=seed)
        rows, starts = sampled(one, 40, actions)
        lives.append(np.concatenate([first, flat(rows).ravel(), *starts]))
    np.testing.assert_array_equal(lives[0], lives[1])
    np.testing.assert_array_equal(lives[0], lives[2])
    for other_life in lives[3:]:
        assert not np.array_equal(lives[0], other_life)


def test_a_seed_is_the_key_of_that_number():
    env = af.as_gymnasium(af.CartPole())
    one, _ = env.reset(seed=7)
    other, _ = env.reset(options={"key": jr.key(7)})
    np.testing.assert_array_equal(one, other)


def test_without_a_seed_every_life_is_another():
    firsts = [af.as_gymnasium(af.CartPole()).reset()[0] for _ in range(3)]
    assert len({first.tobytes() for first in firsts}) == 3
    env = af.as_gymnasium(af.CartPole())
    starts = [env.reset()[0].tobytes() for _ in range(5)]
    assert len(set(starts)) == 5


def test_observations_are_the_caller_s_to_write_to():
    env = af.as_gymnasium(af.CartPole())
    first, _ = env.reset(seed=0)
    first[:] = 9.0
    seen, *_ = env.step(0)
    seen[:] = 9.0
    assert np.all(np.abs(env.step(1)[0]) < 2.0)


def test_spaces_are_those_of_the_environment():
    env = af.as_gymnasium(af.Pendulum(max_torque=0.5))
    assert env.action_space == gymnasium.spaces.Box(-0.5, 0.5, (1,), np.float32)
    assert env.observation_space.shape == (3,)
    assert af.as_gymnasium(af.AccessControl()).action_space == gymnasium.spaces.Discrete(2)
    assert env.environment.max_torque == 0.5


@pytest.mark.parametrize("action", [2, -1, 0.5, None, "0", np.array([0, 1])], ids=repr)
def test_an_action_that_does_not_exist_is_an_error(action):
    env = af.as_gymnasium(af.CartPole())
    env.reset(seed=0)
    with pytest.raises((TypeError, ValueError), match="action"):
        env.step(action)


@pytest.mark.parametrize("action", [[np.nan], [1.0, 2.0], 0.0, "0", None], ids=repr)
def test_a_torque_that_is_none_is_an_error(action):
    env = af.as_gymnasium(af.Pendulum())
    env.reset(seed=0)
    with pytest.raises((TypeError, ValueError), match="action"):
        env.step(action)


def test_actions_in_every_form_that_gymnasium_gives():
    env = af.as_gymnasium(af.CartPole())
    seen = []
    for action in (1, np.int64(1), np.array(1), np.array([1]), np.int32(1)):
        env.reset(seed=0)
        seen.append(env.step(action)[0])
    for other in seen[1:]:
        np.testing.assert_array_equal(seen[0], other)


def test_what_is_asked_wrongly():
    with pytest.raises(TypeError, match="`environment`"):
        af.as_gymnasium(gymnasium.make("CartPole-v1"))
    env = af.as_gymnasium(af.CartPole())
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)
    with pytest.raises(ValueError, match="low"):
        env.reset(options={"low": 1})
    with pytest.raises(ValueError, match="seed 3"):
        env.reset(seed=3, options={"key": jr.key(0)})
    with pytest.raises(TypeError, match="`key`"):
        env.reset(options={"key": 3})


def test_another_number_compiles_nothing():
    af.as_gymnasium(af.CartPole()).reset(seed=0)
    env = af.as_gymnasium(af.CartPole())
    env.reset(seed=0)
    env.step(0)
    env.reset()
    with count_compilations() as compiled:
        other = af.as_gymnasium(af.CartPole(gravity=3, half_length=np.float32(1.0)))
        other.reset(seed=1)
        other.step(1)
        other.reset()
    assert not compiled


def key_of_the_agent(key):
    """Which `interact` draws a new agent from."""
    return jr.split(jr.split(key)[1])[0]


def test_a_loop_on_the_host_meets_the_world_of_interact():
    """Starts and steps, over several episodes, where chance and change play a part."""
    world = af.Changing(
        af.StickyActions(af.CartPole(max_steps=25), 0.3),
        "environment.half_length",
        af.Periodic([0.25, 1.0], 40),
    )
    agent = af.SARSAAgent(af.SARSAConfig(n_actions=2, gamma=0.9), hidden_sizes=())
    born = agent.init(4, key_of_the_agent(jr.key(2)))
    compiled = af.interact(agent, world, 200, jr.key(2))

    env = af.as_gymnasium(world)
    observation, _ = env.reset(options={"key": jr.key(2)})
    action, state = agent.start(born, observation)
    rewards, lengths = [], [0]
    for _ in range(200):
        observation, reward, terminated, truncated, _ = env.step(int(action))
        rewards.append(reward)
        lengths[-1] += 1
        found = agent.act_and_learn(state, reward, observation, terminated, truncated)
        action, state = found.action, found.state
        if terminated or truncated:
            lengths.append(0)
            observation, _ = env.reset()
            action, state = agent.start(state, observation)
    np.testing.assert_array_equal(compiled.metrics["reward"], rewards)
    np.testing.assert_array_equal(compiled.episodes.lengths, lengths[:-1])
    assert len(lengths) > 8
    final, host = compiled.state.environment_state, env.world.environment_state
    assert final.step_count == host.step_count == 200
    for a, b in zip(jax.tree.leaves(final), jax.tree.leaves(host), strict=True):
        # Two programs may contract products and sums differently.
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert cases.blank(world.action_space).dtype == final.environment_state.action.dtype


def test_the_life_on_the_host_is_the_compiled_one():
    world = af.Changing(af.CartPole(), "half_length", af.Periodic([0.25, 1.0], 300))
    # Steps so large that values diverge would make a life of every last bit.
    agent = af.SARSAAgent(af.SARSAConfig(n_actions=2, gamma=0.9), (), af.LMS(0.01))
    born = agent.init(4, key_of_the_agent(jr.key(5)))
    compiled = af.interact(agent, world, 2000, jr.key(5))
    host = af.interact_gymnasium(agent, af.as_gymnasium(world), 2000, seed=5, state=born)
    np.testing.assert_array_equal(compiled.episodes.lengths, host.episodes.lengths)
    np.testing.assert_array_equal(compiled.episodes.terminated, host.episodes.terminated)
    assert len(host.episodes.lengths) > 20
    for name, expected in compiled.metrics.items():
        # Rounding of two programs, which grows over a life; no action differs by it here.
        np.testing.assert_allclose(host.metrics[name], expected, rtol=1e-3, atol=1e-4)


def test_gymnasium_s_own_wrappers_and_vectors_take_it():
    def build():
        return gymnasium.wrappers.TimeLimit(af.as_gymnasium(af.RiverSwim()), 5)

    vector = gymnasium.vector.SyncVectorEnv([build, build])
    observations, _ = vector.reset(seed=0)
    assert observations.shape == (2, 6)
    ends = [vector.step(np.array([0, 1]))[3] for _ in range(5)]
    np.testing.assert_array_equal(np.array(ends)[-1], True)
    assert not np.array(ends)[:-1].any()
