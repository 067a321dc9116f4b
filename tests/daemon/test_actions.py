"""A daemon with an agent: what an event is to it, and that it is the agent's own life."""

import functools
import itertools
from typing import Any, NamedTuple

import gymnasium
import jax.random as jr
import numpy as np
import pandas as pd
import pytest

import alberta_framework as af
from alberta_framework.checkpoints import save_agent
from alberta_framework.daemon import Daemon
from tests.compilations import count_compilations

from .agents import (
    AGENTS,
    DIM,
    IN_A_BOX,
    OF_THE_LIBRARY,
    OWN,
    Unguarded,
    daemon,
    events,
    kept,
    legal,
    same_life,
    same_result,
)
from .daemons import kept as learner_daemon

BAD = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "out of float32": 1e300}


def spoiled(rows):
    """Some observations and rewards are none: where an episode begins, goes on, and ends."""
    rows = list(rows)
    firsts = [i for i, row in enumerate(rows) if row[1] is None]
    lasts = [i for i, row in enumerate(rows) if row[2] or row[3]]
    inside = [i for i, row in enumerate(rows) if i not in firsts + lasts]
    bad = np.full(DIM, np.nan, np.float32)
    for i in (firsts[2], lasts[3], lasts[4], inside[5], inside[6], inside[20]):
        rows[i] = (bad, *rows[i][1:])
    for i, value in ((lasts[5], np.nan), (inside[30], np.inf), (lasts[9], -np.inf)):
        rows[i] = (rows[i][0], value, *rows[i][2:])
    assert not (rows[-1][2] or rows[-1][3])
    return rows


class Prescribed(gymnasium.Env):
    """What is seen, paid and ended whatever is done; keeps what was."""

    def __init__(self, rows, space):
        self.rows, self.done = iter(rows), []
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (DIM,))
        if isinstance(space, af.DiscreteActions):
            self.action_space = gymnasium.spaces.Discrete(space.n)
        else:
            self.action_space = gymnasium.spaces.Box(space.low, space.high, space.shape)

    def reset(self, *, seed=None, options=None):
        observation, reward, *_ = next(self.rows)
        assert reward is None
        return observation, {}

    def step(self, action):
        self.done.append(action)
        return *next(self.rows), {}


class Lived(NamedTuple):
    daemon: Any
    rows: list
    found: list
    state: Any
    report: dict
    world: Prescribed
    life: Any


@functools.cache
def lived(name):
    """A daemon of the library's agent, compiled once, after a life that was lived twice."""
    rows, agent = spoiled(events(400)), AGENTS[name]
    world = Prescribed(rows, agent.action_space)
    steps = sum(row[1] is not None for row in rows)
    life = af.interact_gymnasium(agent, world, steps, seed=5)
    ours = daemon(name, seed=5)
    found = [ours.act(*row) for row in rows]
    return Lived(ours, rows, found, ours.state, ours.report(), world, life)


def any_daemon(name):
    return lived(name).daemon if name in OF_THE_LIBRARY else kept(name)


@pytest.mark.parametrize("name", OF_THE_LIBRARY)
def test_its_life_is_that_of_interact_gymnasium(name):
    """With the key of the seed, bit for bit; what is no number is rejected in the same steps."""
    _, rows, found, state, report, world, life = lived(name)
    assert all(legal(AGENTS[name].action_space, result.action) for result in found)
    # The action at the last observation of an episode belongs to nothing.
    taken = [result.action for result, row in zip(found, rows, strict=True) if not any(row[2:])]
    np.testing.assert_array_equal(taken[: len(world.done)], world.done)
    same_life(state, life.state)
    told = [result for result in found if not result.began]
    assert sum(result.rejected for result in told) == life.rejected > 3
    for metric in told[0].metrics:
        ours_told = np.float32([result.metrics[metric] for result in told])
        np.testing.assert_array_equal(ours_told, life.metrics[metric])
    assert report["episodes"]["ended"] == life.episodes.count
    assert report["reward_rate"] == pytest.approx(float(life.reward_rate), rel=1e-5)
    returns = life.episodes.returns[-100:]
    some = returns[np.isfinite(returns)]
    assert 0 < len(some) < len(returns)
    assert report["episodes"]["mean_return"] == pytest.approx(some.mean(), rel=1e-5)
    assert report["episodes"]["mean_length"] == life.episodes.lengths[-100:].mean()


