"""The adapter to playground beside playground's own calls."""

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
def playground():
    require("mujoco_playground", "playground")
    with lenient():
        yield importlib.import_module("mujoco_playground")


def test_each_step_is_playground_s(playground):
    environment = af.PlaygroundEnvironment("CartpoleBalance")
    changes = {"impl": "jax"}
    inner = playground.registry.load("CartpoleBalance", config_overrides=changes)
    state, observation = environments.begun(environment, jr.key(0))
    own = jax.jit(inner.reset)(jr.key(0))
    np.testing.assert_allclose(observation, own.obs, rtol=1e-5, atol=1e-6)
    step = jax.jit(inner.step)
    for t in range(20):
        action = environment.action_space.sample(jr.key(t))
        state, now = environments.stepped(environment, state, action, jr.key(t))
        own = step(own, action)
        # Two programs, which may contract products and sums differently.
        np.testing.assert_allclose(now.observation, own.obs, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(now.reward, own.reward, rtol=1e-4)
        assert not (now.terminated or now.truncated or own.done)


@pytest.mark.parametrize("lost", ["qpos", "qvel"])
def test_a_simulation_that_diverges_is_rejected_and_cut(playground, lost):
    environment = af.PlaygroundEnvironment("CartpoleBalance")
    state, _ = environments.begun(environment, jr.key(0))
    data = state.inner.data
    data = data.replace(**{lost: getattr(data, lost) * jnp.nan})
    state = state.replace(inner=state.inner.replace(data=data))
    after, now = environments.stepped(environment, state, jnp.zeros(1), jr.key(0))
    assert after.inner.done  # which Playground calls an end
    assert np.isnan(now.reward) and now.truncated and not now.terminated


def test_a_state_that_is_lost_where_it_is_not_seen_is_rejected_too(playground):
    environment = af.PlaygroundEnvironment("CartpoleBalance")
    state, _ = environments.begun(environment, jr.key(0))
    assert environment._sound(state.inner)
    data = state.inner.data
    lost = state.inner.replace(data=data.replace(qpos=data.qpos * jnp.inf))
    assert not environment._sound(lost)


def test_the_simulator_is_chosen_by_name(playground):
    with pytest.raises(ValueError, match=r"`impl`.*'bullet'"):
        af.PlaygroundEnvironment("CartpoleBalance", impl="bullet")
