"""The adapter to octax beside octax's own calls."""

import importlib

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.environments import cases as environments
from tests.environments.adapters.cases import QUIET, lenient, require

pytestmark = QUIET


@pytest.fixture
def games():
    require("octax")
    with lenient():
        yield importlib.import_module("octax.environments")


def test_each_step_is_octax_s(games):
    environment = af.OctaxEnvironment("brix", time_limit=20)
    inner, _ = games.create_environment("brix", max_num_steps_per_episodes=20)
    state, observation = environment.reset(jr.key(0))
    own_state, own, _ = inner.reset(jr.key(0))
    np.testing.assert_array_equal(observation, np.ravel(own))
    assert own.dtype == jnp.bool_ and observation.shape == (4 * 64 * 32,)
    step, ends = jax.jit(environment.step), set()
    for t in range(200):
        action, key = environment.action_space.sample(jr.fold_in(jr.key(1), t)), jr.key(t)
        state, now = step(state, action, key)
        own_state, own, reward, terminated, truncated, _ = inner.step(
            own_state.replace(rng=key), action
        )
        np.testing.assert_array_equal(now.observation, np.ravel(own))
        assert float(now.reward) == float(reward)
        assert bool(now.terminated) == bool(terminated)
        assert bool(now.truncated) == (bool(truncated) and not terminated)
        if now.terminated or now.truncated:
            ends.add(bool(now.terminated))
            state, observation = environment.restart(state, jr.key(t))
            own_state, own, _ = inner.reset(jr.key(t))
            np.testing.assert_array_equal(observation, np.ravel(own))
            assert not np.array_equal(observation, now.observation)
    assert ends == {True, False}


def test_octax_s_own_limit_holds_and_can_be_lifted(games):
    own, none = (af.OctaxEnvironment("brix", time_limit=limit) for limit in ("package", None))
    assert own.time_limit == 4500
    for environment, cut in ((own, True), (none, False)):
        state, _ = environments.begun(environment, jr.key(0))
        late = state.inner.replace(time=state.inner.time + 4499)
        state = state.replace(inner=late, steps=jnp.int32(4499))
        _, now = environments.stepped(environment, state, jnp.int32(0), jr.key(0))
        assert bool(now.truncated) == cut and not now.terminated


def test_a_level_does_not_stay_behind_in_octax(games):
    for game in ("cavern", "target_shooter"):
        module = importlib.import_module(f"octax.environments.{game}")
        before = dict(vars(module))
        levels = [af.OctaxEnvironment(f"{game}{level}") for level in (2, 3)]
        begun = [np.asarray(level.reset(jr.key(0))[1]) for level in levels]
        assert vars(module) == before
        assert not np.array_equal(*begun) or game != "cavern"
    for wrong in ("cavern99", "cavern"):
        with pytest.raises(ValueError, match=f"`env_id`.*'{wrong}'"):
            af.OctaxEnvironment(wrong)
