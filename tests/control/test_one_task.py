"""One agent meets one task in every loop: the same features, and the actions of the space."""

import gymnasium
import jax.random as jr
import numpy as np
import pytest
from gymnasium import spaces

import alberta_framework as af
from tests.control import agents
from tests.control.rooms import ACTED, ACTIONS, OBSERVED, SIZE, Room

STEPS = 8


def agent():
    return agents.linear(ACTIONS, lamda=0.8, epsilon=0.5, step_size=0.01)


def begun():
    return agent().init(SIZE, jr.key(0))


def by_hand(env):
    """The loop of the guide."""
    learner, state = agent(), begun()
    x = af.flatten_value(env.reset()[0], env.observation_space, "onehot")
    action, state = learner.start(state, x)
    for _ in range(STEPS):
        own = af.space_action(action, env.action_space)
        observation, reward, terminated, truncated, _ = env.step(own)
        x = af.flatten_value(observation, env.observation_space, "onehot")
        result = learner.act_and_learn(state, reward, x, terminated, truncated)
        state, action = result.state, result.action
    return agents.table(state)


def episode(env):
    return agents.table(af.run_sarsa_episode(agent(), begun(), env).state)


def continuing(env):
    return agents.table(af.run_sarsa_continuing(agent(), begun(), env, STEPS).state)


def recorded(env):
    """The data tell nothing of actions here: the agent's own choices stand."""
    found = af.collect_transitions(env, None, STEPS, encoding="onehot")
    steps = found.transitions
    Room.given.clear()
    result = af.run_sarsa_from_arrays(
        agent(),
        begun(),
        steps.observation,
        steps.reward,
        found.terminated,
        steps.next_observation,
        truncated=found.truncated,
    )
    first, _ = agent().select_action(begun(), np.asarray(steps.observation[0]))
    taken = [first, *result.actions[:-1]]
    Room.given.extend(af.space_action(action, env.action_space) for action in taken)
    return agents.table(result.state)


HOST_LOOPS = {"episode": episode, "continuing": continuing, "recorded": recorded}
CASES = [
    (seen, acted)
    for i, seen in enumerate(OBSERVED)
    for acted in (list(ACTED) if seen in ("box", "discrete, start -7") else [list(ACTED)[i % 3]])
]


