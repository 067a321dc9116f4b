"""A state that does not fit is a TypeError or a ValueError that says what to give instead."""

import jax
import pytest

import alberta_framework as af
from tests.lives import worlds


def agent():
    return af.SARSAAgent(af.SARSAConfig(2), (), af.LMS(0.01), sparsity=1.0)


def lived():
    return af.interact(agent(), af.CartPole(), 5, jax.random.key(0))


def test_a_result_in_place_of_its_state():
    with pytest.raises((TypeError, ValueError), match=r"result\.state|\.state"):
        af.interact(agent(), af.CartPole(), 5, state=lived())


def test_the_life_of_another_world():
    with pytest.raises((TypeError, ValueError), match="state"):
        af.interact(agent(), worlds.telling(actions=2), 5, state=lived().state)


def test_one_life_in_place_of_many():
    with pytest.raises((TypeError, ValueError), match="state"):
        af.interact_batched(agent(), af.CartPole(), 5, state=lived().state)


def test_many_lives_in_place_of_one():
    keys = jax.random.split(jax.random.key(0), 2)
    states = af.interact_batched(agent(), af.CartPole(), 5, keys).state
    with pytest.raises((TypeError, ValueError), match=r"interact.*state"):
        af.interact(agent(), af.CartPole(), 5, state=states)
