"""The adapter to navix beside navix's own calls."""

import importlib
import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.environments import cases as environments
from tests.environments.adapters.cases import QUIET, lenient, require

pytestmark = QUIET


def test_a_version_that_resets_by_itself_is_refused(monkeypatch):
    class Old:
        class environments:
            class Environment:
                pass

        @staticmethod
        def registry():
            return {"Old-v0": None}

    monkeypatch.setitem(sys.modules, "navix", Old)
    with pytest.raises(ImportError, match=r"navix 4 .*alberta_framework\[navix\]"):
        af.NavixEnvironment("Old-v0")


@pytest.fixture
def navix():
    require("navix")
    with lenient():
        yield importlib.import_module("navix")


@pytest.mark.parametrize(
    "env_id, limit, expected",
    [
        ("Navix-Dynamic-Obstacles-5x5-v0", 12, {True, False}),
        ("Navix-Empty-5x5-v0", 40, {True, False}),
    ],
)
def test_each_step_is_navix_s(navix, env_id, limit, expected):
    environment = af.NavixEnvironment(env_id, time_limit=limit)
    inner = navix.make(env_id, max_steps=limit, disable_autoreset=True)
    state, observation = environments.begun(environment, jr.key(0))
    reset, step = jax.jit(inner.reset), jax.jit(inner.step)
    own = reset(jr.key(0))
    np.testing.assert_array_equal(observation, np.ravel(own.observation))
    ends, rewards = set(), 0
    for t in range(400):
        # Of the seven actions turning and going ahead lead to the ends.
        action, key = jr.randint(jr.fold_in(jr.key(1), t), (), 0, 3), jr.key(t)
        state, now = environments.stepped(environment, state, action, key)
        own = step(own.replace(state=own.state.replace(key=key)), action)
        np.testing.assert_array_equal(now.observation, np.ravel(own.observation))
        np.testing.assert_allclose(now.reward, own.reward, rtol=1e-6)
        assert bool(now.terminated) == bool(own.is_termination())
        assert bool(now.truncated) == bool(own.is_truncation())
        rewards += float(now.reward) != 0.0
        if now.terminated or now.truncated:
            ends.add(bool(now.terminated))
            # The action of the next step counts: there is no step that only resets.
            state, observation = environments.begun(environment, jr.key(t))
            own = reset(jr.key(t))
            assert not np.array_equal(observation, now.observation)
    assert ends == expected
    assert rewards or env_id != "Navix-Empty-5x5-v0"


def test_without_a_limit_it_goes_on(navix):
    environment = af.NavixEnvironment("Navix-Empty-5x5-v0", time_limit=None)
    state, first = environments.begun(environment, jr.key(0))
    for t in range(150):  # navix's own limit is 100
        state, now = environments.stepped(environment, state, jnp.int32(0), jr.key(t))
        assert not (now.terminated or now.truncated)
    # Turned left 150 times, which is two quarters away from where it looked.
    assert not np.array_equal(now.observation, first)
