"""Paths, points, and what is refused."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.sweeps.grids import DRIFT, IDBD, KEYS, META, WALK, swept


@pytest.mark.parametrize(
    "axes, message",
    [
        ({"learner.optimizer.meta_stepsize": [0.1]}, "did you mean 'learner.optimizer.meta_step"),
        ({"learner.optimizer.theta": [0.1]}, "Known: .*learner.optimizer.initial_step_size.*"),
        ({"optimizer.meta_step_size": [0.1]}, "Known: learner, .*stream.drift_rate"),
        ({"stream.drift": [0.1]}, "did you mean 'stream.drift_rate'"),
        ({META: []}, "must list the values of 'learner.optimizer.meta_step_size'"),
        ({META: 0.1}, "must list the values"),
        ({META: "0.1"}, "must list the values"),
        ({META: [0.1, 0.2, 0.1]}, "each value .* once"),
        ({META: [0.1, -0.1]}, r"meta_step_size.* must lie in .* got -0.1"),
        ({DRIFT: [-1.0]}, r"stream.drift_rate.*`drift_rate` must lie in"),
        ({"learner.optimizer": [3]}, "`optimizer` must be an AbstractOptimizer"),
        ({"learner": [af.TDLinearLearner()]}, "TDLinearLearner cannot learn from RandomWalkStr"),
    ],
)
def test_mistakes_in_axes_are_named(axes, message):
    with pytest.raises(ValueError, match=message):
        swept(axes=axes)


@pytest.mark.parametrize(
    "changes, error, message",
    [
        ({"keys": [0, 1]}, TypeError, "`keys` must be typed keys"),
        ({"keys": jr.key(0)}, TypeError, "`keys` must be typed keys"),
        ({"num_steps": 0}, ValueError, "`num_steps` must be an integer >= 1"),
        ({"max_batch": 0}, ValueError, "`max_batch` must be an integer >= 1"),
        ({"combine": "all"}, ValueError, "`combine` must be one of"),
        ({"record": 10}, TypeError, "`record` must be a WindowMean or an EveryNth"),
        ({"checkpoint": "x", "checkpoint_every_s": -1}, ValueError, "checkpoint_every_s"),
    ],
)
def test_other_mistakes_are_named(changes, error, message):
    with pytest.raises(error, match=message):
        swept(**changes)


def test_the_learner_and_the_stream_are_left_as_they_were():
    before = repr((IDBD, WALK))
    run = af.SweepRun(IDBD, WALK, {META: [0.3], DRIFT: [0.5]}, num_steps=3, keys=KEYS)
    assert repr((IDBD, WALK)) == before and not run.finished
    with pytest.raises(ValueError, match="not finished: 0 of 3 steps"):
        run.result()


def test_a_record_without_the_actions_is_refused():
    x, none = np.zeros((4, 2), np.float32), np.zeros(4, bool)
    unknown = np.full(4, -1, np.int32)
    stream = af.RecordedStream(
        af.ControlStep(x, unknown, np.zeros(4, np.float32), none, none, x, unknown, x)
    )
    with pytest.raises(ValueError, match="must hold the actions that were taken, 0 to 1, got -1"):
        swept(af.SARSAAgent(af.SARSAConfig(2), hidden_sizes=()), stream, {}, num_steps=4)
