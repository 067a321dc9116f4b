"""Collected arrays: the same walk as the streams, and no fake transition in any autoreset mode."""

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import alberta_framework as af
from alberta_framework.environments import (
    GymnasiumStream,
    PredictionMode,
    TDStream,
    collect_trajectory,
    collect_trajectory_vec,
    collect_transitions,
)
from tests.environments.counting import Counting, Reusing, cycling, expected_end

MODES = list(AutoresetMode)
gymnasium.register("Counting-v0", Counting, disable_env_checker=True, order_enforce=False)


def value(features):
    return features @ np.arange(1.0, features.shape[-1] + 1)


@pytest.mark.parametrize("mode", PredictionMode)
@pytest.mark.parametrize("with_actions", [False, True])
@pytest.mark.parametrize("options", [{}, {"encoding": "onehot", "reset_seeding": "spawn"}], ids=str)
def test_a_trajectory_is_what_the_stream_yields(mode, with_actions, options):
    told = {"include_action_in_features": with_actions, "seed": 3, "gamma": 0.7} | options
    estimator = value if mode is PredictionMode.VALUE else None
    ours, theirs = Reusing(), Counting()
    observations, targets = collect_trajectory(
        ours, cycling(), 40, mode, value_estimator=estimator, **told
    )
    stream = GymnasiumStream(theirs, mode, cycling(), **told)
    stream.set_value_estimator(value)
    steps = [next(stream) for _ in range(40)]
    np.testing.assert_array_equal(observations, [step.observation for step in steps])
    np.testing.assert_array_equal(targets, [step.target for step in steps])
    assert ours.calls == theirs.calls
    assert isinstance(observations, jax.Array)
    assert observations.dtype == targets.dtype == np.float32


def test_no_policy_is_the_random_policy_of_the_seed():
    from alberta_framework.environments import make_random_policy

    first, _ = collect_trajectory(Counting(), None, 30, seed=4)
    again, _ = collect_trajectory(Counting(), make_random_policy(Counting(), 4), 30, seed=4)
    np.testing.assert_array_equal(first, again)
    assert len(set(np.asarray(first)[:, -1].tolist())) == 4


def test_no_steps_are_empty_arrays():
    env = Counting()
    observations, targets = collect_trajectory(env, None, 0, "next_state")
    assert (observations.shape, targets.shape, env.calls) == ((0, 4), (0, 3), [])
    found = collect_transitions(env, None, 0)
    assert (found.transitions.observation.shape, found.actions.shape) == ((0, 3), (0,))
    found = collect_trajectory_vec("Counting-v0", 2, None, 0)
    assert (found.observations.shape, found.targets.shape) == ((0, 2, 4), (0, 2, 1))


def test_value_targets_without_an_estimator_are_refused():
    for collect in (
        lambda **o: collect_trajectory(Counting(), None, 5, "value", **o)[1],
        lambda **o: collect_trajectory_vec("Counting-v0", 2, None, 5, "value", **o).targets,
    ):
        with pytest.raises(ValueError, match="VALUE needs a `value_estimator`, got None"):
            collect()
    _, rewards = collect_trajectory(Counting(), cycling(), 5, "reward")
    _, targets = collect_trajectory(Counting(), cycling(), 5, "value", gamma=0.0)
    np.testing.assert_array_equal(targets, rewards)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="`num_steps` must be an integer >= 0, got -1"):
        collect_trajectory(Counting(), None, -1)
    with pytest.raises(ValueError, match="`num_steps` must be an integer >= 0, got -1"):
        collect_transitions(Counting(), None, -1)
    with pytest.raises(ValueError, match="`num_envs` must be an integer >= 1, got 0"):
        collect_trajectory_vec("Counting-v0", 0, None, 5)
    with pytest.raises(ValueError, match=r"`mode` must be .* got 'rewards'"):
        collect_trajectory(Counting(), None, 5, "rewards")
    with pytest.raises(ValueError, match=r"`gamma` must lie in .* got 2"):
        collect_transitions(Counting(), None, 5, gamma=2)
    with pytest.raises(TypeError, match="`value_estimator` must be callable, got 3"):
        collect_trajectory(Counting(), None, 5, "value", value_estimator=3)


