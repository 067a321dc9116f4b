"""A life without an end is one episode for years: what is told of it stays true."""

import jax
import jax.numpy as jnp
import numpy as np

import alberta_framework as af
from tests.lives import worlds


def agent():
    return af.SARSAAgent(af.SARSAConfig(1), (), af.LMS(0.01), sparsity=1.0)


def endless(reward=1.0):
    return worlds.corridor(np.ones((2, 1)), [reward], " ")


def test_the_length_of_an_episode_does_not_wrap():
    state = af.interact(agent(), endless(), 1, jax.random.key(0)).state
    state = state.replace(episode_length=2**32 - 2)
    after = af.interact(agent(), endless(), 3, state=state).state
    assert after.episode_length == 2**32 + 1


def test_the_return_of_a_long_episode():
    """Three hundred thousand rewards of 0.1: to float32's last digits."""
    steps = 300_000
    found = af.interact(agent(), endless(0.1), steps, jax.random.key(0), record_every=steps)
    np.testing.assert_allclose(found.state.episode_return, 0.1 * steps, rtol=1e-5)


def test_a_reward_is_not_lost_beside_a_large_return():
    state = af.interact(agent(), endless(), 1, jax.random.key(0)).state
    state = state.replace(episode_return=jnp.float32(2**24))
    after = af.interact(agent(), endless(), 100, state=state).state
    assert float(after.episode_return) >= 2**24 + 98
