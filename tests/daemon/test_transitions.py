"""A step of a learner of transitions goes from the last observation to this one."""

import jax
import numpy as np
import pytest

from alberta_framework.daemon import Daemon
from tests.trees import once_more_rejected

from .daemons import (
    GAMMA,
    LEARNERS,
    TRANSITIONS,
    close_but_for_clocks,
    events,
    predictions_close,
    same_but_for_clocks,
)


@pytest.fixture(scope="module", params=TRANSITIONS)
def running(request):
    learner, dim, arguments = TRANSITIONS[request.param]
    name = request.param if request.param in LEARNERS else "td"
    return Daemon(learner, dim, **arguments), learner, events(name, 40, seed=3)


def updated(learner, state, last, observation, cumulants, ended):
    """By the learner's own `update`."""
    if hasattr(learner, "horde_spec"):
        return learner.update(state, last, cumulants, observation, terminated=float(ended))
    return learner.update(state, last, cumulants[0], observation, 0.0 if ended else GAMMA)


def begun(running):
    """The daemon in the middle of an episode, and its last observation."""
    daemon, _, rows = running
    for observation, cumulants, _ in rows[:2]:
        daemon.step(observation, cumulants)
    return daemon, rows[1][0]


def eligibility(state):
    """The traces that a cut sets to 0."""
    if hasattr(state, "head_traces"):
        return jax.tree.leaves((state.head_traces, state.trunk_traces))
    optimizer = state.optimizer_state
    return [optimizer.eligibility_traces, optimizer.bias_eligibility_trace]


def test_steps_learn_the_transitions_between_them(running):
    daemon, learner, rows = running
    last = None
    for number, (observation, cumulants, ended) in enumerate(rows, daemon.steps + 1):
        before = daemon.state
        found = daemon.step(observation, cumulants, ended)
        if last is None:
            expected = before
            same_but_for_clocks(daemon.state, before)
        else:
            result = updated(learner, before, last, observation, cumulants, ended)
            expected = result.state
            close_but_for_clocks(daemon.state, expected)
        predictions_close(found.predictions, learner.predict(expected, observation))
        assert (found.rejected, found.step, daemon.steps) == (False, number, number)
        last = None if ended else observation
        if last is None:
            assert daemon.last_observation is None
        else:
            np.testing.assert_array_equal(daemon.last_observation, last)


def test_predicting_takes_no_part_in_the_episode(running):
    daemon, last = begun(running)
    learner, (observation, cumulants, _) = running[1], running[2][5]
    before, steps = daemon.state, daemon.steps
    predicted = daemon.predict(observation)
    found = daemon.step(observation)
    predictions_close(predicted, learner.predict(before, observation))
    np.testing.assert_array_equal(found.predictions, predicted)
    assert (found.step, daemon.steps) == (steps, steps)
    same_but_for_clocks(daemon.state, before)
    np.testing.assert_array_equal(daemon.last_observation, last)
    daemon.step(observation, cumulants)
    close_but_for_clocks(
        daemon.state, updated(learner, before, last, observation, cumulants, False).state
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_observation_that_is_not_finite_is_never_bridged(running, bad):
    daemon, _ = begun(running)
    learner, rows = running[1], running[2]
    (first, cumulants, _), (second, _, _) = rows[6:8]
    broken = first.copy()
    broken[0] = bad
    before, steps = daemon.state, daemon.steps
    found = daemon.step(broken, cumulants)
    cut = daemon.state
    assert found.rejected and daemon.last_observation is None
    assert cut.rejected_count == before.rejected_count + 1
    assert all(not np.any(trace) for trace in eligibility(cut))
    same_but_for_clocks(cut, once_more_rejected(learner.reset_traces(before)))
    # The next observation begins an episode: nothing to learn from yet.
    found = daemon.step(first, cumulants)
    assert not found.rejected
    same_but_for_clocks(daemon.state, cut)
    daemon.step(second, cumulants)
    expected = updated(learner, cut, first, second, cumulants, False).state
    close_but_for_clocks(daemon.state, expected)
    assert daemon.steps == steps + 3


def test_a_rejected_cumulant_cuts_the_traces(running):
    """The observation is sound, so the next transition may begin there."""
    daemon, _ = begun(running)
    learner, rows = running[1], running[2]
    (first, cumulants, _), (second, others, _) = rows[6:8]
    broken = cumulants.copy()
    broken[0] = np.inf
    before = daemon.state
    found = daemon.step(first, broken)
    cut = daemon.state
    assert found.rejected
    predictions_close(found.predictions, learner.predict(before, first))
    assert all(not np.any(trace) for trace in eligibility(cut))
    np.testing.assert_array_equal(daemon.last_observation, first)
    daemon.step(second, others)
    close_but_for_clocks(daemon.state, updated(learner, cut, first, second, others, False).state)


def test_a_bad_first_observation_begins_nothing(running):
    daemon, _ = begun(running)
    observation, cumulants, _ = running[2][8]
    daemon.step(observation, cumulants, True)
    before = daemon.state
    found = daemon.step(observation * np.nan, cumulants)
    assert found.rejected and daemon.last_observation is None
    assert daemon.state.rejected_count == before.rejected_count + 1
    same_but_for_clocks(daemon.state, once_more_rejected(running[1].reset_traces(before)))


def test_an_end_without_a_beginning_learns_nothing(running):
    """An episode of a single observation: there is no transition in it."""
    daemon, _ = begun(running)
    observation, cumulants, _ = running[2][9]
    daemon.step(observation, cumulants, True)
    before = daemon.state
    found = daemon.step(observation, cumulants, True)
    assert not found.rejected and daemon.last_observation is None
    same_but_for_clocks(daemon.state, before)


def test_last_observation_is_the_daemons_own(running):
    daemon, _ = begun(running)
    observation = running[2][10][0].copy()
    daemon.step(observation, running[2][10][1])
    kept = np.array(daemon.last_observation)
    observation[:] = 0
    np.testing.assert_array_equal(daemon.last_observation, kept)


def test_a_missing_cumulant_is_nothing_to_learn(running):
    """Of all demons, or the only one: not rejected, and what is lost is never bridged."""
    daemon, _ = begun(running)
    learner, rows = running[1], running[2]
    (first, cumulants, _), (second, others, _) = rows[6:8]
    before, steps = daemon.state, daemon.steps
    found = daemon.step(first, cumulants * np.nan)
    assert (found.rejected, found.step) == (False, steps + 1)
    after = daemon.state
    assert after.rejected_count == before.rejected_count
    np.testing.assert_array_equal(daemon.last_observation, first)
    if not hasattr(learner, "horde_spec"):
        same_but_for_clocks(after, learner.reset_traces(before))
    predictions_close(found.predictions, learner.predict(after, first))
    # The next transition begins where the one without a cumulant ended.
    daemon.step(second, others)
    close_but_for_clocks(daemon.state, updated(learner, after, first, second, others, False).state)


def test_a_missing_cumulant_at_an_end_ends_the_episode(running):
    daemon, _ = begun(running)
    observation, cumulants, _ = running[2][6]
    assert daemon.step(observation, cumulants * np.nan, True).rejected is False
    assert daemon.last_observation is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_observation_is_rejected_without_a_cumulant_too(running, bad):
    daemon, _ = begun(running)
    observation, cumulants, _ = running[2][6]
    before = daemon.state
    assert daemon.step(observation * bad, cumulants * np.nan).rejected
    assert daemon.state.rejected_count == before.rejected_count + 1