CLOSED = {
    "StreamQ": lambda: gymnasium.make("CartPole-v1", max_episode_steps=12),
    "a Gaussian StreamAC": lambda: Pulled(gymnasium.make("Pendulum-v1", max_episode_steps=40)),
}


class Pulled(gymnasium.ActionWrapper):
    """Two pulls in place of one, and four numbers to see in place of three."""

    def __init__(self, env):
        super().__init__(env)
        low, high = np.float32([-1, -2]), np.float32([1, 2])
        self.action_space = gymnasium.spaces.Box(low, high)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (DIM,))

    def action(self, action):
        return action[:1] + action[1:]

    def reset(self, **options):
        observation, info = super().reset(**options)
        return np.append(observation, np.float32(0.0)), info

    def step(self, action):
        observation, *rest = super().step(action)
        return np.append(observation, action[:1]), *rest


@pytest.mark.parametrize("name", CLOSED)
def test_so_it_is_where_actions_matter(name):
    env, seen = CLOSED[name](), []

    class Kept(gymnasium.Wrapper):
        def step(self, action):
            seen.append(np.copy(action))
            return super().step(action)

    life = af.interact_gymnasium(AGENTS[name], Kept(CLOSED[name]()), 300, seed=7)
    ours, actions = daemon(name, seed=7), []
    found = ours.act(env.reset(seed=7)[0])
    for _ in range(300):
        actions.append(found.action)
        observation, reward, terminated, truncated, _ = env.step(found.action)
        found = ours.act(observation, reward, terminated, truncated)
        if terminated or truncated:
            found = ours.act(env.reset()[0])
    np.testing.assert_array_equal(actions, seen)
    same_life(ours.state, life.state)
    assert not life.episodes.terminated.all()


@pytest.mark.parametrize("name", ["SARSAAgent", "WithFeatures"])
def test_a_restart_changes_no_bit(name, tmp_path):
    """In the middle of an episode, after an end, and where an observation was none."""
    path, rows = tmp_path / "agent.ckpt", spoiled(events(150, seed=2))
    whole = daemon(name)
    expected = [whole.act(*row) for row in rows]
    over = next(i for i in range(60, 150) if rows[i - 1][2] or rows[i - 1][3])
    blind = next(i for i in range(1, 150) if np.isnan(rows[i - 1][0]).any())
    cuts = sorted({0, 17, blind, over, 150})
    assert not any(rows[16][2:])
    for start, end in itertools.pairwise(cuts):
        with daemon(name, seed=start, checkpoint=path) as ours:
            assert (ours.steps, ours.resumed) == (start, start > 0)
            for row, wanted in zip(rows[start:end], expected[start:end], strict=True):
                same_result(ours.act(*row), wanted)
    same_life(ours.state, whole.state)
    assert ours.report()["episodes"] == whole.report()["episodes"]
    assert ours.report()["rejected_events"] == whole.report()["rejected_events"] > 0


def test_an_agent_that_lived_elsewhere_begins_an_episode(tmp_path):
    """What was pending there led to nothing here."""
    agent, path = AGENTS["StreamQ"], tmp_path / "agent.ckpt"
    life = af.interact_gymnasium(agent, gymnasium.make("CartPole-v1"), 50, seed=0)
    save_agent(agent, life.state, path)
    ours = Daemon(agent, DIM, checkpoint=path)
    found = ours.act(np.ones(DIM), 1.0)
    assert found.began and not found.metrics
    assert ours.steps == 51 and ours.state.step_count == 50


@pytest.mark.parametrize("name", AGENTS)
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("where", ["observation", "one number", "reward"])
def test_what_is_no_number_is_answered_and_poisons_nothing(name, bad, where):
    ours, rows = any_daemon(name), events(60, seed=3)
    for row in rows[:20]:
        ours.act(*row)
    ours.act(np.ones(DIM), 0.5)
    observation, reward = np.full(DIM, 0.25), 1.0
    if where == "reward":
        reward = BAD[bad]
    else:
        observation[slice(None) if where == "observation" else 2] = BAD[bad]
    steps, rejected = ours.steps, ours.report()["rejected_events"]
    found = ours.act(observation, reward)
    assert found.rejected and found.step == ours.steps == steps + 1
    assert legal(ours.learner.action_space, found.action)
    assert ours.report()["rejected_events"] == rejected + 1
    # Where an episode begins with it too.
    found = ours.act(np.full(DIM, BAD[bad]))
    assert found.began and found.rejected and legal(ours.learner.action_space, found.action)
    after = [ours.act(*row) for row in rows[20:60]]
    assert not any(result.rejected for result in after)
    told = [value for result in after for value in result.metrics.values()]
    assert all(np.isfinite(value).all() for value in told[-10:])


