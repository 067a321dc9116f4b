"""LinearLearner against a float64 learner, and the properties of one update."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import cases, runs
from tests.trees import assert_leaves_close, assert_same_bits

STEPS = 12 * cases.CHUNK


@pytest.mark.parametrize("case", cases.LINEAR, ids=str)
def test_learns_as_its_equations_say(case):
    x, y = cases.regression(STEPS)
    learner, oracle = case.build(), case.oracle()
    state, results = runs.run_in_chunks(learner, learner.init(cases.DIM), x, y, chunk=cases.CHUNK)
    rows = [oracle.update(*now) for now in zip(x, y, strict=True)]
    predictions, errors, metrics = map(np.array, zip(*rows, strict=True))
    scale = np.abs(predictions).max()
    np.testing.assert_allclose(results.prediction[:, 0], predictions, atol=1e-4 * scale)
    np.testing.assert_allclose(results.error[:, 0], errors, atol=1e-4 * scale)
    np.testing.assert_allclose(results.metrics, metrics, rtol=1e-4, atol=1e-4 * scale**2)
    np.testing.assert_allclose(results.metrics[:, 2], metrics[:, 2], rtol=1e-4)
    assert metrics.shape[1] == (3 if case.normalizer is None else 4)
    np.testing.assert_allclose(state.weights, oracle.weights, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(state.bias, oracle.bias, rtol=1e-4, atol=1e-4)
    assert state.step_count == STEPS and state.rejected_count == 0

    probe = np.float32([0.5, -1.0, 2.0])
    prediction = learner.predict(state, jnp.asarray(probe))
    assert prediction.shape == (1,)
    np.testing.assert_allclose(prediction[0], oracle.predict(probe), atol=1e-4 * scale)
    assert np.mean(np.square(errors[-100:])) < 0.5 * np.mean(np.square(errors[:20]))


@pytest.mark.parametrize("normalizer", [None, af.EMANormalizer()], ids=["plain", "normalized"])
def test_bounded_lms_is_obgd(normalizer):
    x, y = cases.regression(cases.CHUNK)
    ours = af.LinearLearner(af.LMS(0.5), normalizer, af.ObGDBounding(1.5))
    obgd = af.LinearLearner(af.ObGD(0.5, 1.5), normalizer)
    state, results = runs.run(ours, ours.init(cases.DIM), jnp.asarray(x), jnp.asarray(y))
    expected, truth = runs.run(obgd, obgd.init(cases.DIM), jnp.asarray(x), jnp.asarray(y))
    np.testing.assert_allclose(results.prediction, truth.prediction, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state.weights, expected.weights, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(state.bias, expected.bias, rtol=1e-4, atol=1e-5)


def test_a_bounder_changes_no_metric_of_the_step_it_bounds():
    state = af.LinearLearner(af.LMS(0.5)).init(2)
    x = jnp.array([3.0, -4.0])
    free = af.LinearLearner(af.LMS(0.5)).update(state, x, 2.0)
    bounded = af.LinearLearner(af.LMS(0.5), bounder=af.ObGDBounding(2.0)).update(state, x, 2.0)
    np.testing.assert_array_equal(bounded.metrics, free.metrics)
    assert np.abs(bounded.state.weights).sum() < np.abs(free.state.weights).sum()


def test_the_first_update_by_hand():
    learner = af.LinearLearner(af.LMS(0.1))
    result = learner.update(learner.init(2), jnp.array([1.0, -2.0]), 3.0)
    np.testing.assert_array_equal(result.prediction, [0.0])
    np.testing.assert_array_equal(result.error, [3.0])
    np.testing.assert_allclose(result.metrics, [9.0, 3.0, 0.1], rtol=1e-6)
    np.testing.assert_allclose(result.state.weights, [0.3, -0.6], rtol=1e-6)
    np.testing.assert_allclose(result.state.bias, 0.3, rtol=1e-6)
    assert not result.rejected


def test_an_error_of_zero_moves_nothing_also_with_a_bounder():
    for bounder in (None, af.ObGDBounding(), af.AGCBounding()):
        learner = af.LinearLearner(af.LMS(0.1), bounder=bounder)
        result = learner.update(learner.init(2), jnp.array([1.0, -2.0]), 0.0)
        np.testing.assert_array_equal(result.state.weights, [0.0, 0.0])
        assert result.state.bias == 0 and not result.rejected


def test_the_prediction_of_an_update_uses_the_statistics_with_its_own_observation():
    learner = af.LinearLearner(af.LMS(0.1), af.WelfordNormalizer())
    x, y = map(jnp.asarray, cases.regression(cases.CHUNK))
    state, _ = runs.run(learner, learner.init(cases.DIM), x, y)
    x = jnp.array([4.0, -3.0, 2.0])
    result = learner.update(state, x, 1.0)
    ahead = state.replace(normalizer_state=result.state.normalizer_state)
    as_they_are = af.LinearLearner(af.LMS(0.1), af.WelfordNormalizer(predict_with="current"))
    np.testing.assert_allclose(result.prediction, as_they_are.predict(ahead, x), rtol=1e-5)
    assert abs(result.prediction - as_they_are.predict(state, x)) > 1e-3
    np.testing.assert_array_equal(result.prediction, learner.predict(state, x))


def test_predict_normalizes():
    """Features of mean 50 and standard deviation 10 are learned and predicted alike."""
    rng = np.random.default_rng(0)
    x = np.float32(50 + 10 * rng.normal(size=(10 * cases.CHUNK, cases.DIM)))
    y = np.float32((x - 50) @ [0.1, -0.2, 0.05])
    learner = af.LinearLearner(af.LMS(0.05), af.EMANormalizer(decay=0.999))
    state, _ = runs.run_in_chunks(learner, learner.init(cases.DIM), x, y, chunk=cases.CHUNK)
    predictions = np.array([learner.predict(state, row)[0] for row in x[-20:]])
    assert np.mean((predictions - y[-20:]) ** 2) < 0.05 * np.var(y)


@pytest.mark.parametrize("target", [2, 2.0, np.float32(2), [2.0], jnp.array(2), np.int64(2)])
def test_a_target_is_a_number_or_an_array_of_one(target):
    learner = af.LinearLearner()
    target = np.array(target) if isinstance(target, list) else target
    x, state = np.float32([1.0, -1.0]), learner.init(2)
    assert_same_bits(learner.update(state, x, target), learner.update(state, x, jnp.float32(2.0)))


def test_integer_observations_are_numbers_too():
    learner = af.LinearLearner(af.IDBD(), af.EMANormalizer())
    state = learner.init(3)
    ours = learner.update(state, np.array([1, 0, -2]), 1)
    assert_leaves_close(ours, learner.update(state, np.float32([1, 0, -2]), 1.0))
    predictions = learner.predict(ours.state, np.array([1, 0, -2]))
    assert predictions == learner.predict(ours.state, np.float32([1, 0, -2]))


@pytest.mark.parametrize("case", [cases.FULL, *cases.LINEAR[::9]], ids=str)
def test_without_bias_there_is_none(case):
    x, y = cases.regression(STEPS // 2)
    learner, oracle = case.build(use_bias=False), case.oracle(use_bias=False)
    state, results = runs.run_in_chunks(learner, learner.init(cases.DIM), x, y, chunk=cases.CHUNK)
    assert np.all(results.state.bias == 0)
    for now in zip(x, y, strict=True):
        oracle.update(*now)
    np.testing.assert_allclose(state.weights, oracle.weights, rtol=1e-4, atol=1e-4)


def test_the_default_optimizer_is_lms():
    assert af.LinearLearner().optimizer == af.LMS(step_size=0.01)
    assert af.LinearLearner().to_config()["optimizer"] == {"type": "LMS", "step_size": 0.01}


@pytest.mark.parametrize("case", [cases.FULL, cases.LINEAR[-1]], ids=str)
def test_eager_compiled_scanned_and_mapped_updates_agree(case):
    learner, state = case.build(), runs.experienced(case)
    x, y = map(jnp.asarray, cases.regression(5))
    scanned, results = runs.run(learner, state, x, y)
    single = state
    for t in range(5):
        result = learner.update(single, x[t], y[t])
        expected = jax.tree.map(lambda leaf, t=t: leaf[t], results)
        assert_leaves_close(result, expected, absolute=1e-7)
        single = result.state
    with jax.disable_jit():
        eager = learner.update(state, x[0], y[0])
    assert_leaves_close(eager, learner.update(state, x[0], y[0]), absolute=1e-7)
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), state)
    mapped = jax.vmap(lambda s: runs.updates(learner, s, x, y)[0])(twice)
    assert_leaves_close(
        jax.tree.map(lambda leaf: leaf[1], mapped), scanned, relative=2e-6, absolute=1e-7
    )


def test_learn_is_update_for_one_unit_of_experience():
    learner, state = cases.FULL.build(), runs.experienced(cases.FULL)
    x, y = map(jnp.asarray, cases.regression(1))
    moved, metrics = learner.learn(state, af.TimeStep(x[0], y))
    result = learner.update(state, x[0], y)
    assert_same_bits((moved, metrics), (result.state, result.metrics))
