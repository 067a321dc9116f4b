"""Environments that raise or misbehave: named in a line, and nothing that is done is lost."""

import gymnasium
import jax
import jax.random as jr
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

import alberta_framework as af
from tests.control import agents
from tests.control.rooms import ACTIONS, SIZE, Room
from tests.control.test_episodes import comparable
from tests.trees import assert_same_bits


class Gone(Exception):
    """An environment's own error."""


class Odd(Room):
    """A room in which `wrong(result)` takes the place of what call `at` of `method` returned."""

    def __init__(self, method="step", at=3, wrong=None, **arguments):
        super().__init__(**arguments)
        self.method, self.turn, self.wrong, self.calls = method, at, wrong, 0

    def _called(self, method, found):
        self.calls += method == self.method
        if method != self.method or self.calls != self.turn:
            return found
        if self.wrong is None:
            raise Gone("the simulator\nwent away")
        return self.wrong(found)

    def reset(self, **options):
        return self._called("reset", super().reset(**options))

    def step(self, action):
        return self._called("step", super().step(action))


gymnasium.register("Odd-v0", Odd, disable_env_checker=True, order_enforce=False)


def agent():
    return agents.linear(ACTIONS, lamda=0.8, epsilon=0.5, step_size=0.01)


def begun():
    return agent().init(SIZE, jr.key(0))


def compared(env):
    """The room's arguments as those of a comparison."""
    given = {"method": env.method, "at": env.turn, "wrong": env.wrong, "length": env.length}
    return af.run_control_comparison(
        af.ControlComparison("odd", {"id": "Odd-v0", **given}, {"a": agent()}, episodes=9, seeds=1)
    )


LOOPS = {
    "episode": lambda env: af.run_sarsa_episode(agent(), begun(), env),
    "continuing": lambda env: af.run_sarsa_continuing(agent(), begun(), env, 20),
    "comparison": compared,
    "trajectory": lambda env: af.collect_trajectory(env, None, 20),
    "transitions": lambda env: af.collect_transitions(env, None, 20),
    "stream": lambda env: [next(stream) for stream in [af.GymnasiumStream(env)] * 20],
    "td stream": lambda env: [next(s) for s in [af.TDStream(env).td_transitions()] * 20],
}
OWNERS = {
    "episode": "run_sarsa_episode",
    "continuing": "run_sarsa_continuing",
    "comparison": "environment",
    "trajectory": "collect_trajectory",
    "transitions": "collect_transitions",
    "stream": "GymnasiumStream",
    "td stream": "TDStream",
}


def exchanged(place, value):
    return lambda found: (*found[:place], value, *found[place + 1 :])


