"""What holds for every adapter, at the end of an episode above all."""

import json
import math
import sys

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.environments.adapters.packages import PACKAGES
from tests.environments import cases as environments
from tests.environments.adapters.cases import QUIET, ROWS, lenient, require

pytestmark = QUIET
KINDS = sorted({(row.extra, row.kind, row.module) for row in ROWS})
each_kind = pytest.mark.parametrize("extra, kind, module", KINDS)


def test_every_adapter_has_a_row_and_a_package():
    adapters = {
        name
        for name in af.__all__
        if name.endswith("Environment") and not name.startswith("Abstract")
        if issubclass(getattr(af, name), af.AbstractAdapter)
    }
    assert adapters == {row.kind for row in ROWS}
    assert adapters == {package.adapter for package in PACKAGES.values()}
    assert {(row.extra, row.kind) for row in ROWS} == {
        (package.extra, package.adapter) for package in PACKAGES.values()
    }


@each_kind
def test_without_the_package_the_error_names_the_extra(extra, kind, module, monkeypatch):
    for loaded in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    env_id = next(row.arguments["env_id"] for row in ROWS if row.kind == kind)
    with pytest.raises(ImportError, match=rf"alberta_framework\[{extra}\]"):
        getattr(af, kind)(env_id, time_limit=9)


@pytest.fixture
def row(request):
    require(request.param.module, request.param.extra)
    with lenient():
        yield request.param


each = pytest.mark.parametrize("row", ROWS, ids=str, indirect=True)


def lived(row, **changes):
    return environments.life(row.build(**changes), jr.key(3), num_steps=row.steps)


def at(tree, t):
    return jax.tree.map(lambda leaf: leaf[t], tree)


def lengths(seen):
    """The lengths of the episodes that came to an end, by how they did."""
    over = np.asarray(seen.terminated | seen.truncated)
    ends = np.flatnonzero(over)
    return np.diff(ends, prepend=-1), np.asarray(seen.truncated)[ends]


@each
def test_an_episode_ends_as_declared_and_with_what_is_truly_seen(row):
    environment = row.build()
    first, _, (after, seen) = lived(row)
    assert first.shape == (environment.observation_size,) and first.dtype == jnp.float32
    assert seen.observation.shape == (row.steps, environment.observation_size)
    assert seen.observation.dtype == seen.reward.dtype == jnp.float32
    assert seen.terminated.dtype == seen.truncated.dtype == jnp.bool_
    assert seen.reward.shape == seen.terminated.shape == seen.truncated.shape == (row.steps,)
    assert np.all(np.isfinite(seen.observation)) and np.all(np.isfinite(seen.reward))
    assert not np.any(seen.terminated & seen.truncated)
    assert [name for name in environments.BOTH if np.any(getattr(seen, name))] == list(row.ends)
    # The limit cuts where it says, and nothing is cut elsewhere.
    length, cut = lengths(seen)
    limit = row.arguments["time_limit"]
    assert np.all(length[cut] == limit) and np.all(length[~cut] <= limit)
    # No reset: what is seen last is not what the next episode begins with.
    restart = jax.jit(lambda e, s, k: e.restart(s, k))
    differing = 0
    ends = np.flatnonzero(seen.terminated | seen.truncated)[:5]
    for t in ends:
        begun, observation = restart(environment, at(after, t), jr.key(t))
        assert not np.any(begun.steps)
        differing += not np.array_equal(seen.observation[t], observation)
    assert differing == len(ends)


@each
def test_a_step_is_a_function_of_state_action_and_key(row):
    environment = row.build()
    state, _ = environments.begun(environment, jr.key(0))
    kept = jax.tree.map(lambda leaf: leaf, state)
    action = environment.action_space.sample(jr.key(1))
    if row.extra not in ("brax", "playground", "craftax"):  # which take minutes when not compiled
        environment.step(state, action, jr.key(2))
    assert jax.tree.structure(kept) == jax.tree.structure(state)
    for a, b in zip(jax.tree.leaves(kept), jax.tree.leaves(state), strict=True):
        assert a is b
    one, other = (environments.stepped(environment, state, action, jr.key(2)) for _ in range(2))
    for a, b in zip(jax.tree.leaves(one[1]), jax.tree.leaves(other[1]), strict=True):
        np.testing.assert_array_equal(a, b)


@each
def test_chance_follows_the_keys_of_the_steps_alone(row):
    environment = row.build()
    state, _ = environments.begun(environment, jr.key(0))
    action = environment.action_space.sample(jr.key(1))

    def later(key):
        def one(state, key):
            state, now = environment.step(state, action, key)
            return state, now.observation

        return jax.lax.scan(one, state, jr.split(key, 30))[1]

    seen = jax.jit(jax.vmap(later))(jr.split(jr.key(2), 20))
    drawn = np.unique(np.asarray(seen).reshape(20, -1), axis=0)
    assert (len(drawn) > 1) == row.chance


@each
def test_the_limit_may_be_the_package_s_another_or_none(row):
    env_id = row.arguments["env_id"]
    if not env_id.endswith("MinAtar"):
        own = getattr(af, row.kind)(env_id)
        assert own.time_limit == row.own_limit
        assert own.to_config()["time_limit"] == row.own_limit
    for none in (None, math.inf):
        assert row.build(time_limit=none).time_limit is None
    for wrong in (0, -3, 2.5, math.nan, 2**31):
        with pytest.raises(ValueError, match="`time_limit`"):
            row.build(time_limit=wrong)
    for wrong in ("long", True):
        with pytest.raises(TypeError, match="`time_limit`"):
            row.build(time_limit=wrong)


@each
def test_the_limit_can_be_swept(row):
    limits = jnp.array([3, 5], jnp.int32)

    def cut(limit):
        environment = row.build(time_limit=limit)
        state, _ = environment.reset(jr.key(0))

        def one(state, key):
            state, now = environment.step(state, environment.action_space.sample(key), key)
            return state, now.truncated

        return jax.lax.scan(one, state, jr.split(jr.key(1), 5))[1]

    found = jax.jit(jax.vmap(cut))(limits)
    assert not np.any(found[0, :2]) and not np.any(found[1, :4])
    assert np.all(found[0, 2:]) or row.ends != ("truncated",)


@each
def test_the_configuration(row):
    for changes in ({}, {"time_limit": None}):
        environment = row.build(**changes)
        config = json.loads(json.dumps(environment.to_config(), allow_nan=False))
        assert config["type"] == row.kind
        assert af.from_config(config) == environment
    config = row.build().to_config() | {"time_limit": "Infinity"}
    assert af.from_config(config).time_limit is None
    with pytest.raises(ValueError, match=r"`env_id`.*'No-such-world-v0'"):
        row.build(env_id="No-such-world-v0")


@each
def test_an_action_that_does_not_exist_has_no_reward(row):
    environment = row.build()
    state, _ = environments.begun(environment, jr.key(0))
    space = environment.action_space
    bad = jnp.full(space.shape, 1_000, space.dtype)
    assert np.isnan(environments.stepped(environment, state, bad, jr.key(1))[1].reward)