@pytest.mark.parametrize("seen, acted", CASES)
def test_every_loop_shows_the_same_and_does_the_same(seen, acted):
    Room.given.clear()
    expected = by_hand(Room(seen, acted))
    given = list(Room.given)
    assert len(given) == STEPS and len(set(given)) > 1 and np.any(expected)
    assert all(ACTED[acted].contains(action) for action in given)
    for name, loop in HOST_LOOPS.items():
        Room.given.clear()
        table = loop(Room(seen, acted))
        assert Room.given == given, name
        assert [type(a) for a in Room.given] == [type(a) for a in given]
        np.testing.assert_allclose(table, expected, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("seen, acted", CASES[::2])
def test_a_comparison_shows_the_same_and_does_the_same(seen, acted):
    Room.given.clear()
    by_hand(Room(seen, acted))
    given = list(Room.given)
    Room.given.clear()
    small = af.ControlComparison(
        name="rooms",
        environment={"id": "Room-v0", "observed": seen, "acted": acted},
        agents={"a": agent()},
        episodes=1,
        seeds=1,
    )
    result = af.run_control_comparison(small)
    assert Room.given == given and list(map(type, Room.given)) == list(map(type, given))
    np.testing.assert_allclose(result.agents["a"].returns, [[[np.sum(Room().rewards)]]])


@pytest.mark.parametrize("acted", ACTED)
def test_what_was_collected_is_numbered_as_agents_number(acted):
    """`actions` are the environment's own, `agent_actions` those of a loop over arrays."""
    space = ACTED[acted]
    found = af.collect_transitions(Room(acted=acted), None, 30, seed=2)
    np.testing.assert_array_equal(found.actions - int(space.start), found.agent_actions)
    assert found.actions.dtype == found.agent_actions.dtype == np.int32
    assert set(np.asarray(found.agent_actions).tolist()) == {0, 1, 2}
    steps = found.transitions
    columns = (steps.observation, steps.reward, found.terminated, steps.next_observation)
    result = af.run_sarsa_from_arrays(
        agent(), begun(), *columns, actions=found.agent_actions, truncated=found.truncated
    )
    goes_on = ~np.asarray(found.terminated | found.truncated)[:-1]
    following = np.asarray(found.agent_actions)[1:]
    np.testing.assert_array_equal(np.asarray(result.actions)[:-1][goes_on], following[goes_on])
    if space.start:
        with pytest.raises(ValueError, match="`agent_actions` of collect_transitions"):
            af.run_sarsa_from_arrays(agent(), begun(), *columns, actions=found.actions)


def test_large_action_numbers_are_collected_to_the_last_digit():
    class Far(Room):
        def __init__(self):
            super().__init__()
            self.action_space = spaces.Discrete(ACTIONS, start=2**24 + 1)

    found = af.collect_transitions(Far(), None, 20)
    np.testing.assert_array_equal(found.actions, np.array(Far.given[-20:]))
    assert set(np.asarray(found.agent_actions).tolist()) == {0, 1, 2}


def test_copies_are_numbered_too():
    venv = gymnasium.vector.SyncVectorEnv([lambda: Room(acted="5, 6, 7")] * 2)
    found = af.collect_transitions(venv, None, 12)
    np.testing.assert_array_equal(found.agent_actions, np.asarray(found.actions) - 5)
    assert found.agent_actions.shape == (12, 2)


def test_actions_that_are_not_discrete_have_no_numbers():
    env = gymnasium.make("MountainCarContinuous-v0")
    assert af.collect_transitions(env, None, 3).agent_actions is None


CONTINUOUS = ["Pendulum-v1", "MountainCarContinuous-v0"]
LOOPS = {
    "episode": lambda env: af.run_sarsa_episode(agent(), begun(), env),
    "continuing": lambda env: af.run_sarsa_continuing(agent(), begun(), env, 3),
    "no steps": lambda env: af.run_sarsa_continuing(agent(), begun(), env, 0),
    "comparison": lambda env: af.ControlComparison(
        "c", {"id": env.spec.id}, {"a": agent()}, episodes=1
    ),
}


@pytest.mark.parametrize("name", CONTINUOUS)
@pytest.mark.parametrize("loop", LOOPS)
def test_continuous_actions_are_refused_in_a_line_that_says_what_to_use(loop, name):
    with pytest.raises(ValueError, match=r"must be Discrete, got Box.*TransformAction") as caught:
        LOOPS[loop](gymnasium.make(name))
    assert "\n" not in str(caught.value)


def test_what_the_line_says_works():
    def force(number):
        return np.float32([number - 1.0])

    env = gymnasium.wrappers.TransformAction(
        gymnasium.make("MountainCarContinuous-v0"), force, spaces.Discrete(3)
    )
    state = agent().init(2, jr.key(0))
    assert len(af.run_sarsa_continuing(agent(), state, env, 5).rewards) == 5


@pytest.mark.parametrize(
    "space", [spaces.MultiDiscrete([3, 2]), spaces.MultiBinary(3), spaces.Text(3), None, 3]
)
def test_no_other_space_of_actions_passes(space):
    env = Room()
    env.action_space = space
    for loop in ("episode", "continuing"):
        with pytest.raises((TypeError, ValueError), match=r"run_sarsa_\w+: <Room") as caught:
            LOOPS[loop](env)
        assert "\n" not in str(caught.value) and "action" in str(caught.value)


def test_an_agent_of_another_task_is_refused():
    with pytest.raises(ValueError, match=r"<Room.*`n_actions` must be at most 3.*got 4"):
        af.run_sarsa_episode(agents.linear(4), agents.linear(4).init(SIZE, jr.key(0)), Room())
    with pytest.raises(TypeError, match=r"<Room.*must be for 6 features, got one for 4"):
        af.run_sarsa_episode(agent(), agent().init(4, jr.key(0)), Room())
    coder = af.TileCoder([-9.0] * 6, [9.0] * 6, tilings=1, tiles=1)
    with pytest.raises(TypeError, match=rf"for {coder.feature_dim} features, got one for 4"):
        af.run_sarsa_continuing(agent(), agent().init(4, jr.key(0)), Room(), 3, features=coder)
    venv = gymnasium.vector.SyncVectorEnv([Room])
    with pytest.raises(TypeError, match="must be a single environment"):
        af.run_sarsa_episode(agent(), begun(), venv)
    without = type("Blind", (), {"reset": None, "step": None, "action_space": ACTED["0, 1, 2"]})()
    with pytest.raises(TypeError, match="`observation_space` must be a Gymnasium space, got None"):
        af.run_sarsa_episode(agent(), begun(), without)


def test_an_agent_of_fewer_actions_takes_the_first():
    Room.given.clear()
    one = agents.linear(1)
    af.run_sarsa_episode(one, one.init(SIZE, jr.key(0)), Room(acted="5, 6, 7"))
    assert Room.given == [5] * STEPS


def test_random_policies_draw_what_the_space_holds():
    for acted, space in ACTED.items():
        policy = af.make_random_policy(Room(acted=acted), 0)
        expected = {af.space_action(i, space) for i in range(ACTIONS)}
        assert {policy(None) for _ in range(60)} == expected