WRONG = {
    "no reward": ("step", exchanged(1, None), "`reward` .*a number, got None"),
    "a word as reward": ("step", exchanged(1, "1.0"), "`reward` .*a number, got '1.0'"),
    "two rewards": ("step", exchanged(1, np.zeros(2)), "`reward` .*a number, got array"),
    "a complex reward": ("step", exchanged(1, 1j), "`reward` .*a number, got 1j"),
    "no end": ("step", exchanged(2, None), "`terminated` .*got None"),
    "half an end": ("step", exchanged(2, 0.5), "`terminated` must be true or false, got 0.5"),
    "a cut that is a dictionary": ("step", exchanged(3, {}), "`truncated` .*got {}"),
    "old Gym": (
        "step",
        lambda found: (*found[:2], found[2], {}),
        r"`step` must return \(observation, reward, terminated, truncated, info\), got a tuple of "
        "4 .old Gym",
    ),
    "an observation alone": ("step", lambda found: found[0], r"`step` must return .*got array"),
    "nothing": ("step", lambda found: None, "`step` must return .*got None"),
    "a reset without info": (
        "reset",
        lambda found: found[0],
        r"`reset` must return \(observation, info\), got array",
    ),
    "a reset with a reward": (
        "reset",
        lambda found: (found[0], 0.0),
        r"`reset` must return \(observation, info\), got a tuple of 2",
    ),
    "a reset of three": ("reset", lambda found: (*found, {}), "`reset` .* got a tuple of 3"),
    "too few numbers": (
        "step",
        exchanged(0, np.zeros(5)),
        r"observation space: .*must hold 6 numbers, got shape \(5,\) in place of \(6,\)",
    ),
    "another shape": (
        "step",
        exchanged(0, np.zeros((1, 6))),
        r"observation space: .*got shape \(1, 6\) in place of \(6,\)",
    ),
    "a first one of another shape": (
        "reset",
        exchanged(0, np.zeros((6, 1))),
        r"observation space: .*got shape \(6, 1\) .*`reset`",
    ),
    "words": ("step", exchanged(0, ["a"] * 6), "observation space: .*must hold real numbers"),
    "no observation": ("step", exchanged(0, None), "observation space: .*real numbers, got None"),
    "ragged rows": ("step", exchanged(0, [[1.0], [2.0, 3.0]]), "must hold real numbers"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("loop", LOOPS)
def test_what_no_environment_may_return_is_named(loop, kind):
    method, wrong, message = WRONG[kind]
    env = Odd(method, 2 if method == "step" else 1, wrong)
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        LOOPS[loop](env)
    told = str(caught.value)
    assert isinstance(caught.value, af.EnvironmentFailure)
    assert told.startswith(f"{OWNERS[loop]}: ") and "Odd" in told and "\n" not in told


PLACES = {
    "discrete": [(0.0, "integers"), (6, "must lie in"), (-1, "must lie in"), ([1, 2], "1 numbers")],
    "discrete, start -7": [(-8, r"must lie in \[-7\] to \[-2\]"), (0, "must lie in")],
    "multi-discrete": [([2, 0], "must lie in"), ([0.5, 0.5], "integers"), ([1], "2 numbers")],
    "dict": [
        ({"a": 2}, "must have the parts"),
        ([1, 2], "must have the parts"),
        ({"a": 6, "b": np.zeros(2)}, r"\['a'\].*must lie in \[2\] to \[5\]"),
        ({"a": 2, "b": np.zeros(3)}, r"\['b'\].*must hold 2 numbers"),
    ],
    "tuple": [((0,), "must have the parts"), ((5, [0, 0, 0]), r"\[0\].*must lie in")],
}


@pytest.mark.parametrize("observed", PLACES)
@pytest.mark.parametrize("loop", ["continuing", "transitions"])
def test_an_observation_outside_its_space_is_named(loop, observed):
    for value, message in PLACES[observed]:
        env = Odd("step", 2, exchanged(0, value), observed=observed)
        with pytest.raises(af.EnvironmentFailure, match=rf"<Odd.*observation space.*{message}"):
            LOOPS[loop](env)


ONE = [1.0, 1, True, np.float32(1), np.int64(1), np.bool_(True), np.ones(1), np.ones((1, 1))]
ONE += [np.array(1.0), np.float16(1), jax.numpy.ones(1)]


@pytest.mark.parametrize("reward", ONE, ids=repr)
def test_a_reward_is_a_number_in_whatever_dress(reward):
    def healthy(wrong):
        return Odd("step", 3, wrong)

    plain = af.run_sarsa_continuing(agent(), begun(), healthy(exchanged(1, 1.0)), 6)
    found = af.run_sarsa_continuing(agent(), begun(), healthy(exchanged(1, reward)), 6)
    assert found.rewards == plain.rewards and set(map(type, found.rewards)) == {float}
    assert_same_bits(comparable(found.state), comparable(plain.state))
    kept = af.collect_transitions(healthy(exchanged(1, reward)), None, 6).transitions.reward
    np.testing.assert_array_equal(kept, np.float32(plain.rewards))


@pytest.mark.parametrize("flag", [True, 1, 1.0, np.bool_(True), np.ones(1, bool)], ids=repr)
def test_an_end_is_a_truth_value_in_whatever_dress(flag):
    env = Odd("step", 3, exchanged(2, flag))
    result = af.run_sarsa_episode(agent(), begun(), env)
    assert result.num_steps == 3


@pytest.mark.parametrize("reward", [np.nan, np.inf, -1e300], ids=str)
def test_a_reward_that_is_no_float32_is_a_rejected_step_in_every_loop(reward):
    def env():
        return Odd("step", 3, exchanged(1, reward))

    result = af.run_sarsa_episode(agent(), begun(), env())
    assert (result.num_steps, result.state.rejected_count) == (8, 1)
    np.testing.assert_array_equal(result.rewards[2], reward)
    result = af.run_sarsa_continuing(agent(), begun(), env(), 8)
    assert (len(result.rewards), result.state.rejected_count) == (8, 1)
    assert compared(env()).agents["a"].rejected.tolist() == [[1]]
    assert not np.isfinite(af.collect_trajectory(env(), None, 3)[1][2, 0])
    steps = af.collect_transitions(env(), None, 8).transitions
    stream = af.TDArrayStream(steps.observation, steps.reward, steps.next_observation, steps.gamma)
    state, _ = af.run_td_learning_loop(af.TDLinearLearner(), stream, 8, jr.key(0))
    assert (state.step_count, state.rejected_count) == (7, 1)


def test_an_observation_out_of_range_is_a_rejected_step():
    def env():
        return Odd("step", 3, exchanged(0, np.full((2, 3), 1e300)), observed="float64 matrix")

    # What leads there and what starts there.
    result = af.run_sarsa_continuing(agent(), begun(), env(), 8)
    assert result.state.rejected_count == 1 and result.state.step_count == 6
    found = af.collect_transitions(env(), None, 8).transitions
    assert np.isinf(found.next_observation[2]).all() and np.isinf(found.observation[3]).all()


# Calls: reset, eight steps, reset, eight steps ... ; the terminal step is learned before a reset.
TURNS = [("reset", 1, 0), ("step", 1, 0), ("step", 4, 3), ("reset", 2, 8), ("step", 12, 11)]


@pytest.mark.parametrize("method, turn, whole", TURNS)
def test_the_state_is_handed_back(method, turn, whole):
    message = rf"<Odd.*`{method}` raised Gone: the simulator went away"
    with pytest.raises(af.EnvironmentFailure, match=message) as caught:
        af.run_sarsa_continuing(agent(), begun(), Odd(method, turn), 20)
    assert isinstance(caught.value.__cause__, Gone)
    result = caught.value.result
    assert type(result) is af.SARSAContinuingResult
    assert result.state.step_count == len(result.rewards) == len(result.td_errors) == whole
    assert result.total_reward == sum(result.rewards)
    if method == "step" and whole:
        healthy = af.run_sarsa_continuing(agent(), begun(), Room(), whole)
        assert result.rewards == healthy.rewards
        assert_same_bits(comparable(result.state), comparable(healthy.state))
        assert result.state.uptime_s > 0
    # It goes on where it was.
    after = af.run_sarsa_continuing(agent(), result.state, Room(), 3)
    assert after.state.step_count == whole + 3


@pytest.mark.parametrize("method, turn, whole", TURNS)
def test_any_agent_hands_back_every_step_it_learned(method, turn, whole):
    with pytest.raises(af.EnvironmentFailure, match="interact_gymnasium: <Odd") as caught:
        af.interact_gymnasium(agent(), Odd(method, turn), 20, state=begun(), seed=0)
    result = caught.value.result
    assert result.state.step_count == len(result.metrics["reward"]) == whole
    assert result.episodes.count == whole // 8


def test_what_terminated_is_learned_though_nothing_follows():
    with pytest.raises(af.EnvironmentFailure) as caught:
        af.run_sarsa_continuing(agent(), begun(), Odd("reset", 2), 20)
    episode = af.run_sarsa_episode(agent(), begun(), Room())
    np.testing.assert_array_equal(
        agents.table(caught.value.result.state), agents.table(episode.state)
    )


@pytest.mark.parametrize("turn", [1, 4])
def test_an_episode_hands_its_state_back(turn):
    with pytest.raises(af.EnvironmentFailure, match="run_sarsa_episode: <Odd") as caught:
        af.run_sarsa_episode(agent(), begun(), Odd("step", turn))
    result = caught.value.result
    assert type(result) is af.SARSAEpisodeResult
    assert result.num_steps == len(result.rewards) == result.state.step_count == turn - 1
    if turn > 1:
        healthy = af.run_sarsa_continuing(agent(), begun(), Room(), turn - 1)
        assert_same_bits(comparable(result.state), comparable(healthy.state))


def test_what_misbehaves_hands_its_state_back_too():
    with pytest.raises(TypeError) as caught:
        af.run_sarsa_continuing(agent(), begun(), Odd("step", 5, exchanged(1, None)), 20)
    assert caught.value.result.state.step_count == 4


COLLECTED = {
    "trajectory": lambda env, n: af.collect_trajectory(env, None, n),
    "transitions": lambda env, n: af.collect_transitions(env, None, n),
}


@pytest.mark.parametrize("collect", COLLECTED)
@pytest.mark.parametrize("method, turn, whole", TURNS)
def test_what_was_collected_is_handed_back(collect, method, turn, whole):
    with pytest.raises(af.EnvironmentFailure) as caught:
        COLLECTED[collect](Odd(method, turn), 20)
    expected = COLLECTED[collect](Room(), whole)
    for ours, theirs in zip(*map(jax.tree.leaves, (caught.value.result, expected)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_copies_gave_is_handed_back():
    venv = SyncVectorEnv([Room, lambda: Odd("step", 6)])
    with pytest.raises(af.EnvironmentFailure, match=r"SyncVectorEnv.*raised Gone") as caught:
        af.collect_transitions(venv, None, 20)
    assert caught.value.result.transitions.observation.shape == (5, 2, 6)
    with pytest.raises(af.EnvironmentFailure) as caught:
        af.collect_trajectory_vec("Odd-v0", 2, None, 20, at=4)
    assert caught.value.result.observations.shape == (3, 2, 7)


def test_an_end_of_the_data_is_no_end_of_the_stream():
    """A StopIteration of the environment would end a loop over the stream in silence."""

    class Ended(Room):
        def step(self, action):
            raise StopIteration

    with pytest.raises(af.EnvironmentFailure, match="`step` raised StopIteration"):
        list(af.GymnasiumStream(Ended()))


def test_ctrl_c_is_no_failure():
    class Interrupted(Room):
        def step(self, action):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        af.run_sarsa_episode(agent(), begun(), Interrupted())


class Copies(SyncVectorEnv):
    def __init__(self, wrong):
        super().__init__([Room, Room])
        self.wrong = wrong

    def step(self, actions):
        return self.wrong(super().step(actions))


VECTOR_WRONG = {
    "rewards of one copy": (exchanged(1, np.zeros(1)), "`reward` .* 2 numbers"),
    "no rewards": (exchanged(1, None), "`reward` .* 2 numbers, got None"),
    "one flag": (exchanged(2, False), "`terminated`"),
    "one observation": (exchanged(0, np.zeros(6)), r"got shape \(6,\) in place of \(2, 6\)"),
    "four parts": (lambda found: found[:4], "got a tuple of 4"),
}


@pytest.mark.parametrize("kind", VECTOR_WRONG)
def test_copies_that_misbehave_are_named(kind):
    wrong, message = VECTOR_WRONG[kind]
    with pytest.raises(af.EnvironmentFailure, match=message):
        af.collect_transitions(Copies(wrong), None, 5)


def test_a_comparison_hands_back_the_finished_episodes():
    with pytest.raises(af.EnvironmentFailure, match=r"Odd.*`step` raised Gone") as caught:
        compared(Odd("step", 20))
    result = caught.value.result
    assert result.agents["a"].episodes == 2 and not result.complete
    whole = af.run_control_comparison(
        af.ControlComparison("odd", {"id": "Room-v0"}, {"a": agent()}, episodes=2, seeds=1)
    )
    np.testing.assert_array_equal(result.agents["a"].returns, whole.agents["a"].returns)
    with pytest.raises(af.EnvironmentFailure) as caught:
        compared(Odd("step", 3))
    assert caught.value.result is None


def test_a_run_that_failed_does_not_go_on():
    environment = {"id": "Odd-v0", "at": 20}
    run = af.ControlRun(
        af.ControlComparison("odd", environment, {"a": agent()}, episodes=9, seeds=1)
    )
    for _ in range(2):
        with pytest.raises(af.EnvironmentFailure, match="Gone"):
            run.advance()
    assert run.episodes_done == 2 and run.result().agents["a"].episodes == 2
    run.close()


def test_every_environment_is_closed_though_one_cannot_be():
    closed = []

    class Stuck(Room):
        def close(self):
            closed.append(self)
            if len(closed) == 3:  # the first was that of the check
                raise Gone("stuck")

    gymnasium.register("Stuck-v0", Stuck, disable_env_checker=True)
    stuck = af.ControlComparison("stuck", {"id": "Stuck-v0"}, {"a": agent()}, episodes=50, seeds=4)
    run = af.ControlRun(stuck)
    run.advance()
    with pytest.raises(af.EnvironmentFailure, match="`close` raised Gone: stuck"):
        run.close()
    assert len(closed) == 5


def test_flat_values_are_refused_by_shape():
    """As many numbers in another order are other numbers."""
    matrix = spaces.Box(-1, 1, (2, 3))
    with pytest.raises(ValueError, match=r"got shape \(3, 2\) in place of \(2, 3\)"):
        af.flatten_value(np.zeros((3, 2)), matrix)
    for value in (0.5, 3, -1):
        with pytest.raises(ValueError, match=r"integers|must lie in"):
            af.flatten_value(value, spaces.Discrete(3))
