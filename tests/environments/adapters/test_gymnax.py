"""The adapter to gymnax, step by step beside gymnax's own calls."""

import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af


def test_without_the_package_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnax", None)
    with pytest.raises(ImportError, match=r"alberta_framework\[gymnax\]"):
        af.GymnaxEnvironment("CartPole-v1")


def test_a_version_that_merges_the_flags_is_refused(monkeypatch):
    class Old:
        registered_envs = ("Old-v1",)

        @staticmethod
        def make(env_id):
            return object(), None

    monkeypatch.setitem(sys.modules, "gymnax", Old)
    with pytest.raises(ImportError, match=r"1\.0\.1.*alberta_framework\[gymnax\]"):
        af.GymnaxEnvironment("Old-v1")


@pytest.fixture
def gymnax():
    package = pytest.importorskip("gymnax", reason="gymnax (extra `gymnax`) is not installed")
    # gymnax mixes dtypes and ranks, which this suite forbids to code of ours.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield package


IDS = ["CartPole-v1", "Pendulum-v1", "Catch-bsuite", "Breakout-MinAtar", "FourRooms-misc"]


@pytest.mark.parametrize("env_id", IDS)
def test_each_step_is_gymnax_s_without_its_reset(gymnax, env_id):
    environment = af.GymnaxEnvironment(env_id, max_steps=12)
    inner, params = gymnax.make(env_id)
    params = params.replace(max_steps_in_episode=12)
    space = environment.action_space
    state, observation = jax.jit(environment.reset)(jr.key(0))
    own, own_state = inner.reset_env(jr.key(0), params)
    np.testing.assert_allclose(observation, np.ravel(own), rtol=1e-6)
    assert observation.shape == (environment.observation_size,)
    step, theirs = jax.jit(environment.step), jax.jit(inner.step)
    ends, differing = [], 0
    for t in range(60):
        action, key = space.sample(jr.fold_in(jr.key(1), t)), jr.fold_in(jr.key(2), t)
        state, now = step(state, action, jr.split(key)[0])
        # gymnax's own step resets, and tells in `info` what was there before.
        seen, own_state, reward, terminated, _, info = theirs(key, own_state, action, params)
        final = np.float32(np.ravel(info["final_observation"]))
        np.testing.assert_allclose(now.observation, final, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(now.reward, reward, rtol=1e-5, atol=1e-6)
        assert now.observation.dtype == now.reward.dtype == jnp.float32
        assert bool(now.terminated) == bool(terminated)
        assert not (now.terminated and now.truncated)
        if now.terminated or now.truncated:
            ends.append("terminated" if now.terminated else "truncated")
            differing += not np.allclose(now.observation, np.ravel(seen))
            state, observation = environment.restart(state, jr.split(key)[1])
            np.testing.assert_allclose(observation, np.ravel(seen), rtol=1e-6)
    assert ends and differing
    if env_id == "Pendulum-v1":
        assert ends == ["truncated"] * 5


def test_the_limit_of_gymnax_s_own(gymnax):
    environment = af.GymnaxEnvironment("Pendulum-v1")
    state, _ = environment.reset(jr.key(0))
    step = jax.jit(environment.step)
    for t in range(200):
        state, now = step(state, jnp.zeros(1), jr.key(t))
        assert bool(now.truncated) == (t == 199) and not now.terminated


def test_physics_of_gymnax_and_ours_agree(gymnax):
    theirs, ours = af.GymnaxEnvironment("CartPole-v1"), af.CartPole()
    state, values = theirs.reset(jr.key(0))
    own, _ = ours.reset(jr.key(0))
    own = own.replace(values=values)
    for t in range(8):
        action = jnp.int32(t % 2)
        state, now = theirs.step(state, action, jr.key(0))
        own, same = ours.step(own, action, jr.key(0))
        np.testing.assert_allclose(now.observation, same.observation, rtol=1e-5, atol=1e-6)


def test_parameters_can_be_swept(gymnax):
    params = gymnax.make("CartPole-v1")[1]

    def after(gravity):
        environment = af.GymnaxEnvironment("CartPole-v1", params=params.replace(gravity=gravity))
        state, _ = environment.reset(jr.key(0))
        for _ in range(3):
            state, now = environment.step(state, jnp.int32(0), jr.key(0))
        return now.observation

    lanes = jax.vmap(after)(jnp.array([5.0, 9.8]))
    np.testing.assert_allclose(lanes[0], after(5.0), rtol=1e-5, atol=1e-6)
    assert not np.allclose(lanes[0], lanes[1])


def test_an_agent_lives_in_it(gymnax):
    environment = af.GymnaxEnvironment("Catch-bsuite", params=gymnax.make("Catch-bsuite")[1])
    agent = af.SARSAAgent(af.SARSAConfig(n_actions=3, gamma=0.9), hidden_sizes=())
    result = af.interact(agent, environment, 90, jr.key(0))
    np.testing.assert_array_equal(result.episodes.lengths, 9)
    assert np.all(result.episodes.terminated) and int(result.rejected) == 0


def test_an_action_that_does_not_exist_has_no_reward(gymnax):
    environment = af.GymnaxEnvironment("CartPole-v1")
    state, _ = environment.reset(jr.key(0))
    assert np.isnan(environment.step(state, jnp.int32(7), jr.key(0))[1].reward)


def test_the_configuration_and_names(gymnax):
    environment = af.GymnaxEnvironment("Breakout-MinAtar", max_steps=2500)
    config = environment.to_config()
    assert config == {
        "type": "GymnaxEnvironment",
        "env_id": "Breakout-MinAtar",
        "max_steps": 2500,
    }
    assert af.from_config(config) == environment
    assert environment.observation_size == 400
    with pytest.raises(ValueError, match=r"`env_id`.*CartPole-v1.*'CartPole-v9'"):
        af.GymnaxEnvironment("CartPole-v9")
    with pytest.raises(ValueError, match="`max_steps`"):
        af.GymnaxEnvironment("CartPole-v1", max_steps=0)
