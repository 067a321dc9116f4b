"""A step on an example is the learner's `predict`, then its `update`."""

import jax
import numpy as np
import pytest

from alberta_framework.daemon import Daemon
from tests.learners import cases, network_cases
from tests.trees import once_more_rejected

from .daemons import EXAMPLES, close_but_for_clocks, predictions_close, same_but_for_clocks

STEPS = 25


@pytest.fixture(scope="module", params=EXAMPLES)
def running(request):
    """Daemon, learner and events; the tests take their turns on it."""
    case = EXAMPLES[request.param]
    network = isinstance(case, network_cases.Case)
    learner = case.build()
    if network:
        observations, targets = network_cases.regression(case, STEPS)
    else:
        observations, targets = cases.regression(STEPS)
    daemon = Daemon(learner, observations.shape[1])
    return daemon, learner, observations, targets.reshape(STEPS, -1)


def updated(learner, state, observation, targets):
    """By the learner's own `update`: of one head, the target is a number."""
    target = targets if hasattr(learner, "n_heads") else targets[0]
    return learner.update(state, observation, target)


def test_step_is_predict_then_update(running):
    daemon, learner, observations, targets = running
    assert not daemon.learns_transitions and daemon.last_observation is None
    for number, (observation, target) in enumerate(zip(observations, targets, strict=True), 1):
        before = daemon.state
        found = daemon.step(observation, target)
        assert (found.rejected, found.step) == (False, daemon.steps)
        predictions_close(found.predictions, learner.predict(before, observation))
        result = updated(learner, before, observation, target)
        close_but_for_clocks(daemon.state, result.state)
        assert daemon.state.step_count == number
    assert daemon.steps == STEPS


def test_update_is_step_with_targets(running):
    daemon, learner, observations, targets = running
    before = daemon.state
    found = daemon.update(observations[0], targets[0])
    predictions_close(found.predictions, learner.predict(before, observations[0]))
    close_but_for_clocks(daemon.state, updated(learner, before, observations[0], targets[0]).state)


def test_predicting_changes_nothing(running):
    daemon, learner, observations, _ = running
    before, steps = daemon.state, daemon.steps
    predicted = daemon.predict(observations[1])
    found = daemon.step(observations[1])
    predictions_close(predicted, learner.predict(before, observations[1]))
    np.testing.assert_array_equal(found.predictions, predicted)
    assert (found.rejected, found.step, daemon.steps) == (False, steps, steps)
    same_but_for_clocks(daemon.state, before)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_a_bad_observation_is_rejected_and_counted(running, bad):
    daemon, _, observations, targets = running
    before, steps = daemon.state, daemon.steps
    observation = np.asarray(observations[2], np.float64)
    observation[-1] = bad
    found = daemon.step(observation, targets[2])
    assert (found.rejected, found.step, daemon.steps) == (True, steps + 1, steps + 1)
    assert daemon.state.rejected_count == before.rejected_count + 1
    same_but_for_clocks(daemon.state, once_more_rejected(before))


def test_an_infinite_target_is_rejected(running):
    daemon, learner, observations, targets = running
    before = daemon.state
    target = targets[3].copy()
    target[-1] = np.inf
    found = daemon.step(observations[3], target)
    assert found.rejected
    predictions_close(found.predictions, learner.predict(before, observations[3]))
    same_but_for_clocks(daemon.state, once_more_rejected(before))


def test_results_are_the_callers_own(running):
    """No view of memory that a later step writes to, and no hold on what was passed in."""
    daemon, _, observations, targets = running
    observation = observations[4].copy()
    first = daemon.step(observation, targets[4])
    state, copy = daemon.state, first.predictions.copy()
    observation[:] = 0
    bits = [np.array(leaf) for leaf in jax.tree.leaves(state)]
    for observation, target in zip(observations[:5], targets[:5], strict=True):
        daemon.step(observation, target)
    np.testing.assert_array_equal(first.predictions, copy)
    for leaf, was in zip(jax.tree.leaves(state), bits, strict=True):
        np.testing.assert_array_equal(leaf, was)
