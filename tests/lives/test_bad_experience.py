"""A number that is none costs a life the transitions that it touches, and nothing else."""

import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.lives import worlds
from tests.oracles.sarsa import LinearSARSA, live
from tests.trees import assert_finite

LENGTH, STEPS, AT = 12, 40, 4
ALPHA, GAMMA, LAMDA = 0.05, 0.9, 0.8
BAD = [np.nan, np.inf, -np.inf]


def agent(actions=1, epsilon=0.0, **options):
    config = af.SARSAConfig(actions, GAMMA, epsilon, epsilon)
    options = {"sparsity": 0.0, "lamda": LAMDA} | options
    return af.SARSAAgent(config, (), af.LMS(ALPHA), **options)


def world(end="T", actions=1, seed=0, observation=None, reward=None):
    """A corridor in which what is seen after step `AT`, or its reward, is bad."""
    rng = np.random.default_rng(seed)
    features, rewards = rng.normal(size=(LENGTH + 1, 3)), rng.normal(size=LENGTH)
    if observation is not None:
        features[AT + 1, 1] = observation
    if reward is not None:
        rewards[AT] = reward
    return worlds.corridor(features, rewards, " " * (LENGTH - 1) + end, actions)


def lived(learner, where, steps=STEPS, seed=0, **options):
    key = jax.random.key(seed)
    born = af.interact(learner, where, 0, key).state
    return born, af.interact(learner, where, steps, key, **options)


@pytest.mark.parametrize("end", "TX")
@pytest.mark.parametrize("bad", BAD, ids=str)
@pytest.mark.parametrize("kind", ["observation", "reward"])
def test_what_is_rejected_counts_and_the_life_goes_on(kind, bad, end):
    """Nothing is learned of it, nor of the step after it, before which nothing was pending."""
    where = world(end, **{kind: bad})
    born, result = lived(agent(), where)
    oracle = LinearSARSA(worlds.table(born), worlds.biases(born), ALPHA, GAMMA, LAMDA)
    reward, error, _, _, _, lost = live(oracle, where, np.zeros(STEPS + 1, int), STEPS)
    struck = [t for t in range(STEPS) if t % LENGTH == AT]
    assert np.flatnonzero(lost).tolist() == struck
    np.testing.assert_allclose(result.metrics["td_error"], error, rtol=1e-4, atol=1e-5)
    nothing = np.flatnonzero(np.isnan(np.asarray(result.metrics["td_error"]))).tolist()
    assert nothing == sorted([*struck, *(t + 1 for t in struck)])
    np.testing.assert_allclose(worlds.table(result.state), oracle.w[:, :-1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(worlds.biases(result.state), oracle.w[:, -1], rtol=1e-4, atol=1e-5)
    state = result.state.agent_state
    assert int(result.rejected) == state.rejected_count == len(struck)
    assert state.step_count == STEPS - 2 * len(struck) == oracle.learned
    np.testing.assert_allclose(result.metrics["reward"], reward, rtol=1e-6)
    assert result.episodes.lengths.tolist() == [LENGTH] * (STEPS // LENGTH)
    assert_finite(state.learner_state)


@pytest.mark.parametrize("kind", ["observation", "reward"])
def test_the_state_is_what_it_was(kind):
    """Only the counts move; nothing is pending, and the traces are cut."""
    where = world(**{kind: np.nan})
    key, learner = jax.random.key(0), agent()
    before = af.interact(learner, where, AT, key, chunk_size=AT).state
    after = af.interact(learner, where, 1, state=before).state
    old, new = before.agent_state.learner_state, after.agent_state.learner_state
    for name in ("weights", "biases"):
        np.testing.assert_array_equal(
            getattr(old.head_params, name), getattr(new.head_params, name)
        )
    assert float(np.abs(np.asarray(old.head_traces.w)).max()) > 0
    np.testing.assert_array_equal(np.asarray(new.head_traces.w), 0)
    assert new.rejected_count == old.rejected_count + 1 == new.rejected_in_a_row
    assert new.step_count == old.step_count == AT
    assert int(after.agent_state.last_action) == -1


@pytest.mark.parametrize("kind", ["observation", "reward"])
def test_actions_stay_actions(kind):
    """At an observation that says nothing too."""
    where = world(actions=3, **{kind: np.nan})
    for seed in range(3):
        states = []
        lived(
            agent(3, epsilon=0.3),
            where,
            seed=seed,
            chunk_size=1,
            after_chunk=lambda _, state: states.append(state),  # noqa: B023
        )
        assert {int(state.action) for state in states} <= {0, 1, 2}


def test_what_is_seen_at_a_termination_does_not_matter():
    good, bad = world("T"), world("T")
    features = np.array(bad.features)
    features[-1] = np.nan
    ends = " " * (LENGTH - 1) + "T"
    bad = worlds.corridor(features, np.asarray(bad.rewards)[:-1, 0], ends)
    found, expected = lived(agent(), bad)[1], lived(agent(), good)[1]
    assert int(found.rejected) == 0
    for name in ("td_error", "reward", "episode_return"):
        np.testing.assert_array_equal(found.metrics[name], expected.metrics[name])
    np.testing.assert_array_equal(worlds.table(found.state), worlds.table(expected.state))


def test_what_is_seen_at_a_truncation_does():
    features = np.array(world("X").features)
    features[-1] = np.nan
    ends = " " * (LENGTH - 1) + "X"
    where = worlds.corridor(features, np.asarray(world("X").rewards)[:-1, 0], ends)
    _, result = lived(agent(), where)
    cut = [t for t in range(STEPS) if t % LENGTH == LENGTH - 1]
    assert int(result.rejected) == len(cut)
    # The next episode has a start of its own, so only the cut step is lost.
    assert np.flatnonzero(np.isnan(np.asarray(result.metrics["td_error"]))).tolist() == cut
    assert result.episodes.terminated.tolist() == [False] * len(cut)


def test_the_reward_rate_outlives_a_reward_that_is_none():
    _, result = lived(agent(), world(reward=np.nan))
    rewards = np.asarray(result.metrics["reward"], np.float64)
    assert np.isnan(rewards).sum() == 3 and np.isfinite(result.reward_rate)


def test_windows_leave_out_what_was_rejected():
    where, window = world(observation=np.nan), 8
    each = lived(agent(), where)[1].metrics["td_error"]
    means = lived(agent(), where, record_window=window)[1].metrics["td_error"]
    rows = np.asarray(each, np.float64).reshape(-1, window)
    np.testing.assert_allclose(means, np.nanmean(rows, axis=1), rtol=1e-4, atol=1e-5)


def test_one_bad_lane_of_many():
    """Each life has its own; the world is the same for all, so the weights make the difference."""
    where = world(observation=np.nan)
    keys = jax.random.split(jax.random.key(3), 4)
    result = af.interact_batched(agent(), where, STEPS, keys)
    np.testing.assert_array_equal(np.asarray(result.rejected), [3] * 4)
    for lane in range(4):
        single = af.interact(agent(), where, STEPS, keys[lane])
        np.testing.assert_allclose(
            result.metrics["td_error"][lane], single.metrics["td_error"], rtol=1e-4, atol=1e-5
        )
