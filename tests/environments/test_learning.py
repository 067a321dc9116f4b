"""Learning from collected trajectories, against updates by hand."""

import equinox as eqx
import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import alberta_framework as af
from alberta_framework.environments import (
    collect_trajectory,
    collect_trajectory_vec,
    learn_from_trajectory,
    learn_from_trajectory_normalized,
)
from tests.environments.test_trajectories import in_turn

RNG = np.random.default_rng(0)
OBSERVATIONS = RNG.normal(size=(30, 3)).astype(np.float32)
TARGETS = (OBSERVATIONS @ [1.0, -2.0, 0.5] + 0.3).astype(np.float32)[:, None]
LEARNERS = {
    "linear": af.LinearLearner(af.IDBD(0.05)),
    "linear, normalized": af.LinearLearner(af.Autostep(0.05), af.EMANormalizer()),
    "mlp": af.MLPLearner((8,), step_size=0.05, bounder=af.ObGDBounding()),
    "mlp, normalized": af.MLPLearner((8,), step_size=0.05, normalizer=af.WelfordNormalizer()),
}


def begin(learner):
    if isinstance(learner, af.MLPLearner):
        return learner.init(3, jax.random.key(0))
    return learner.init(3)


def by_hand(learner, state):
    rows = []
    for x, y in zip(OBSERVATIONS, TARGETS, strict=True):
        result = learner.update(state, x, y)
        state = result.state
        rows.append(result.metrics)
    return state, np.stack(rows)


@pytest.mark.parametrize("kind", LEARNERS)
def test_learning_from_arrays_is_updating_row_by_row(kind):
    learner = LEARNERS[kind]
    state, metrics = learn_from_trajectory(learner, OBSERVATIONS, TARGETS)
    expected_state, expected = by_hand(learner, begin(learner))
    assert metrics.shape == (30, 4 if learner.normalizer else 3)
    np.testing.assert_allclose(metrics, expected, rtol=1e-4, atol=2e-5)
    probe = OBSERVATIONS[0]
    ours, theirs = learner.predict(state, probe), learner.predict(expected_state, probe)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5)
    assert state.step_count == 30
    assert state.uptime_s > 0


@pytest.mark.parametrize("kind", LEARNERS)
def test_a_given_state_is_continued(kind):
    learner = LEARNERS[kind]
    _, whole = learn_from_trajectory(learner, OBSERVATIONS, TARGETS)
    state, first = learn_from_trajectory(learner, OBSERVATIONS[:12], TARGETS[:12])
    state, second = learn_from_trajectory(learner, OBSERVATIONS[12:], TARGETS[12:], state)
    np.testing.assert_allclose(np.concatenate([first, second]), whole, rtol=1e-5, atol=1e-6)
    assert state.step_count == 30


def test_initial_weights_follow_the_key():
    learner, key = LEARNERS["mlp"], jax.random.key(3)
    ours = learn_from_trajectory(learner, OBSERVATIONS, TARGETS, key=key)[1]
    theirs = learn_from_trajectory(learner, OBSERVATIONS, TARGETS, learner.init(3, key))[1]
    np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(ours, learn_from_trajectory(learner, OBSERVATIONS, TARGETS)[1])


def test_the_older_name_is_the_same_function_for_learners_with_a_normalizer():
    learner = LEARNERS["linear, normalized"]
    ours = learn_from_trajectory_normalized(learner, OBSERVATIONS, TARGETS)[1]
    np.testing.assert_array_equal(ours, learn_from_trajectory(learner, OBSERVATIONS, TARGETS)[1])
    with pytest.raises(ValueError, match="`learner` must have a normalizer"):
        learn_from_trajectory_normalized(LEARNERS["linear"], OBSERVATIONS, TARGETS)


def test_no_rows_change_nothing():
    learner = LEARNERS["linear"]
    before = learner.init(3)
    state, metrics = learn_from_trajectory(learner, OBSERVATIONS[:0], TARGETS[:0], before)
    assert metrics.shape == (0, 3)
    assert eqx.tree_equal(state.weights, before.weights)
    assert state.step_count == 0


def test_metrics_are_thinned_as_in_every_loop():
    learner = LEARNERS["linear"]
    whole = learn_from_trajectory(learner, OBSERVATIONS, TARGETS)[1]
    thin = learn_from_trajectory(learner, OBSERVATIONS, TARGETS, record_every=10)[1]
    np.testing.assert_allclose(thin, whole[::10], rtol=1e-5, atol=1e-6)


def test_a_row_that_is_no_step_teaches_nothing():
    """Learning from everything that was collected is learning from the valid rows alone."""
    found = collect_trajectory_vec(
        "Counting-v0", 1, in_turn(1), 40, vector_kwargs={"autoreset_mode": AutoresetMode.NEXT_STEP}
    )
    x, y, valid = found.observations[:, 0], found.targets[:, 0], np.asarray(found.valid[:, 0])
    for learner in (af.LinearLearner(af.LMS(1e-6), af.EMANormalizer()), LEARNERS["mlp"]):
        everything, _ = learn_from_trajectory(learner, x, y)
        steps, _ = learn_from_trajectory(learner, x[valid], y[valid])
        assert everything.rejected_count == (~valid).sum() > 0
        probe = np.array([1.0, 1.0, 0.0, 0.0], np.float32)
        np.testing.assert_allclose(
            learner.predict(everything, probe), learner.predict(steps, probe), rtol=1e-5
        )


def test_the_dynamics_of_cart_pole_are_learned():
    """The next position is the position and 0.02 of the velocity: a linear function."""
    env = gymnasium.make("CartPole-v1")
    observations, targets = collect_trajectory(env, None, 4000, "next_state")
    learner = af.LinearLearner(af.Autostep(0.1))
    _, metrics = learn_from_trajectory(learner, observations, targets[:, :1])
    unexplained = np.mean(np.asarray(metrics)[-500:, 0]) / np.var(np.asarray(targets)[:, 0])
    assert unexplained < 0.02  # measured: 0.011


def test_errors_name_the_argument():
    learner = LEARNERS["linear"]
    with pytest.raises(TypeError, match=r"`targets` must have shape \(30, 1\), got \(30, 2\)"):
        learn_from_trajectory(learner, OBSERVATIONS, np.ones((30, 2), np.float32))
    with pytest.raises(TypeError, match=r"`observations` must have shape .*, got \(3,\)"):
        learn_from_trajectory(learner, OBSERVATIONS[0], TARGETS)
    with pytest.raises(TypeError, match="TDLinearLearner learns from a TDTimeStep"):
        learn_from_trajectory(af.TDLinearLearner(), OBSERVATIONS, TARGETS)
