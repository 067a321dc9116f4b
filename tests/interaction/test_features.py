"""Agents that see features: the state of the features lives, rests and is stored with the agent."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.trees import assert_same_bits

CODER = af.TileCoder([-3.0] * 4, [3.0] * 4, tilings=2, tiles=2)
CONFIG = af.SARSAConfig(2, 0.9, 0.2)


def agent(feature_dim=None):
    del feature_dim
    return af.SARSAAgent(CONFIG, (), af.LMS(0.05), lamda=0.5, sparsity=1.0)


class SinceBegin(af.AbstractFeatures):
    """The observation, and how many steps ago its episode began, as a share of `scale`."""

    scale: float = 10.0

    def feature_dim_of(self, observation_dim):
        return observation_dim + 1

    def init(self, observation_dim):
        return jnp.zeros(())

    def see(self, state, percept):
        since = jnp.where(percept.first, 0.0, state + 1.0)
        share = since / jnp.float32(self.scale)
        return percept.replace(observation=jnp.append(percept.observation, share)), since


class Shown(af.AbstractEnvironment):
    """CartPole, with the features made by the environment itself."""

    inner: af.AbstractEnvironment
    features: af.AbstractFeatures

    @property
    def observation_size(self):
        return self.features.feature_dim_of(self.inner.observation_size)

    @property
    def action_space(self):
        return self.inner.action_space

    def reset(self, key):
        world, observation = self.inner.reset(key)
        shown, state = self.features.see(self.features.init(4), af.Percept(observation, first=True))
        return (world, state), shown.observation

    def step(self, state, action, key):
        world, carried = state
        world, now = self.inner.step(world, action, key)
        percept = af.Percept(now.observation, now.reward, now.terminated, now.truncated)
        shown, carried = self.features.see(carried, percept)
        return (world, carried), eqx.tree_at(
            lambda s: (s.observation, s.reward), now, (shown.observation, shown.reward)
        )


@pytest.mark.parametrize("features", [CODER, SinceBegin(), af.Pipeline([SinceBegin()])])
def test_the_agent_sees_what_the_features_make(features):
    inside = af.interact(af.WithFeatures(agent(), features), af.CartPole(), 300, jr.key(0))
    outside = af.interact(agent(), Shown(af.CartPole(), features), 300, jr.key(0))
    assert inside.episodes.count == outside.episodes.count > 3
    for name, values in outside.metrics.items():
        np.testing.assert_allclose(inside.metrics[name], values, rtol=1e-5, atol=1e-6)


def test_it_goes_on_from_a_file(tmp_path):
    own = af.WithFeatures(agent(), SinceBegin())
    half = af.interact(own, af.CartPole(), 137, jr.key(1))
    assert float(half.state.agent_state.features_state) > 0.0
    af.save_checkpoint(half.state, tmp_path / "life")
    stored, _ = af.load_checkpoint(half.state, tmp_path / "life")
    ours = af.interact(own, af.CartPole(), 137, state=stored)
    whole = af.interact(own, af.CartPole(), 274, jr.key(1), chunk_size=137)
    for name in ("td_error", "reward", "episode_return"):
        np.testing.assert_array_equal(ours.metrics[name], whole.metrics[name][137:])


def test_an_evaluation_begins_an_episode_and_carries_along():
    """And leaves the state of the life as it was."""

    class Counts(af.AbstractAgent):
        """Acts by the time feature alone: to the right at even steps."""

        @property
        def action_space(self):
            return af.DiscreteActions(2)

        def init(self, feature_dim, key):
            return jnp.zeros(())

        def start(self, state, observation):
            return self._at(observation), state

        def act_and_learn(self, state, reward, observation, terminated, truncated):
            no = jnp.zeros((), bool)
            return af.AgentStep(state, self._at(observation), {"error": reward}, no)

        def act(self, state, observation, key, *, explore=True):
            return self._at(observation)

        def _at(self, observation):
            return (jnp.round(observation[-1] * 10.0) % 2 == 0).astype(jnp.int32)

    own = af.WithFeatures(Counts(), SinceBegin())
    lived = af.interact(own, af.CartPole(), 101, jr.key(2))
    before = jax.tree.map(np.asarray, lived.state.agent_state)
    found = af.evaluate(own, lived.state, af.CartPole(), 2, jr.key(3))
    assert_same_bits(lived.state.agent_state, before)
    pole = af.CartPole()
    for key, length in zip(jr.split(jr.key(3), 2), found.lengths, strict=True):
        begin, key = jr.split(key)
        world, _ = pole.reset(begin)
        for step in range(500):
            world, now = pole.step(world, jnp.int32(step % 2 == 0), key)
            if now.terminated:
                break
        assert step + 1 == length


def test_a_bad_observation_leaves_the_features_as_they_were():
    own = af.WithFeatures(agent(), SinceBegin())
    _, state = own.start(own.init(4, jr.key(0)), jnp.ones(4))
    found = own.act_and_learn(state, 1.0, jnp.full(4, jnp.nan), False, False)
    assert bool(found.rejected)
    assert float(found.state.features_state) == float(state.features_state) == 0.0
    assert found.state.rejected_count == 1


def test_numbers_of_the_features_are_swept():
    own = af.WithFeatures(agent(), SinceBegin())
    keys = jr.split(jr.key(4), 2)
    axes = {"agent.features.scale": [5.0, 50.0]}
    result = af.sweep(own, af.CartPole(), axes, num_steps=200, keys=keys)
    for place, scale in enumerate(axes["agent.features.scale"]):
        other = dataclasses.replace(own, features=SinceBegin(scale))
        alone = af.interact(other, af.CartPole(), 200, keys[1], record_window=4).metrics["td_error"]
        np.testing.assert_allclose(result.metrics["td_error"][place, 1][:9], alone[:9], rtol=1e-4)


def test_observations_of_another_size_are_refused():
    with pytest.raises(ValueError, match="made for 4 dimensions, got observations of 3"):
        af.WithFeatures(agent(), CODER).init(3, jr.key(0))
    with pytest.raises(TypeError, match="`features` must be an AbstractFeatures"):
        af.WithFeatures(agent(), None)
    with pytest.raises(TypeError, match="at least one"):
        af.Pipeline([])
