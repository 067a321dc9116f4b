"""What one observation does to the statistics, and the edges of the two normalizers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.normalizers import cases, runs
from tests.trees import assert_leaves_close, assert_same_bits


def after(normalizer, *rows):
    state = normalizer.init(len(rows[0]))
    for row in rows:
        state = normalizer.update_only(state, jnp.asarray(row, jnp.float32))
    return state


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_follows_the_published_recursion(case):
    rng = np.random.default_rng(0)
    x = np.float32(rng.normal(size=(1000, 3)) * [1.0, 5.0, 0.01] + [0.0, 3.0, 0.05])
    probes = np.float32(rng.normal(size=(1000, 3)))
    normalized, probed, states = runs.run(case.build(), jnp.asarray(x), jnp.asarray(probes))
    oracle = case.oracle(3)
    for t, (row, probe) in enumerate(zip(x, probes, strict=True)):
        y, p = oracle.normalize(row), oracle.normalize_only(probe)
        scale = max(1.0, 1.0 / (np.sqrt(oracle.var).min() + oracle.epsilon))
        np.testing.assert_allclose(normalized[t], y, rtol=1e-4, atol=1e-6 * scale)
        np.testing.assert_allclose(probed[t], p, rtol=1e-4, atol=1e-6 * scale)
        np.testing.assert_allclose(states.mean[t], oracle.mean, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(states.var[t], oracle.var, rtol=1e-4, atol=1e-9)
        assert states.sample_count[t] == t + 1


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_update_only_is_the_state_part_of_normalize(case):
    normalizer, x = case.build(), jnp.array([3.0, -1.0])
    state = after(normalizer, [1.0, 2.0], [2.0, 0.0])
    y, moved = normalizer.normalize(state, x)
    assert_same_bits(normalizer.update_only(state, x), moved)
    assert_leaves_close(normalizer.normalize_only(moved, x), y)


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_normalize_only_uses_the_statistics_as_they_are(case):
    normalizer = case.build()
    state = normalizer.init(2)
    expected = np.array([3.0, -1.0]) / (1 + float(normalizer.epsilon))
    np.testing.assert_allclose(normalizer.normalize_only(state, jnp.array([3.0, -1.0])), expected)


def test_ema_counts_the_start_values_as_one_sample():
    state = after(af.EMANormalizer(), [4.0])
    np.testing.assert_allclose(state.mean, [2.0])
    np.testing.assert_allclose(state.var, [0.5 * 1 + 0.5 * 4 * 2])


def test_ema_with_decay_one_is_the_average_over_all_samples():
    rows = [[1.0], [5.0], [-2.0], [7.0]]
    state = after(af.EMANormalizer(decay=1.0), *rows)
    # With one more sample of mean 0 and variance 1: the start values.
    samples = np.array([0.0, 1.0, 5.0, -2.0, 7.0])
    np.testing.assert_allclose(state.mean, [samples.mean()], rtol=1e-6)
    np.testing.assert_allclose(state.var, [samples.var() + 1 / 5], rtol=1e-6)


def test_ema_with_decay_zero_forgets_everything():
    state = after(af.EMANormalizer(decay=0.0, epsilon=1e-3), [1.0], [9.0])
    np.testing.assert_allclose(state.mean, [9.0])
    np.testing.assert_allclose(state.var, [1e-3], rtol=1e-6)


def test_ema_floors_the_variance():
    state = after(af.EMANormalizer(decay=0.5, epsilon=1e-4), *[[2.0]] * 60)
    np.testing.assert_allclose(state.var, [1e-4], rtol=1e-6)
    assert state.var_residual == 0


def test_welford_takes_the_first_sample_as_the_mean():
    normalizer = af.WelfordNormalizer()
    y, state = normalizer.normalize(normalizer.init(2), jnp.array([1e4, -3.0]))
    np.testing.assert_array_equal(y, [0.0, 0.0])
    np.testing.assert_array_equal(state.mean, [1e4, -3.0])
    np.testing.assert_array_equal(state.var, [1.0, 1.0])
    np.testing.assert_array_equal(state.p, [0.0, 0.0])


def test_welford_gives_the_unbiased_variance():
    rows = np.float32(np.random.default_rng(0).normal(size=(20, 3)) * 4 + 2)
    state = after(af.WelfordNormalizer(), *rows)
    np.testing.assert_allclose(state.mean, rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(state.var, rows.var(axis=0, ddof=1), rtol=1e-5)
    squares = ((rows - rows.mean(axis=0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(state.p, squares, rtol=1e-5)


def test_welford_gives_zero_for_a_feature_that_never_changes():
    normalizer = af.WelfordNormalizer()
    state = after(normalizer, *[[3.7, 0.1]] * 5)
    np.testing.assert_array_equal(state.var, [0.0, 0.0])
    y, _ = normalizer.normalize(state, jnp.array([3.7, 0.1], jnp.float32))
    np.testing.assert_array_equal(y, [0.0, 0.0])


# A run of equal values, then another one, and one far away from all.
FAR = np.float32([[1.0, -2.0]] * 20 + [[1.5, 3.0], [1e6, -1e6]])


@pytest.mark.parametrize("case", cases.KINDS, ids=str)
def test_for_prediction_is_what_normalize_gives(case):
    normalizer = case.build()
    state = normalizer.init(2)
    for row in FAR:
        predicted = normalizer.for_prediction(state, row)
        normalized, state = normalizer.normalize(state, row)
        np.testing.assert_allclose(predicted, normalized, rtol=1e-6)


@pytest.mark.parametrize("case", cases.KINDS, ids=str)
def test_for_prediction_with_current_statistics_is_normalize_only(case):
    normalizer = case.build(predict_with="current")
    state = after(normalizer, *FAR[:-1])
    for row in FAR[-2:]:
        assert_same_bits(
            normalizer.for_prediction(state, row), normalizer.normalize_only(state, row)
        )


@pytest.mark.parametrize("case", cases.KINDS, ids=str)
def test_the_derivative_for_prediction_holds_the_statistics_fixed(case):
    normalizer = case.build()
    state, x = after(normalizer, *FAR[:3]), jnp.array([0.5, 1.0])
    derivative = jax.jacrev(lambda now: normalizer.for_prediction(state, now))(x)
    std = np.sqrt(normalizer.update_only(state, x).var) + normalizer.epsilon
    np.testing.assert_allclose(derivative, np.diag(1.0 / np.asarray(std)), rtol=1e-5)


@pytest.mark.parametrize("case", cases.KINDS, ids=str)
def test_an_observation_beyond_float32_is_predicted_as_nan(case):
    """The statistics that hold it are not finite."""
    normalizer = case.build()
    state = after(normalizer, *FAR[:3])
    for bad in (1e30, np.nan, np.inf):
        x = jnp.array([bad, 1.0], jnp.float32)
        predicted = np.asarray(normalizer.for_prediction(state, x))
        assert np.isnan(predicted[0]) and np.isfinite(predicted[1])


@pytest.mark.parametrize("case", cases.KINDS, ids=str)
def test_clip_keeps_every_normalized_value_within_it(case):
    """And changes none that is within it already, nor any statistic."""
    clipped, plain = case.build(clip=2.0), case.build()
    state = plain.init(2)
    for row in FAR:
        probe = row + np.float32(7.0)
        for name in ("normalize_only", "for_prediction"):
            ours = getattr(clipped, name)(state, probe)
            theirs = getattr(plain, name)(state, probe)
            np.testing.assert_array_equal(ours, np.clip(theirs, -2.0, 2.0), err_msg=name)
        ours, kept = clipped.normalize(state, row)
        theirs, state = plain.normalize(state, row)
        np.testing.assert_array_equal(ours, np.clip(theirs, -2.0, 2.0))
        assert_same_bits(kept, state)
    assert np.abs(plain.normalize_only(state, FAR[-1])).max() > 2.0
    assert np.all(np.isnan(clipped.normalize_only(state, jnp.full(2, jnp.nan))))


@pytest.mark.parametrize("case", cases.KINDS, ids=str)
@pytest.mark.parametrize(
    "bad, error",
    [
        ({"clip": 0.0}, ValueError),
        ({"clip": -3.0}, ValueError),
        ({"clip": np.inf}, ValueError),
        ({"clip": "10"}, TypeError),
        ({"predict_with": "past"}, ValueError),
        ({"predict_with": None}, ValueError),
    ],
    ids=str,
)
def test_options_that_are_none(case, bad, error):
    (name,) = bad
    with pytest.raises(error, match=name):
        case.build(**bad)
