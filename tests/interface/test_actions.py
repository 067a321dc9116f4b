"""The actions of Discrete spaces by the numbers that agents give them."""

import inspect

import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

import alberta_framework as af

HAS_DTYPE = "dtype" in inspect.signature(spaces.Discrete).parameters
SPACES = [spaces.Discrete(4), spaces.Discrete(4, start=5), spaces.Discrete(4, start=-7)]
if HAS_DTYPE:  # younger than Gymnasium 1.1
    SPACES += [
        spaces.Discrete(100, start=-20, dtype=np.int8),
        spaces.Discrete(200, start=50, dtype=np.uint8),
        spaces.Discrete(3, start=-1, dtype=np.int32),
    ]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_the_numbers_of_an_agent_are_the_actions_of_the_space(space):
    own = [af.space_action(i, space) for i in range(int(space.n))]
    assert all(space.contains(action) for action in own)
    first = int(space.start)
    assert [int(action) for action in own] == list(range(first, first + int(space.n)))


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_an_action_has_the_type_that_the_space_holds(space):
    kind = int if space.dtype == np.int64 else space.dtype.type
    for number in (1, np.int64(1), jnp.int32(1), np.array(1)):
        assert type(af.space_action(number, space)) is kind


@pytest.mark.parametrize("number", [0.0, True, None, "1", np.array([1]), np.float32(1)], ids=repr)
def test_what_is_no_number_of_an_action(number):
    with pytest.raises(TypeError, match="`action` must be an integer"):
        af.space_action(number, SPACES[0])


@pytest.mark.parametrize("number", [-1, 4, 2**40])
def test_an_action_that_is_not_there(number):
    with pytest.raises(ValueError, match=rf"`action` must lie in 0 .. 3 for Discrete.*{number}"):
        af.space_action(number, SPACES[1])


def test_another_space():
    with pytest.raises(ValueError, match="must be Discrete, got MultiBinary"):
        af.space_action(0, spaces.MultiBinary(2))
