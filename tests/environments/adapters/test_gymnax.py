"""The adapter to gymnax, step by step beside gymnax's own calls."""

import importlib
import json
import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.command_line.app import main
from tests.environments import cases as environments
from tests.environments.adapters.cases import QUIET, lenient, require

pytestmark = QUIET


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
    require("gymnax")
    with lenient():
        yield importlib.import_module("gymnax")


IDS = ["CartPole-v1", "Pendulum-v1", "Catch-bsuite", "Breakout-MinAtar", "FourRooms-misc"]


@pytest.mark.parametrize("env_id", IDS)
def test_each_step_is_gymnax_s_without_its_reset(gymnax, env_id):
    environment = af.GymnaxEnvironment(env_id, time_limit=12)
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


def test_the_games_of_minatar_want_a_limit_that_is_said(gymnax):
    for env_id in ("Breakout-MinAtar", "Freeway-MinAtar"):
        with pytest.raises(ValueError, match=r"`time_limit`.*None"):
            af.GymnaxEnvironment(env_id)
        with pytest.raises(ValueError, match=r"`time_limit`.*None"):
            af.from_config({"type": "GymnaxEnvironment", "env_id": env_id})
    assert af.GymnaxEnvironment("Breakout-MinAtar", time_limit=None).observation_size == 400


def test_without_a_limit_gymnax_s_own_is_lifted(gymnax):
    environment = af.GymnaxEnvironment("Pendulum-v1", time_limit=None)
    _, _, (_, seen) = environments.life(environment, jr.key(0), num_steps=450)
    assert not np.any(seen.truncated | seen.terminated)


def test_the_limit_of_given_parameters_is_theirs(gymnax):
    params = gymnax.make("CartPole-v1")[1].replace(max_steps_in_episode=7)
    assert af.GymnaxEnvironment("CartPole-v1", params=params).time_limit == 7
    assert af.GymnaxEnvironment("CartPole-v1", time_limit=9, params=params).time_limit == 9


def test_a_limit_is_shown_where_gymnax_shows_it(gymnax):
    environment = af.GymnaxEnvironment("DiscountingChain-bsuite", time_limit=20)
    state, _ = environment.reset(jr.key(0))
    _, now = environment.step(state, jnp.int32(0), jr.key(1))
    np.testing.assert_allclose(now.observation[1], 1 / 20)


def test_sticky_actions_are_a_wrapper_around_a_game(gymnax):
    game = af.GymnaxEnvironment("Breakout-MinAtar", time_limit=None)
    sticky = af.StickyActions(game, 0.1)
    state, _ = sticky.reset(jr.key(0))
    state, _ = sticky.step(state, jnp.int32(1), jr.key(1))
    keys = jr.split(jr.key(2), 4_000)
    after, _ = environments.sampled(sticky, state, jnp.int32(2), keys)
    stuck = np.mean(np.asarray(after.action) == 1)
    assert abs(stuck - 0.1) < 0.02  # four standard deviations of 4,000 draws
    begun, _ = sticky.restart(state, jr.key(3))
    assert not begun.acted
    assert af.from_config(sticky.to_config()) == sticky


EXPERIMENT = """
title = "Catch, of gymnax"
episodes = 4
evaluate_last = 2
seeds = 2
[environment]
type = "GymnaxEnvironment"
env_id = "Catch-bsuite"
time_limit = inf
[agents.Linear]
type = "SARSAAgent"
sarsa_config = { n_actions = 3 }
hidden_sizes = []
optimizer = { type = "LMS", step_size = 0.01 }
"""
SWEEP = """
title = "Sarsa in a limited CartPole, of gymnax"
num_steps = 200
seeds = 2
[agent]
type = "SARSAAgent"
sarsa_config = { n_actions = 2 }
hidden_sizes = []
optimizer = { type = "LMS" }
[environment]
type = "GymnaxEnvironment"
env_id = "CartPole-v1"
time_limit = 30
[axes]
"agent.optimizer.step_size" = [0.01, 0.1]
"""


def test_files_of_the_command_line_name_it_as_any_component(gymnax, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catch.toml").write_text(EXPERIMENT)
    assert main(["run", "catch.toml"]) == 0
    assert "Linear" in capsys.readouterr().out
    config = json.loads((tmp_path / "results" / "catch" / "config.json").read_text())
    kept = {"type": "GymnaxEnvironment", "env_id": "Catch-bsuite", "time_limit": None}
    assert config["environment"] == kept
    (tmp_path / "swept.toml").write_text(SWEEP)
    assert main(["sweep", "swept.toml"]) == 0
    assert (tmp_path / "results" / "swept").is_dir()
