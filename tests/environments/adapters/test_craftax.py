"""The adapter to craftax beside craftax's own calls."""

import importlib

import jax
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.environments import cases as environments
from tests.environments.adapters.cases import QUIET, lenient, require

pytestmark = QUIET
ENV_ID = "Craftax-Classic-Symbolic-v1"
LIMIT = 70


@pytest.fixture
def craftax():
    require("craftax")
    with lenient():
        yield importlib.import_module("craftax.craftax_env")


def test_each_step_is_craftax_s_and_its_done_is_taken_apart(craftax):
    environment = af.CraftaxEnvironment(ENV_ID, time_limit=LIMIT)
    inner = craftax.make_craftax_env_from_name(ENV_ID, auto_reset=False)
    params = inner.default_params.replace(max_timesteps=LIMIT)
    endless = params.replace(max_timesteps=2**31 - 1)
    reset = jax.jit(lambda key: inner.reset_env(key, params))
    step = jax.jit(lambda key, state, action: inner.step_env(key, state, action, params)[:4])
    state, observation = environments.begun(environment, jr.key(0))
    own, own_state = reset(jr.key(0))
    np.testing.assert_allclose(observation, own, rtol=1e-6)
    ends = set()
    for t in range(400):
        action, key = environment.action_space.sample(jr.fold_in(jr.key(1), t)), jr.key(t)
        state, now = environments.stepped(environment, state, action, key)
        own, own_state, reward, done = step(key, own_state, action)
        np.testing.assert_allclose(now.observation, own, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(now.reward, reward, rtol=1e-5, atol=1e-6)
        assert bool(now.terminated) == bool(inner.is_terminal(own_state, endless))
        assert bool(now.terminated or now.truncated) == bool(done)
        if done:
            ends.add(bool(now.terminated))
            state, observation = environments.begun(environment, jr.key(t))
            own, own_state = reset(jr.key(t))
            assert not np.allclose(observation, now.observation)
    assert ends == {True, False}


def test_the_limits_are_craftax_s(craftax):
    assert af.CraftaxEnvironment(ENV_ID).time_limit == 10_000
    assert af.CraftaxEnvironment("Craftax-Symbolic-v1").time_limit == 100_000
