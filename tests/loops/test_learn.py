"""One entrance for every learner and every source of experience."""

import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.trees import assert_same_bits

WALK = af.RandomWalkStream(3)
NETWORK = af.MLPLearner((4,), af.LMS(0.1))
HEADS = af.MultiHeadMLPLearner(2, (4,), af.LMS(0.1))


def timeless(state):
    return state.replace(birth_timestamp=0.0, uptime_s=0.0)


def test_a_learner_without_drawn_weights_is_its_loop():
    learner = af.LinearLearner(af.IDBD())
    ours = af.learn(learner, WALK, 60, jr.key(0))
    state, columns = af.run_learning_loop(learner, WALK, 60, jr.key(0))
    assert_same_bits(timeless(ours.state), timeless(state))
    np.testing.assert_array_equal(ours.metrics["squared_error"], columns[:, 0])
    np.testing.assert_array_equal(ours.metrics["error"], columns[:, 1])


def test_a_network_is_its_loop():
    ours = af.learn(NETWORK, WALK, 60, jr.key(0), record_window=20)
    state, columns = af.run_mlp_learning_loop(NETWORK, WALK, 60, jr.key(0), record_window=20)
    assert_same_bits(timeless(ours.state), timeless(state))
    np.testing.assert_array_equal(ours.metrics["squared_error"], columns[:, 0])
    assert repr(ours).startswith("LearnResult(MLPLearnerState; metrics: squared_error, error")


def test_it_goes_on_from_both_states():
    whole = af.learn(NETWORK, WALK, 60, jr.key(0), chunk_size=30)
    half = af.learn(NETWORK, WALK, 30, jr.key(0), chunk_size=30)
    rest = af.learn(
        NETWORK, WALK, 30, state=half.state, stream_state=half.stream_state, chunk_size=30
    )
    assert_same_bits(timeless(rest.state), timeless(whole.state))


def test_a_record_of_experience_needs_no_key_for_weights_that_are_not_drawn():
    rng = np.random.default_rng(0)
    x, y = np.float32(rng.normal(size=(20, 3))), np.float32(rng.normal(size=(20, 2)))
    record = af.RecordedStream(record=af.MultiHeadStep(x, y))
    found = af.learn(HEADS, record, 20, jr.key(0))
    assert found.metrics["squared_error"].shape == (20, 2)
    lone = af.RecordedStream(record=af.TimeStep(x, y[:, :1]))
    assert af.learn(af.LinearLearner(), lone, 20).state.step_count == 20


def test_an_agent_lives():
    agent = af.SARSAAgent(af.SARSAConfig(2), (), af.LMS(0.1))
    ours = af.learn(agent, af.CartPole(), 40, jr.key(0))
    theirs = af.interact(agent, af.CartPole(), 40, jr.key(0))
    np.testing.assert_array_equal(ours.metrics["td_error"], theirs.metrics["td_error"])


def test_what_is_missing_is_told():
    with pytest.raises(TypeError, match="RandomWalkStream draws what it yields; give a `key`"):
        af.learn(af.LinearLearner(), WALK, 5)
    with pytest.raises(TypeError, match=r"MLPLearner\.init: `key`"):
        af.learn(NETWORK, WALK, 5)
    with pytest.raises(TypeError, match=r"learn\(learner, stream, num_steps, key\) serves every"):
        af.run_learning_loop(NETWORK, WALK, 5, jr.key(0))
