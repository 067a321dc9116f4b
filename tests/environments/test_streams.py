"""Streams of one environment: what is yielded, and when the environment is reset and asked."""

import itertools
import subprocess
import sys

import gymnasium
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.environments import (
    GymnasiumStream,
    PredictionMode,
    TDStream,
    make_gymnasium_stream,
)
from tests.environments.counting import Counting, Reusing, cycling, expected_end

STEPS = 60


def resets(env):
    return [seed for call, seed in env.calls if call == "reset"]


def actions(env):
    return [action for call, action in env.calls if call == "step"]


@pytest.mark.parametrize("make", [Counting, Reusing])
@pytest.mark.parametrize("mode", ["reward", PredictionMode.NEXT_STATE])
def test_every_example_is_a_true_transition(mode, make):
    env = make()
    stream = GymnasiumStream(env, mode, cycling())
    assert (stream.feature_dim, stream.target_dim) == (4, 1 if mode == "reward" else 3)
    episode, time, ended = 0, 0, True
    for t in range(STEPS):
        if ended:
            episode, time = episode + 1, 0
        step = next(stream)
        before = -1 if time == 0 else (t - 1) % 4
        np.testing.assert_array_equal(step.observation, [episode, time, before, t % 4])
        time += 1
        told = [100 * episode + time] if mode == "reward" else [episode, time, t % 4]
        np.testing.assert_array_equal(step.target, told)
        assert step.observation.dtype == step.target.dtype == np.float32
        end = expected_end(episode, time)
        assert (stream.last_terminated, stream.last_truncated) == end
        ended = any(end)
        assert stream.step_count == t + 1
        assert stream.episode_count == episode - (not ended)
        assert actions(env) == [i % 4 for i in range(t + 1)]


def value(features):
    return 1000.0 + features @ np.arange(1.0, features.size + 1)


@pytest.mark.parametrize("make", [GymnasiumStream, TDStream])
@pytest.mark.parametrize("with_actions", [False, True])
def test_value_targets_bootstrap_from_the_last_observation_unless_terminated(make, with_actions):
    env, policy = Counting(), cycling()
    options = {"policy": policy, "gamma": 0.5, "include_action_in_features": with_actions}
    if make is TDStream:
        stream = TDStream(env, **options)
        stream.update_value_function(value)
    else:
        stream = GymnasiumStream(env, "value", **options)
        stream.set_value_estimator(value)
    ends = set()
    for _ in range(STEPS):
        step = next(stream)
        episode, time = step.observation[0], step.observation[1] + 1
        taken = actions(env)[-1]
        end = expected_end(int(episode), int(time))
        assert end == (stream.last_terminated, stream.last_truncated)
        ends.add(end)
        following = [episode, time, taken]
        if with_actions and not end[0]:
            # What the policy said there; it is the next action unless the episode ended.
            np.testing.assert_array_equal(policy.picked[-1], following)
            following.append((len(policy.picked) - 1) % 4)
        bootstrap = 0.0 if end[0] else 0.5 * value(np.array(following))
        np.testing.assert_array_equal(step.target, [100 * episode + time + bootstrap])
    assert ends == {(False, False), (True, False), (False, True), (True, True)}


def test_the_next_action_of_a_target_is_the_one_taken_next():
    env = Counting(length=1000)
    stream = TDStream(env, cycling(), 0.5, include_action_in_features=True)
    seen = []
    stream.update_value_function(lambda x: seen.append(float(x[-1])) or 0.0)
    for _ in range(9):
        next(stream)
    assert seen[:-1] == actions(env)[1:]
    assert actions(env) == [t % 4 for t in range(9)]


def test_an_action_picked_at_a_truncation_is_not_taken():
    env = Counting(end=("truncated",), length=1)
    stream = TDStream(env, cycling(), include_action_in_features=True)
    for _ in range(3):
        next(stream)
    assert actions(env) == [0, 2, 0]


