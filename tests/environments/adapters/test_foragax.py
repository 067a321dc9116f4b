"""The adapter to foragax beside foragax's own calls."""

import importlib

import jax
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.environments.adapters.cases import QUIET, lenient, require

pytestmark = QUIET


@pytest.fixture
def registry():
    require("foragax")
    with lenient():
        yield importlib.import_module("foragax.registry")


def test_each_step_is_foragax_s_and_nothing_terminates(registry):
    environment = af.ForagaxEnvironment("ForagaxTwoBiomeLarge-v1", aperture_size=5, time_limit=30)
    inner = registry.make("ForagaxTwoBiomeLarge-v1", aperture_size=5, observation_type="color")
    inner.is_terminated = lambda state, params: np.False_
    params = inner.default_params
    state, observation = jax.jit(environment.reset)(jr.key(0))
    own, own_state = inner.reset_env(jr.key(0), params)
    np.testing.assert_array_equal(observation, np.ravel(own))
    assert observation.shape == (environment.observation_size,)
    step = jax.jit(environment.step)
    theirs = jax.jit(lambda key, state, action: inner.step_env(key, state, action, params)[:3])
    rewards = 0
    for t in range(90):
        action, key = environment.action_space.sample(jr.fold_in(jr.key(1), t)), jr.key(t)
        state, now = step(state, action, key)
        own, own_state, reward = theirs(key, own_state, action)
        np.testing.assert_array_equal(now.observation, np.ravel(own))
        np.testing.assert_allclose(now.reward, reward, rtol=1e-6)
        # The limit is ours alone: the world does not begin anew but where a loop makes it.
        assert bool(now.truncated) == (t + 1 >= 30) and not now.terminated
        rewards += float(now.reward) != 0.0
    assert rewards


def test_what_is_seen(registry):
    def size(**options):
        return af.ForagaxEnvironment("ForagaxTwoBiomeLarge-v1", **options).observation_size

    assert size() == 9 * 9 * 3 == size(aperture_size=9, observation_type="rgb")
    assert size(aperture_size=-1) == 15 * 15 * 3
    for option, wrong in {"observation_type": "sound", "reward_delay": -1}.items():
        with pytest.raises(ValueError, match=f"`{option}`.*{wrong}"):
            size(**{option: wrong})
    with pytest.raises(ValueError, match="`aperture_size`"):
        size(aperture_size=0)


def test_an_image_and_a_hint_are_one_vector(registry):
    environment = af.ForagaxEnvironment("ForagaxUnendingTasks-v1", aperture_size=3)
    hinted = registry.make("ForagaxUnendingTasks-v1", aperture_size=3).num_food_biomes
    assert environment.observation_size == 3 * 3 + hinted
