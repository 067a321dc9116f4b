"""The adapter to brax beside brax's own wrapper of episodes."""

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
def envs():
    require("brax")
    with lenient():
        yield importlib.import_module("brax.envs")


def test_each_step_is_brax_s_and_its_done_is_taken_apart(envs):
    environment = af.BraxEnvironment("inverted_pendulum", time_limit=8)
    inner = envs.create("inverted_pendulum", episode_length=8, auto_reset=False)
    state, observation = environments.begun(environment, jr.key(0))
    reset, step = jax.jit(inner.reset), jax.jit(inner.step)
    own = reset(jr.key(0))
    np.testing.assert_allclose(observation, own.obs, rtol=1e-6)
    ends = set()
    for t in range(60):
        action = environment.action_space.sample(jr.fold_in(jr.key(1), t))
        state, now = environments.stepped(environment, state, action, jr.key(t))
        own = step(own, action)
        # Two programs, which may contract products and sums differently.
        np.testing.assert_allclose(now.observation, own.obs, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(now.reward, own.reward, rtol=1e-4)
        assert bool(now.truncated) == bool(own.info["truncation"])
        assert bool(now.terminated) == bool(own.done - own.info["truncation"])
        if now.terminated or now.truncated:
            ends.add(bool(now.terminated))
            state, observation = environments.begun(environment, jr.key(t))
            own = reset(jr.key(t))
            assert not np.allclose(observation, now.observation)
    assert ends == {True, False}


def test_a_simulation_that_diverges_is_rejected_and_cut(envs):
    environment = af.BraxEnvironment("inverted_pendulum")
    state, _ = environments.begun(environment, jr.key(0))
    body = state.inner.pipeline_state
    lost = body.replace(qd=body.qd * jnp.nan)
    state = state.replace(inner=state.inner.replace(pipeline_state=lost))
    _, now = environments.stepped(environment, state, jnp.zeros(1), jr.key(0))
    assert np.isnan(now.reward) and now.truncated and not now.terminated


def test_a_step_changes_nothing_that_it_is_given(envs):
    environment = af.BraxEnvironment("inverted_pendulum")
    state, _ = environments.begun(environment, jr.key(0))
    metrics = dict(state.inner.metrics), dict(state.inner.info)
    environment.step(state, jnp.zeros(1), jr.key(0))
    assert metrics == (dict(state.inner.metrics), dict(state.inner.info))


def test_the_backend_is_chosen_by_name(envs):
    assert af.BraxEnvironment("inverted_pendulum", backend="spring").observation_size == 4
    with pytest.raises(ValueError, match=r"`backend`.*'bullet'"):
        af.BraxEnvironment("inverted_pendulum", backend="bullet")
