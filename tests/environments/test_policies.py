"""Random and epsilon-greedy policies against the action spaces."""

import collections
import types

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from scipy import stats

from alberta_framework.environments import make_epsilon_greedy_policy, make_random_policy
from tests.environments.counting import Counting

SPACES = [
    spaces.Discrete(3, start=-2),
    spaces.Box(np.float32([-1, 2]), np.float32([0, 5])),
    spaces.Box(-3, 3, (2, 2), np.int8),
    spaces.Box(-np.inf, np.inf, (2,)),
    spaces.Box(np.array([-np.inf, 0.0, 1.0]), np.array([0.0, np.inf, 2.0]), dtype=np.float64),
    spaces.MultiDiscrete([3, 4], start=[1, 0]),
    spaces.MultiBinary(4),
    spaces.Dict(a=spaces.Discrete(3, start=5), b=spaces.Box(-np.inf, 0, (2,))),
    spaces.Tuple((spaces.Discrete(2), spaces.MultiBinary(2))),
]


def environment(space):
    env = Counting()
    env.action_space = space
    return env


def draws(space, n, seed=0):
    policy = make_random_policy(environment(space), seed)
    return [policy(None) for _ in range(n)]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_random_actions_belong_to_the_space_and_repeat_with_the_seed(space):
    found = draws(space, 50)
    assert all(space.contains(action) for action in found)
    assert repr(found) == repr(draws(space, 50))
    assert repr(found) != repr(draws(space, 50, seed=1))


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_the_environment_s_own_space_is_left_alone(space):
    space.seed(3)
    expected = [space.sample() for _ in range(3)]
    space.seed(3)
    draws(space, 20)
    assert repr([space.sample() for _ in range(3)]) == repr(expected)


@pytest.mark.parametrize("space", [spaces.Discrete(5, start=-2), spaces.Box(-2, 2, (), np.int16)])
def test_every_whole_number_is_drawn_equally_often(space):
    counts = collections.Counter(int(action) for action in draws(space, 5000))
    assert sorted(counts) == [-2, -1, 0, 1, 2]
    assert stats.chisquare(list(counts.values())).pvalue > 0.001


def test_bounded_boxes_are_drawn_uniformly():
    box = spaces.Box(np.float32([-1, 2]), np.float32([0, 5]))
    found = np.array(draws(box, 2000))
    assert found.dtype == np.float32
    for column, (low, width) in zip(found.T, [(-1, 1), (2, 3)], strict=True):
        assert stats.kstest(column, "uniform", (low, width)).pvalue > 0.001


def test_the_widest_box_is_drawn_over_all_its_width():
    largest = np.finfo(np.float64).max
    found = np.array(draws(spaces.Box(-largest, largest, (2,), np.float64), 500)) / largest
    assert stats.kstest(found.ravel(), "uniform", (-1, 2)).pvalue > 0.001


def test_unbounded_boxes_are_drawn_as_their_own_sample_is():
    box = spaces.Box(np.array([-np.inf, 3.0]), np.array([np.inf, np.inf]), dtype=np.float64)
    normal, shifted = np.array(draws(box, 2000)).T
    assert stats.kstest(normal, "norm").pvalue > 0.001
    assert stats.kstest(shifted - 3.0, "expon").pvalue > 0.001


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_vector_environment_gets_one_action_for_each_copy(space):
    venv = gymnasium.vector.SyncVectorEnv([lambda: environment(space)] * 3)
    policy = make_random_policy(venv, 0)
    batches = [policy(None) for _ in range(5)]
    singles = [single for batch in batches for single in _rows(venv.action_space, batch)]
    assert len(singles) == 15
    assert all(space.contains(single) for single in singles)
    assert len({repr(single) for single in singles}) >= 3


def _rows(space, batch):
    return [
        int(a) if isinstance(a, np.integer) else a
        for a in gymnasium.vector.utils.iterate(space, batch)
    ]


def test_epsilon_is_the_rate_of_exploration():
    env = environment(spaces.Discrete(10))
    policy = make_epsilon_greedy_policy(lambda x: -7, env, 0.3, seed=1)
    found = [policy(np.zeros(1)) for _ in range(5000)]
    explored = [action for action in found if action != -7]
    assert stats.binomtest(len(explored), 5000, 0.3).pvalue > 0.001
    assert stats.chisquare(np.bincount(explored, minlength=10)).pvalue > 0.001


def test_epsilon_at_its_ends():
    env = environment(spaces.Discrete(10))
    assert {make_epsilon_greedy_policy(lambda x: -7, env, 0)(None) for _ in range(50)} == {-7}
    always = make_epsilon_greedy_policy(lambda x: -7, env, 1.0)
    assert -7 not in {always(None) for _ in range(200)}


def test_coin_and_actions_have_generators_of_their_own():
    """More exploration only adds random actions; those drawn come in the same order."""
    env = environment(spaces.Discrete(1000))
    often, always = (make_epsilon_greedy_policy(lambda x: -7, env, e, 5) for e in (0.5, 1.0))
    found = [action for action in (often(None) for _ in range(100)) if action != -7]
    assert found == [always(None) for _ in found]


def test_epsilon_may_follow_the_number_of_calls():
    env = environment(spaces.Discrete(10))
    seen = []
    policy = make_epsilon_greedy_policy(
        lambda x: -7, env, lambda step: seen.append(step) or float(step >= 3)
    )
    found = [policy(None) for _ in range(6)]
    assert seen == [0, 1, 2, 3, 4, 5]
    assert [action == -7 for action in found] == [True] * 3 + [False] * 3


def test_every_copy_of_a_vector_environment_has_its_own_coin():
    venv = gymnasium.vector.SyncVectorEnv([Counting] * 200)
    policy = make_epsilon_greedy_policy(lambda x: np.full(200, -7), venv, 0.5)
    explored = int((policy(None) != -7).sum())
    assert stats.binomtest(explored, 200, 0.5).pvalue > 0.001


@pytest.mark.parametrize("epsilon", [-0.1, 1.5, float("nan")])
def test_an_epsilon_outside_its_range_is_refused(epsilon):
    with pytest.raises(ValueError, match=rf"`epsilon` must lie in \[0, 1\], got {epsilon}"):
        make_epsilon_greedy_policy(lambda x: 0, Counting(), epsilon)
    late = make_epsilon_greedy_policy(lambda x: 0, Counting(), lambda step: epsilon)
    with pytest.raises(ValueError, match="`epsilon`"):
        late(None)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="`seed` must be an integer >= 0, got -1"):
        make_random_policy(Counting(), -1)
    with pytest.raises(TypeError, match="`base_policy` must be callable, got 3"):
        make_epsilon_greedy_policy(3, Counting())
    with pytest.raises(TypeError, match="`epsilon` must be a number"):
        make_epsilon_greedy_policy(lambda x: 0, Counting(), "0.1")
    text = types.SimpleNamespace(action_space=spaces.Text(3))
    with pytest.raises(ValueError, match="action space: Text"):
        make_random_policy(text)