def test_transitions_are_those_of_the_stream():
    found = collect_transitions(Counting(), cycling(), 40, True, gamma=0.9)
    walked = TDStream(Counting(), cycling(), 0.9, True).td_transitions()
    steps = [next(walked) for _ in range(40)]
    for name in ("observation", "reward", "next_observation", "gamma"):
        ours = getattr(found.transitions, name)
        np.testing.assert_array_equal(ours, [getattr(step, name) for step in steps])
    np.testing.assert_array_equal(found.actions, found.transitions.observation[:, -1])
    assert found.actions.dtype == np.int32
    assert found.valid.all()


def ends_of(found):
    episodes = np.asarray(found.transitions.observation)[..., :2].astype(int)
    valid = np.asarray(found.valid)
    return {expected_end(e, t + 1) for e, t in episodes[valid]}


def assert_true_transitions(found, gamma, steps_taken):
    """Every valid row is a step that was taken, and every step that was taken is a valid row."""
    x, after = (
        np.asarray(getattr(found.transitions, n)) for n in ("observation", "next_observation")
    )
    valid = np.asarray(found.valid)
    rewards, gammas = np.asarray(found.transitions.reward), np.asarray(found.transitions.gamma)
    assert valid.sum() == steps_taken
    for row in np.ndindex(valid.shape):
        if not valid[row]:
            assert np.isnan(rewards[row])
            continue
        episode, time = x[row][:2]
        np.testing.assert_array_equal(after[row][:3], [episode, time + 1, found.actions[row]])
        assert rewards[row] == 100 * episode + time + 1
        end = expected_end(int(episode), int(time) + 1)
        assert (bool(found.terminated[row]), bool(found.truncated[row])) == end
        assert gammas[row] == np.float32(0.0 if end[0] else gamma)
    assert ends_of(found) == {(False, False), (True, False), (False, True), (True, True)}


def test_transitions_of_one_environment_are_true():
    env = Counting()
    found = collect_transitions(env, cycling(), 60, gamma=0.9)
    assert_true_transitions(found, 0.9, len([c for c, _ in env.calls if c == "step"]))


def in_turn(copies):
    single = cycling()
    return lambda observations: np.array([single(row) for row in observations])


@pytest.mark.parametrize("mode", MODES, ids=lambda m: m.name)
@pytest.mark.parametrize("with_actions", [False, True])
def test_transitions_of_copies_are_true_in_every_autoreset_mode(mode, with_actions):
    envs = [Counting() for _ in range(3)]
    envs[1].episode = 5  # so that the copies end at different times
    envs[2].episode = 2
    venv = SyncVectorEnv([lambda env=env: env for env in envs], autoreset_mode=mode)
    found = collect_transitions(venv, in_turn(3), 60, with_actions, gamma=0.9)
    taken = [len([c for c, _ in env.calls if c == "step"]) for env in envs]
    assert_true_transitions(found, 0.9, sum(taken))
    assert found.valid.all() == (mode is not AutoresetMode.NEXT_STEP)
    for i, env in enumerate(envs):
        rows = np.asarray(found.valid)[:, i]
        actions = [action for call, action in env.calls if call == "step"]
        np.testing.assert_array_equal(np.asarray(found.actions)[rows, i], actions)
        if with_actions:
            assert_sarsa(found, i)


def assert_sarsa(found, copy):
    """Where the episode goes on, the next features hold the action which is taken next."""
    x = np.asarray(found.transitions.observation)[:, copy]
    after = np.asarray(found.transitions.next_observation)[:, copy]
    ended = np.asarray(found.terminated | found.truncated)[:, copy]
    valid = np.asarray(found.valid)[:, copy]
    goes_on = (valid & ~ended)[:-1]
    np.testing.assert_array_equal(after[:-1][goes_on], x[1:][goes_on])
    assert goes_on.sum() > 20


