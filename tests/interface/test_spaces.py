"""Values of spaces as vectors, against Gymnasium's own flattening and by hand."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from alberta_framework.environments import GymnasiumStream, flatten_space, flatten_value

BY_INDEX = {
    "box": (spaces.Box(-5, 5, (2, 3)), np.arange(6.0).reshape(2, 3), [0, 1, 2, 3, 4, 5]),
    "box in Fortran order": (
        spaces.Box(-9, 9, (2, 3)),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        [0, 1, 2, 3, 4, 5],
    ),
    "scalar box": (spaces.Box(-1, 1, ()), np.float32(0.5), [0.5]),
    "image": (spaces.Box(0, 255, (1, 2), np.uint8), np.array([[0, 255]], np.uint8), [0, 255]),
    "discrete": (spaces.Discrete(3, start=-2), -1, [-1]),
    "multi-discrete": (spaces.MultiDiscrete([[3, 2], [4, 5]]), [[2, 1], [0, 4]], [2, 1, 0, 4]),
    "multi-binary": (spaces.MultiBinary((2, 2)), [[1, 0], [0, 1]], [1, 0, 0, 1]),
    "dict, whose keys Gymnasium sorts": (
        spaces.Dict({"b": spaces.Discrete(4), "a": spaces.Box(-1, 1, (2,))}),
        {"b": 3, "a": np.array([0.25, -0.5])},
        [0.25, -0.5, 3],
    ),
    "dict in the order given": (
        spaces.Dict([("z", spaces.Discrete(4)), ("a", spaces.Discrete(3))]),
        {"a": 2, "z": 3},
        [3, 2],
    ),
    "nested tuple": (
        spaces.Tuple((spaces.Discrete(2), spaces.Tuple((spaces.MultiBinary(2),)))),
        (1, ([0, 1],)),
        [1, 0, 1],
    ),
}
ONE_HOT = [
    spaces.Box(-3, 3, (2, 2)),
    spaces.Discrete(5, start=-2),
    spaces.MultiDiscrete([3, 2, 4]),
    spaces.MultiDiscrete([[3, 2], [4, 5]], start=[[1, -1], [0, 7]]),
    spaces.MultiBinary([2, 3]),
    spaces.Dict(b=spaces.Discrete(4), a=spaces.Box(-1, 1, (2,)), c=spaces.MultiDiscrete([2, 2])),
    spaces.Tuple((spaces.Discrete(2, start=7), spaces.Dict(x=spaces.MultiBinary(3)))),
]
UNSUPPORTED = [
    spaces.Text(5),
    spaces.Sequence(spaces.Discrete(2)),
    spaces.Graph(spaces.Box(-1, 1, (2,)), None),
    spaces.OneOf((spaces.Discrete(2), spaces.Discrete(3))),
]


@pytest.mark.parametrize("kind", BY_INDEX)
def test_values_by_index(kind):
    space, value, expected = BY_INDEX[kind]
    flat = flatten_value(value, space, "index")
    np.testing.assert_array_equal(flat, np.array(expected, np.float32), strict=True)
    assert flatten_space(space) == len(expected)


@pytest.mark.parametrize("space", ONE_HOT, ids=str)
def test_one_hot_is_gymnasium_s_flattening(space):
    space.seed(0)
    for _ in range(20):
        value = space.sample()
        theirs = np.asarray(spaces.flatten(space, value), np.float32)
        np.testing.assert_array_equal(flatten_value(value, space, "onehot"), theirs, strict=True)
    assert flatten_space(space, "onehot") == spaces.flatdim(space)


def test_a_flat_vector_shares_no_memory_with_the_value():
    value = np.zeros(3, np.float32)
    flat = flatten_value(value, spaces.Box(-1, 1, (3,)))
    value[:] = 1.0
    np.testing.assert_array_equal(flat, np.zeros(3))


@pytest.mark.parametrize("space", UNSUPPORTED, ids=lambda s: type(s).__name__)
def test_an_unsupported_space_is_named_with_its_place(space):
    nested = spaces.Dict(camera=spaces.Tuple((spaces.Discrete(2), space)))
    name = type(space).__name__
    with pytest.raises(ValueError, match=rf"\['camera'\]\[1\]: {name}.*Box, Discrete"):
        flatten_space(nested)

    class Odd(gymnasium.Env):
        observation_space, action_space = nested, spaces.Discrete(2)

    with pytest.raises(ValueError, match=r"observation space\['camera'\]\[1\]"):
        GymnasiumStream(Odd())
    Odd.observation_space, Odd.action_space = spaces.Discrete(2), nested
    with pytest.raises(ValueError, match=r"action space\['camera'\]\[1\]"):
        GymnasiumStream(Odd(), policy=lambda x: 0)


def test_a_value_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"must hold 3 numbers, got shape \(2,\)"):
        flatten_value(np.zeros(2), spaces.Box(-1, 1, (3,)))
    for value in (-3, 1):
        with pytest.raises(ValueError, match=rf"must lie in \[-2\] to \[0\], got {value}"):
            flatten_value(value, spaces.Discrete(3, start=-2), "onehot")
    with pytest.raises(ValueError, match=r"must hold 1 integers, got array\(0.5\)"):
        flatten_value(0.5, spaces.Discrete(3), "onehot")


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"`encoding` must be one of .*'one-hot'"):
        flatten_space(spaces.Discrete(2), "one-hot")
    with pytest.raises(TypeError, match="must be a Gymnasium space, got 5"):
        flatten_space(5)