@pytest.mark.parametrize("name", OWN)
def test_an_agent_that_knows_no_bad_number_is_left_as_it_was(name):
    """What is undone is what was pending too, so that the next event begins anew."""
    ours, rows = daemon(name), events(30, seed=4)
    for row in rows[:9]:
        ours.act(*row)
    ours.act(np.ones(DIM))
    ours.act(np.ones(DIM), 0.5)
    for observation, reward in ((np.full(DIM, np.nan), 1.0), (np.ones(DIM), np.nan)):
        before = ours.state
        assert ours.act(observation, reward).rejected
        same_life(ours.state, before)
        assert ours.act(np.ones(DIM), 1.0).began
        assert not ours.act(np.ones(DIM), 1.0).began


def test_steps_of_an_agent_that_forgets_its_life_are_judged_and_counted():
    ours, naive = Daemon(Unguarded(), DIM), daemon("Naive")
    rows = spoiled(events(200, seed=4))
    for row in rows:
        found, expected = ours.act(*row), naive.act(*row)
        assert (found.rejected, found.began) == (expected.rejected, expected.began)
        assert found.action == expected.action
    np.testing.assert_array_equal(ours.state.weights, naive.state.weights)
    learned = [row for row in rows if row[1] is not None]
    counts = ours.state.step_count + ours.state.rejected_count
    assert 0 < counts <= len(learned) and ours.state.rejected_count > 0


@pytest.mark.parametrize("name", AGENTS)
def test_to_ask_what_it_would_do_changes_nothing(name):
    """Nor does the answer tell what it explores."""
    ours, agent, rows = any_daemon(name), AGENTS[name], events(20, seed=5)
    for row, (observation, *_) in zip(rows, events(20, seed=6), strict=True):
        before, report = ours.state, untimed(ours.report())
        found = ours.act(observation, learn=False)
        same_life(ours.state, before)
        expected = agent.act(before, observation, jr.key(0), explore=False)
        np.testing.assert_allclose(found.action, expected, rtol=1e-5, atol=1e-5)
        assert found[1:] == (False, ours.steps, False, {})
        same_result(ours.act(observation, learn=False), found)
        assert untimed(ours.report()) == report
        assert ours.act(*row).began == (row[1] is None)
    bad = ours.act(np.full(DIM, np.inf), learn=False)
    assert bad.rejected and legal(agent.action_space, bad.action)


def untimed(report):
    """Without clocks, and what counts the questions."""
    counts = {"predict_latency": None, "events_without_label": 0}
    return report | {"uptime_s": 0, "age_s": 0} | counts


def test_an_observation_without_a_reward_begins_an_episode():
    ours = daemon("StreamQ")
    began = [
        ours.act(np.zeros(DIM)).began,  # the first of a life
        ours.act(np.ones(DIM), 1.0).began,
        ours.act(np.ones(DIM)).began,  # the thread is lost
        ours.act(np.ones(DIM), 1.0).began,
        ours.act(np.ones(DIM), 1.0, terminated=True).began,
        ours.act(np.zeros(DIM), 5.0).began,  # nothing was done that this reward could follow
        ours.act(np.ones(DIM), 1.0, truncated=True).began,
        ours.act(np.zeros(DIM), 5.0, truncated=True).began,  # an episode of one observation
        ours.act(np.zeros(DIM), 5.0).began,
    ]
    assert began == [True, False, True, False, False, True, False, True, True]
    assert ours.steps == 9 and ours.state.step_count == 4
    episodes = ours.report()["episodes"]
    assert (episodes["begun"], episodes["ended"], episodes["steps_under_way"]) == (5, 2, 0)
    assert (episodes["mean_return"], episodes["mean_length"]) == (1.5, 1.5)
    assert episodes["share_terminated"] == 0.5


def test_a_first_reward_teaches_nothing():
    ours, other = daemon("SARSAAgent"), daemon("SARSAAgent")
    ours.act(np.ones(DIM), 1e6)
    other.act(np.ones(DIM))
    same_life(ours.state, other.state)