def test_the_policy_is_asked_once_for_each_step_unless_a_target_needs_more():
    policy = cycling()
    stream = TDStream(Counting(), policy)
    for _ in range(STEPS):
        next(stream)
    assert len(policy.picked) == STEPS


def test_transitions_carry_the_discount_of_each_end():
    env = Counting()
    stream = TDStream(env, cycling(), gamma=0.9)
    transitions = stream.td_transitions()
    for _ in range(STEPS):
        step = next(transitions)
        episode, time = step.observation[:2]
        np.testing.assert_array_equal(step.next_observation[:2], [episode, time + 1])
        assert step.reward == 100 * episode + time + 1
        terminated, _ = expected_end(int(episode), int(time) + 1)
        assert step.gamma == np.float32(0.0 if terminated else 0.9)
    assert stream.step_count == STEPS


def test_transitions_with_actions_are_those_of_sarsa():
    env = Counting()
    transitions = TDStream(env, cycling(), include_action_in_features=True).td_transitions()
    steps = [next(transitions) for _ in range(STEPS)]
    assert [float(step.observation[-1]) for step in steps] == actions(env)
    for step, after in itertools.pairwise(steps):
        if step.gamma == 0.0:
            assert step.next_observation[-1] == 0.0
        elif after.observation[1] > 0:
            np.testing.assert_array_equal(step.next_observation, after.observation)


def test_a_td_learner_learns_from_the_transitions_of_a_stream():
    """One-step episodes that terminate with reward 101, 201: the value is their mean."""
    env = Counting(end=("terminated",), length=1)
    learner = af.TDLinearLearner(af.TDIDBD(0.1, meta_step_size=0.0))
    state = learner.init(1)
    transitions = TDStream(env, lambda x: 0).td_transitions()
    for _ in range(3):
        step = next(transitions)
        ones = np.ones(1, np.float32)
        state = learner.update(state, ones, step.reward, ones, step.gamma).state
    # Weight and bias move together by 0.1 of the error.
    v = 0.0
    for reward in (101.0, 201.0, 301.0):
        v += 0.2 * (reward - v)
    np.testing.assert_allclose(learner.predict(state, np.ones(1, np.float32)), [v], rtol=1e-5)


def test_resets_wait_for_the_next_step():
    env = Counting(length=1)
    stream = GymnasiumStream(env, policy=lambda x: 0)
    assert env.calls == []
    next(stream)
    assert [call for call, _ in env.calls] == ["reset", "step"]
    next(stream)
    assert [call for call, _ in env.calls] == ["reset", "step"] * 2


def test_resets_are_seeded_as_asked():
    def seeds(n=100, seed=7, **options):
        env = Counting(length=1)
        stream = GymnasiumStream(env, policy=lambda x: 0, seed=seed, **options)
        for _ in range(n):
            next(stream)
        return resets(env)

    assert seeds() == list(range(7, 107))
    assert seeds(reset_seeding="increment") == seeds()
    assert seeds(reset_seeding="first") == [7] + [None] * 99
    spawned = seeds(reset_seeding="spawn")
    assert spawned == np.random.SeedSequence(7).generate_state(100).tolist()
    assert not set(spawned) & set(seeds(seed=8, reset_seeding="spawn"))
    assert all(type(seed) is int for seed in spawned)


def test_iterating_twice_goes_on():
    stream = GymnasiumStream(Counting(length=1000), policy=lambda x: 0)
    assert iter(stream) is stream
    for expected in ([0, 1, 2], [3, 4, 5]):
        found = [float(step.observation[1]) for step in itertools.islice(stream, 3)]
        assert found == expected


def test_without_an_estimator_the_value_is_zero():
    step = next(TDStream(Counting(length=1000), lambda x: 0))
    np.testing.assert_array_equal(step.target, [101])