@pytest.mark.slow
def test_copies_in_processes_give_the_same_trajectory():
    found = [
        collect_trajectory_vec(
            "CartPole-v1", 2, lambda x: (x[:, 2] > 0).astype(np.int64), 12, vectorization_mode=mode
        )
        for mode in ("sync", "async")
    ]
    for ours, theirs in zip(*map(jax.tree.leaves, found), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_dict_observations_of_copies_keep_their_last_one():
    class Nested(Counting):
        observation_space = gymnasium.spaces.Dict(
            {"odd": gymnasium.spaces.Discrete(2), "told": Counting.observation_space}
        )

        def reset(self, **options):
            return {"told": super().reset(**options)[0].copy(), "odd": self.episode % 2}, {}

        def step(self, action):
            told, *rest = super().step(action)
            return {"told": told.copy(), "odd": self.episode % 2}, *rest

    venv = SyncVectorEnv([Nested, Nested], autoreset_mode=AutoresetMode.SAME_STEP)
    found = collect_transitions(venv, in_turn(2), 30)
    x, after = found.transitions.observation, found.transitions.next_observation
    np.testing.assert_array_equal(after[..., :2], x[..., :2])
    np.testing.assert_array_equal(after[..., 2], x[..., 2] + 1)
    np.testing.assert_array_equal(x[..., 0], x[..., 1] % 2)


@pytest.mark.parametrize("mode", MODES, ids=lambda m: m.name)
@pytest.mark.parametrize("target", PredictionMode)
def test_trajectories_of_copies_are_true_in_every_autoreset_mode(mode, target):
    found = collect_trajectory_vec(
        "Counting-v0",
        2,
        in_turn(2),
        40,
        target,
        include_action_in_features=False,
        gamma=0.5,
        value_estimator=value,
        vector_kwargs={"autoreset_mode": mode},
    )
    assert found.valid.all() == (mode is not AutoresetMode.NEXT_STEP)
    x, y, valid = (np.asarray(a) for a in (found.observations, found.targets, found.valid))
    assert np.isnan(y[~valid]).all()
    for row in zip(*np.nonzero(valid), strict=True):
        episode, time, _ = x[row]
        reward = 100 * episode + time + 1
        if target is PredictionMode.REWARD:
            np.testing.assert_array_equal(y[row], [reward])
        elif target is PredictionMode.NEXT_STATE:
            np.testing.assert_array_equal(y[row][:2], [episode, time + 1])
        elif expected_end(int(episode), int(time) + 1)[0]:
            np.testing.assert_array_equal(y[row], [reward])
        else:
            # The last part of the next observation, the action, is 0 to 3.
            action = (y[row][0] - reward - 0.5 * (episode + 2 * (time + 1))) / 1.5
            assert action in (0.0, 1.0, 2.0, 3.0)


def test_copies_never_share_a_row_and_default_to_true_steps_only():
    found = collect_trajectory_vec("Counting-v0", 3, in_turn(3), 20)
    assert found.valid.all()
    assert found.observations.shape == (20, 3, 4)
    np.testing.assert_array_equal(found.observations[0, :, 3], [0, 1, 2])


@pytest.mark.parametrize("rule", ["increment", "first", "spawn"])
def test_copies_are_seeded_once_each(rule):
    envs = [Counting(length=2) for _ in range(3)]
    venv = SyncVectorEnv([lambda env=env: env for env in envs])
    collect_transitions(venv, in_turn(3), 9, seed=5, reset_seeding=rule)
    seeds = [[seed for call, seed in env.calls if call == "reset"] for env in envs]
    words = np.random.SeedSequence(5).generate_state(3).tolist()
    first = words if rule == "spawn" else [5, 6, 7]
    assert [found[0] for found in seeds] == first
    assert all(seed is None for found in seeds for seed in found[1:])
    assert all(len(found) > 1 for found in seeds)


def test_a_vector_entry_point_marks_its_resets():
    def fall(observations):
        return np.zeros(4, np.int64)

    found = collect_trajectory_vec(
        "CartPole-v1", 4, fall, 50, "next_state", vectorization_mode="vector_entry_point"
    )
    x, y, valid = (np.asarray(a) for a in (found.observations, found.targets, found.valid))
    fell = np.abs(y[..., 2]) > 12 * 2 * np.pi / 360
    np.testing.assert_array_equal(~valid[1:], fell[:-1])
    assert fell.any()
    # Position moves by 0.02 of the velocity in every true step.
    moved = (y[..., 0] - x[..., 0] - 0.02 * x[..., 1])[valid]
    np.testing.assert_allclose(moved, 0.0, atol=1e-6)


def test_an_environment_that_names_no_autoreset_mode_is_refused():
    venv = SyncVectorEnv([Counting])
    venv.metadata = {}
    with pytest.raises(ValueError, match=r"autoreset_mode.*must be one of .*SAME_STEP.*'None'"):
        collect_transitions(venv, None, 3)


def test_a_same_step_environment_without_a_last_observation_is_refused():
    class Forgetful(SyncVectorEnv):
        def step(self, actions):
            *step, info = super().step(actions)
            return *step, {key: info[key] for key in info if "final" not in key}

    venv = Forgetful([Counting], autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(ValueError, match=r'`info\["final_obs"\]` holds no last .* copies \[0\]'):
        collect_transitions(venv, in_turn(1), 5)


def test_transitions_feed_the_td_loop():
    """Every array of a collection goes into the loop over transitions as it is."""
    found = collect_transitions(Counting(), cycling(), 50, gamma=0.9)
    steps = found.transitions
    stream = af.TDArrayStream(steps.observation, steps.reward, steps.next_observation, steps.gamma)
    learner = af.TDLinearLearner(af.TDIDBD(1e-4, meta_step_size=0.0))
    state, metrics = af.run_td_learning_loop(learner, stream, 50, jax.random.key(0))
    by_hand = learner.init(3)
    for t in range(50):
        one = jax.tree.map(lambda a, t=t: a[t], steps)
        by_hand = learner.update(
            by_hand, one.observation, one.reward, one.next_observation, one.gamma
        ).state
    np.testing.assert_allclose(state.weights, by_hand.weights, rtol=1e-4, atol=1e-6)
    assert np.isfinite(metrics).all()


def test_transitions_feed_sarsa():
    found = collect_transitions(Counting(), cycling(), 50)
    horde = af.SARSAAgent(af.SARSAConfig(n_actions=4), hidden_sizes=())
    state = horde.init(3, jax.random.key(0))
    steps = found.transitions
    result = af.run_sarsa_from_arrays(
        horde,
        state,
        steps.observation,
        steps.reward,
        found.terminated,
        steps.next_observation,
        actions=found.actions,
        truncated=found.truncated,
    )
    goes_on = ~np.asarray(found.terminated | found.truncated)[:-1]
    np.testing.assert_array_equal(result.actions[:-1][goes_on], found.actions[1:][goes_on])
    assert np.isfinite(result.td_errors).all()


def test_box_actions_come_flat():
    class Steered(Counting):
        action_space = gymnasium.spaces.Box(-1, 1, (2, 1))

        def step(self, action):
            return super().step(float(np.sum(action)))

    push = np.array([[0.25], [0.5]], np.float32)
    found = collect_transitions(Steered(), lambda x: push, 4)
    np.testing.assert_array_equal(found.actions, [[0.25, 0.5]] * 4)


def test_discrete_actions_come_as_they_were_taken():
    class Shifted(Counting):
        action_space = gymnasium.spaces.Discrete(3, start=-1)

    for encoding in ("index", "onehot"):
        found = collect_transitions(Shifted(), lambda x: 1, 4, encoding=encoding)
        np.testing.assert_array_equal(found.actions, np.ones(4, np.int32), strict=True)
