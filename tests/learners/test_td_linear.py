"""TDLinearLearner against a float64 learner, at terminal transitions and after cuts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import cases, runs
from tests.trees import assert_leaves_close, assert_same_bits

STEPS = 12 * cases.CHUNK


@pytest.mark.parametrize("case", cases.TD, ids=str)
def test_learns_as_its_equations_say(case):
    columns = cases.transitions(STEPS)
    learner, oracle = case.build(), case.oracle()
    state, results = runs.run_in_chunks(
        learner, learner.init(cases.DIM), *columns, chunk=cases.CHUNK
    )
    rows = [oracle.update(*now) for now in zip(*columns, strict=True)]
    predictions, td_errors, metrics = map(np.array, zip(*rows, strict=True))
    scale = np.abs(predictions).max()
    np.testing.assert_allclose(results.prediction[:, 0], predictions, atol=1e-4 * scale)
    np.testing.assert_allclose(results.td_error[:, 0], td_errors, atol=1e-4 * scale)
    np.testing.assert_allclose(results.metrics, metrics, rtol=1e-4, atol=1e-4 * scale**2)
    np.testing.assert_allclose(state.weights, oracle.weights, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(state.bias, oracle.bias, rtol=1e-4, atol=1e-4)
    assert state.step_count == STEPS and state.rejected_count == 0

    probe = np.float32([0.5, -1.0, 2.0])
    np.testing.assert_allclose(
        learner.predict(state, jnp.asarray(probe)), [oracle.predict(probe)], atol=1e-4 * scale
    )


def test_the_first_updates_by_hand():
    learner = af.TDLinearLearner(af.TDIDBD(0.1, 0.0, trace_decay=0.5))
    x, y = jnp.array([1.0, 0.0]), jnp.array([0.0, 1.0])
    first = learner.update(learner.init(2), x, 2.0, y, 0.8)
    np.testing.assert_array_equal(first.prediction, [0.0])
    np.testing.assert_array_equal(first.td_error, [2.0])
    np.testing.assert_allclose(first.metrics, [4.0, 2.0, 0.1, 0.5], rtol=1e-5)
    np.testing.assert_allclose(first.state.weights, [0.2, 0.0], rtol=1e-5)
    np.testing.assert_allclose(first.state.bias, 0.2, rtol=1e-5)

    second = learner.update(first.state, y, 1.0, x, 0.5)
    td_error = 1 + 0.5 * (0.2 + 0.2) - 0.2
    np.testing.assert_allclose(second.td_error, [td_error], rtol=1e-5)
    # The trace of the first feature: the discount into this state times lambda.
    weights = [0.2 + 0.1 * td_error * 0.4, 0.1 * td_error]
    np.testing.assert_allclose(second.state.weights, weights, rtol=1e-5)
    np.testing.assert_allclose(second.state.bias, 0.2 + 0.1 * td_error * 1.4, rtol=1e-5)


@pytest.mark.parametrize("unseen", [np.inf, np.nan, 1e38])
@pytest.mark.parametrize("case", cases.TD, ids=str)
def test_a_terminal_transition_does_not_see_the_next_observation(case, unseen):
    learner, state = case.build(), runs.experienced(case)
    x = np.float32([1.0, -0.5, 2.0])
    expected = learner.update(state, x, 1.0, np.zeros(3, np.float32), 0.0)
    result = learner.update(state, x, 1.0, np.full(3, unseen, np.float32), 0.0)
    assert not result.rejected
    assert_same_bits(result, expected)


def test_both_observations_are_normalized_with_the_new_statistics():
    learner = af.TDLinearLearner(af.TDIDBD(0.1, 0.0), af.WelfordNormalizer())
    state = runs.experienced(cases.TDCase(cases.TD_OPTIMIZERS[0], cases.NORMALIZERS[2]))
    x, y = jnp.array([3.0, -1.0, 0.5]), jnp.array([0.2, 0.1, -2.0])
    result = learner.update(state, x, 0.5, y, 0.9)
    ahead = state.replace(normalizer_state=result.state.normalizer_state)
    as_they_are = af.TDLinearLearner(
        af.TDIDBD(0.1, 0.0), af.WelfordNormalizer(predict_with="current")
    )
    value, following = as_they_are.predict(ahead, x), as_they_are.predict(ahead, y)
    np.testing.assert_allclose(result.prediction, value, rtol=1e-5)
    np.testing.assert_allclose(result.td_error, 0.5 + 0.9 * following - value, rtol=1e-4)


@pytest.mark.parametrize("case", cases.TD, ids=str)
def test_reset_traces_cuts_the_optimizer_s_traces_only(case):
    learner, state = case.build(), runs.experienced(case)
    cut = learner.reset_traces(state)
    traces = state.optimizer_state
    assert np.any(traces.eligibility_traces != 0) and traces.bias_eligibility_trace != 0
    expected = state.replace(
        optimizer_state=traces.replace(
            eligibility_traces=jnp.zeros(cases.DIM), bias_eligibility_trace=jnp.zeros(())
        )
    )
    assert_same_bits(cut, expected)


@pytest.mark.parametrize("case", [cases.FULL_TD, cases.TD[-1]], ids=str)
def test_without_bias_there_is_none(case):
    columns = cases.transitions(STEPS // 2)
    learner, oracle = case.build(use_bias=False), case.oracle(use_bias=False)
    state, results = runs.run_in_chunks(
        learner, learner.init(cases.DIM), *columns, chunk=cases.CHUNK
    )
    assert np.all(results.state.bias == 0)
    for now in zip(*columns, strict=True):
        oracle.update(*now)
    np.testing.assert_allclose(state.weights, oracle.weights, rtol=1e-4, atol=1e-4)


def test_reward_and_discount_are_numbers_or_arrays_of_one():
    learner = af.TDLinearLearner()
    state, x = learner.init(2), np.float32([1.0, 2.0])
    expected = learner.update(state, x, jnp.float32(1), x, jnp.float32(0))
    for reward, gamma in ((1, 0), (np.float32([1]), np.float32([0])), (np.int32(1), 0.0)):
        assert_same_bits(learner.update(state, x, reward, x, gamma), expected)


def test_the_default_optimizer_is_tdidbd():
    assert af.TDLinearLearner().optimizer == af.TDIDBD()


@pytest.mark.parametrize("case", [cases.FULL_TD, cases.TD[-1]], ids=str)
def test_eager_compiled_scanned_and_mapped_updates_agree(case):
    learner, state = case.build(), runs.experienced(case)
    columns = tuple(map(jnp.asarray, cases.transitions(4)))
    scanned, results = runs.run(learner, state, *columns)
    single = state
    for t in range(4):
        result = learner.update(single, *(c[t] for c in columns))
        expected = jax.tree.map(lambda leaf, t=t: leaf[t], results)
        assert_leaves_close(result, expected, absolute=1e-7)
        single = result.state
    with jax.disable_jit():
        eager = learner.update(state, *(c[0] for c in columns))
    compiled = learner.update(state, *(c[0] for c in columns))
    assert_leaves_close(eager, compiled, absolute=1e-7)
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)
    mapped = jax.vmap(lambda s: runs.updates(learner, s, *columns)[0])(twice)
    assert_leaves_close(
        jax.tree.map(lambda leaf: leaf[1], mapped), scanned, relative=2e-6, absolute=1e-7
    )


def test_learn_is_update_for_one_transition():
    learner, state = cases.FULL_TD.build(), runs.experienced(cases.FULL_TD)
    one = tuple(jnp.asarray(column[0]) for column in cases.transitions(1))
    moved, metrics = learner.learn(state, af.TDTimeStep(*one))
    result = learner.update(state, *one)
    assert_same_bits((moved, metrics), (result.state, result.metrics))