BAD_CALLS = {
    "a short observation": (TypeError, "observation", [[1.0]], {}),
    "a matrix": (TypeError, "observation", [np.zeros((DIM, 1))], {}),
    "text": (TypeError, "observation", ["a" * DIM], {}),
    "nothing": (TypeError, "observation", [None, 1.0], {}),
    "two rewards": (TypeError, "reward", [np.zeros(DIM), [1.0, 2.0]], {}),
    "a reward in a list": (TypeError, "reward", [np.zeros(DIM), [1.0]], {}),
    "a reward as text": (TypeError, "reward", [np.zeros(DIM), "1"], {}),
    "a complex reward": (TypeError, "reward", [np.zeros(DIM), 1j], {}),
    "a masked reward": (TypeError, "reward", [np.zeros(DIM), np.ma.masked], {}),
    "a series as reward": (TypeError, "reward", [np.zeros(DIM), pd.Series([1.0])], {}),
    "terminated as text": (TypeError, "terminated", [np.zeros(DIM), 1.0, "no"], {}),
    "truncated as list": (TypeError, "truncated", [np.zeros(DIM), 1.0, False, [True]], {}),
    "an end of nothing": (ValueError, "reward", [np.zeros(DIM), None, True], {}),
    "a cut of nothing": (ValueError, "reward", [np.zeros(DIM), None, False, True], {}),
    "a reward to ask with": (ValueError, "reward", [np.zeros(DIM), 1.0], {"learn": False}),
    "an end to ask with": (ValueError, "reward", [np.zeros(DIM), None, True], {"learn": False}),
    "learn as text": (TypeError, "learn", [np.zeros(DIM)], {"learn": "no"}),
}


@pytest.mark.parametrize("row", BAD_CALLS)
def test_a_bad_call_names_the_argument_and_changes_nothing(row):
    ours = any_daemon("StreamQ")
    kind, argument, given, options = BAD_CALLS[row]
    before, steps, report = ours.state, ours.steps, ours.report()["episodes"]
    with pytest.raises(kind, match=f"`{argument}`"):
        ours.act(*given, **options)
    same_life(ours.state, before)
    assert ours.steps == steps and ours.report()["episodes"] == report


def test_each_kind_has_its_own_events():
    agent, learner = any_daemon("StreamQ"), learner_daemon("linear")
    for call in (agent.predict, agent.step, lambda x: agent.update(x, [1.0])):
        with pytest.raises(TypeError, match="a StreamQ; `act`"):
            call(np.zeros(DIM))
    with pytest.raises(TypeError, match="no agent but a LinearLearner; `step`"):
        learner.act(np.zeros(3))
    assert (agent.acts, agent.n_heads, agent.last_observation) == (True, 0, None)
    assert not (learner.acts or agent.learns_transitions)


@pytest.mark.parametrize("name", ["StreamQ", "Lever"])
def test_no_event_compiles(name):
    ours, rows = daemon(name), spoiled(events(150, seed=6))
    rewards = (np.float32(1), np.float64(1), np.int64(1), 1, True, np.array(1.0), 1e300)
    with count_compilations() as seen:
        for observation, *rest in rows:
            ours.act(np.asarray(observation, np.float64), *rest)
            ours.act(observation.tolist(), learn=False)
        ours.act(rows[0][0])
        for reward in rewards:
            assert not ours.act(rows[0][0], reward, np.False_, 0).began
        ours.act(rows[0][0], 1.0, np.True_)
    assert len(seen) == 0


def test_a_series_is_taken_by_its_names():
    ours = daemon("StreamQ", feature_names=list("abcd"))
    other = daemon("StreamQ")
    row = pd.Series({"d": 4.0, "a": 1.0, "b": 2.0, "c": 3.0})
    same_result(ours.act(row), other.act([1.0, 2.0, 3.0, 4.0]))
    same_life(ours.state, other.state)


def test_metrics_have_the_shapes_that_the_agent_gave_them():
    ours = daemon("Lever")
    ours.act(np.ones(DIM))
    metrics = ours.act(np.ones(DIM), 2.0).metrics
    assert metrics["squared_error"] == 4.0 and type(metrics["squared_error"]) is float
    np.testing.assert_array_equal(metrics["parts"], np.float32([2, 2]))


@pytest.mark.parametrize("name", IN_A_BOX)
def test_an_action_is_the_callers_own(name):
    ours = any_daemon(name)
    ours.act(np.ones(DIM))
    first = ours.act(np.ones(DIM), 1.0).action
    first[:] = 0.0
    assert legal(AGENTS[name].action_space, ours.act(np.ones(DIM), 1.0).action)