@pytest.mark.parametrize("returned", [2.0, np.float32(2), np.array(2.0), np.array([[2.0]])])
def test_an_estimator_returns_one_number(returned):
    stream = TDStream(Counting(length=1000), lambda x: 0, gamma=0.5)
    stream.update_value_function(lambda x: returned)
    np.testing.assert_array_equal(next(stream).target, [102])


@pytest.mark.parametrize("make", [GymnasiumStream, TDStream])
def test_an_estimator_of_more_numbers_is_refused(make):
    stream = TDStream(Counting(), lambda x: 0)
    stream.update_value_function(lambda x: np.zeros(2))
    with pytest.raises(ValueError, match=r"must return one number, got shape \(2,\)"):
        next(stream)


def test_a_policy_that_writes_into_its_observation_changes_nothing():
    def policy(observation):
        observation[:] = -99
        return 1

    stream = GymnasiumStream(Counting(length=1000), "next_state", policy)
    np.testing.assert_array_equal(next(stream).observation, [1, 0, -1, 1])
    np.testing.assert_array_equal(next(stream).observation, [1, 1, 1, 1])


def test_closing_closes_the_environment():
    env = Counting()
    with GymnasiumStream(env, policy=lambda x: 0) as stream:
        next(stream)
        assert not env.closed
    assert env.closed


def test_one_hot_actions_are_features():
    stream = GymnasiumStream(Counting(), policy=lambda x: 2, encoding="onehot")
    assert stream.feature_dim == 7
    np.testing.assert_array_equal(next(stream).observation, [1, 0, -1, 0, 0, 1, 0])


def test_a_stream_is_made_of_an_id():
    stream = make_gymnasium_stream("CartPole-v1", "value", max_episode_steps=3)
    assert stream.mode is PredictionMode.VALUE
    for _ in range(3):
        next(stream)
    assert (stream.last_truncated, stream.episode_count) == (True, 1)
    with pytest.raises(gymnasium.error.NameNotFound):
        make_gymnasium_stream("NoSuchGame-v0")


def test_errors_name_the_argument():
    env = Counting()
    with pytest.raises(ValueError, match=r"`mode` must be a PredictionMode or one of .*'rewards'"):
        GymnasiumStream(env, "rewards")
    with pytest.raises(ValueError, match="`mode`"):
        make_gymnasium_stream("NoSuchGame-v0", "rewards")
    for make in (GymnasiumStream, TDStream):
        with pytest.raises(ValueError, match=r"`gamma` must lie in \[0, 1\], got 1.5"):
            make(env, gamma=1.5)
        with pytest.raises(ValueError, match=r"`gamma`.* got nan"):
            make(env, gamma=float("nan"))
        with pytest.raises(TypeError, match="`gamma` must be a number"):
            make(env, gamma="0.9")
        with pytest.raises(ValueError, match="`seed` must be an integer >= 0, got -1"):
            make(env, seed=-1)
        with pytest.raises(ValueError, match=r"`reset_seeding` must be one of .*'never'"):
            make(env, reset_seeding="never")
        with pytest.raises(ValueError, match=r"`encoding` must be one of .*'hot'"):
            make(env, encoding="hot")
        with pytest.raises(TypeError, match="`policy` must be callable or None, got 3"):
            make(env, policy=3)
    with pytest.raises(TypeError, match=r"`value_estimator` must be callable, got 1.0"):
        GymnasiumStream(env).set_value_estimator(1.0)
    with pytest.raises(TypeError, match=r"`value_function` must be callable, got 1.0"):
        TDStream(env).update_value_function(1.0)
    with pytest.raises(TypeError, match="must be a single environment"):
        GymnasiumStream(gymnasium.vector.SyncVectorEnv([Counting]))


def test_a_missing_gymnasium_names_the_extra():
    code = """
import sys
sys.modules["gymnasium"] = None
from alberta_framework.environments import PredictionMode, make_gymnasium_stream
try:
    make_gymnasium_stream("CartPole-v1")
except ImportError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "alberta_framework[gymnasium]" in told.stdout
