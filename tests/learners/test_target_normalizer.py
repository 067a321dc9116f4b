"""Targets learned in units of their spread: as the equations say, whatever their scale."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alberta_framework as af
from tests.trees import assert_same_bits

DIM, STEPS = 3, 40
NAN = np.nan
KEY = jax.random.key(2)
NORMALIZERS = {"ema": af.EMANormalizer(decay=0.9), "welford": af.WelfordNormalizer()}
PARTS = {"sparsity": 0.0, "bounder": af.ObGDBounding()}
BUILD = {
    "linear": lambda **more: af.LinearLearner(af.Autostep(), af.EMANormalizer(), **more),
    "linear, bounded": lambda **more: af.LinearLearner(
        af.LMS(1.0), None, af.ObGDBounding(), use_bias=False, **more
    ),
    "network": lambda **more: af.MLPLearner((5,), gamma=0.9, lamda=0.5, **PARTS, **more),
    "heads": lambda **more: af.MultiHeadMLPLearner(3, (5,), **PARTS, **more),
    "heads of several losses": lambda **more: af.MultiHeadMLPLearner(
        3, (5,), loss=("huber", "logistic", "squared"), **PARTS, **more
    ),
}
MANY = ("heads", "heads of several losses")


def data(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(STEPS, DIM))
    y = 3e4 + 500.0 * (x @ rng.normal(size=(DIM, 3))) + 50.0 * rng.normal(size=(STEPS, 3))
    y[:, 1] = y[:, 1] > y[:, 1].mean()
    y[rng.random((STEPS, 3)) < 0.2] = NAN
    return np.float32(x), y


def scaled_by(normalizer, told, history, target):
    """Mean and deviation of the targets before, and the target by those that hold it; float64."""
    mean, var, n = history
    new = (mean, var, n)
    if told:
        n += 1
        dx = target - mean
        if isinstance(normalizer, af.EMANormalizer):
            r = max(1.0 - float(normalizer.decay), 1.0 / (n + 1))
            new = mean + r * dx, max((1.0 - r) * (var + r * dx**2), 1e-8), n
        else:
            q, before = dx * (dx - dx / n), 0.0 if n <= 2 else var
            new = mean + dx / n, 1.0 if n == 1 else before + (q - before) / (n - 1), n
    scaled = (target - new[0]) / (np.sqrt(new[1]) + 1e-8)
    return (mean, np.sqrt(var) + 1e-8), scaled, new


@pytest.mark.parametrize("normalizer", NORMALIZERS)
@pytest.mark.parametrize("kind", BUILD)
def test_it_learns_what_one_without_learns_of_scaled_targets(kind, normalizer):
    normalizer, (x, y) = NORMALIZERS[normalizer], data()
    learner, plain = BUILD[kind](target_normalizer=normalizer), BUILD[kind]()
    state, other = learner.init(DIM, KEY), plain.init(DIM, KEY)
    heads = 3 if kind in MANY else 1
    in_scale = [True, kind != "heads of several losses", True][:heads]
    history = [(0.0, 1.0, 0)] * heads
    for t in range(STEPS):
        targets = y[t, :heads]
        if heads == 1 and np.isnan(targets[0]):
            continue
        z = np.asarray(plain.predict(other, x[t]), np.float64)
        given, expected = targets.copy(), z.copy()
        for i in np.flatnonzero(in_scale):
            told = not np.isnan(targets[i])
            (mean, spread), given[i], history[i] = scaled_by(
                normalizer, told, history[i], targets[i]
            )
            expected[i] = mean + spread * z[i]
        result = learner.update(state, x[t], np.float32(targets))
        found = result.predictions if heads > 1 else result.prediction
        # Rounding of a mean of 3e4 is 2e-3; the spread is some 500.
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=0.05)
        errors = result.errors if heads > 1 else result.error
        np.testing.assert_allclose(errors, targets - found, rtol=1e-5, atol=1e-2)
        state, other = result.state, plain.update(other, x[t], np.float32(given)).state
    for a, b in zip(weights(state), weights(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-3)


def weights(state):
    if hasattr(state, "weights"):
        return [state.weights, state.bias]
    if hasattr(state, "params"):
        return jax.tree.leaves(state.params)
    return jax.tree.leaves((state.trunk_params, state.head_params))


@settings(max_examples=30, deadline=None)
@given(st.floats(-3.0, 5.0), st.floats(-1e3, 1e3))
def test_predictions_have_the_scale_of_their_targets(size, shift):
    """Targets a y + b have predictions a p + b, from the first target on."""
    learner = af.LinearLearner(
        af.Autostep(), af.WelfordNormalizer(), target_normalizer=af.WelfordNormalizer()
    )
    x, y = data(1)
    y, a = np.nan_to_num(y[:, 0], nan=3e4) / 500.0 - 60.0, 10.0**size
    stream = af.ArrayStream
    plain, scaled = (
        af.run_learning_loop(learner, stream(x, np.float32(t)[:, None]), STEPS, KEY)[1]
        for t in (y, a * y + a * shift)
    )
    # The column of the errors; before a target there is no scale.
    np.testing.assert_allclose(
        scaled[1:, 1], a * plain[1:, 1], rtol=1e-3, atol=1e-3 * a * (1.0 + abs(shift) / 10.0)
    )


def test_a_first_target_of_any_size():
    """A step size that is small for a target of 1 is not so for one of a million, and is not asked
    to be: the errors that are learned from lie within the square root of their number."""
    learner = af.LinearLearner(
        af.IDBD(0.05), af.EMANormalizer(clip=10.0), target_normalizer=af.WelfordNormalizer()
    )
    state = learner.init(1)
    for t in range(2000):
        x = np.float32([np.sin(t)])
        result = learner.update(state, x, 736_389.0 + 20_000.0 * x[0])
        assert not result.rejected
        state = result.state
    assert abs(float(result.error[0])) < 200.0


def test_no_target_leaves_the_statistics_of_its_head():
    learner = BUILD["heads"](target_normalizer=af.WelfordNormalizer())
    x, _ = data()
    state = learner.init(DIM, KEY)
    state = learner.update(state, x[0], np.float32([1.0, 2.0, 3.0])).state
    after = learner.update(state, x[1], np.float32([NAN, 5.0, NAN])).state
    kept, new = state.target_normalizer_state, after.target_normalizer_state
    for before, now in zip(jax.tree.leaves(kept), jax.tree.leaves(new), strict=True):
        assert_same_bits(before[np.array([0, 2])], now[np.array([0, 2])])
    assert list(new.sample_count) == [1, 2, 1]


@pytest.mark.parametrize("kind", BUILD)
def test_a_rejected_step_leaves_them_too(kind):
    learner = BUILD[kind](target_normalizer=af.EMANormalizer())
    x, _ = data()
    targets = np.float32([4e4, 1.0, 3.0])[: 3 if kind in MANY else 1]
    state = learner.update(learner.init(DIM, KEY), x[0], targets).state
    for wrong, value in ((x[1] * NAN, targets), (x[1], targets * np.float32(np.inf))):
        result = learner.update(state, wrong, value)
        assert result.rejected
        assert_same_bits(state.target_normalizer_state, result.state.target_normalizer_state)


@pytest.mark.parametrize("loss", ["logistic", "softmax", ("logistic", "logistic")], ids=str)
def test_probabilities_have_no_scale(loss):
    with pytest.raises(ValueError, match="`target_normalizer` must be None where all targets"):
        af.MultiHeadMLPLearner(2, loss=loss, target_normalizer=af.EMANormalizer())


@pytest.mark.parametrize("kind", BUILD)
def test_wrong_parts_and_states_are_named(kind):
    with pytest.raises(TypeError, match="`target_normalizer`"):
        BUILD[kind](target_normalizer=af.LMS())
    learner, plain = BUILD[kind](target_normalizer=af.EMANormalizer()), BUILD[kind]()
    y = np.zeros(3 if kind in MANY else 1, np.float32)
    for one, other in ((learner, plain), (plain, learner)):
        state = other.init(DIM, KEY)
        with pytest.raises(TypeError, match="`target_normalizer`; they go together"):
            one.update(state, np.zeros(DIM), y)


def test_a_huber_loss_learns_from_clipped_errors():
    """As a squared loss whose targets are no farther away."""
    x, y = data()
    y = np.float32(y[:, :2] / 100.0)
    delta = 0.3
    learner = af.MultiHeadMLPLearner(2, (5,), loss="huber", huber_delta=delta, **PARTS)
    plain = af.MultiHeadMLPLearner(2, (5,), **PARTS)
    state = other = learner.init(DIM, KEY)
    for t in range(STEPS):
        p = plain.predict(other, x[t])
        result = learner.update(state, x[t], y[t])
        np.testing.assert_allclose(result.errors, y[t] - result.predictions, rtol=1e-6)
        other = plain.update(other, x[t], p + jnp.clip(y[t] - p, -delta, delta)).state
        state = result.state
    for a, b in zip(weights(state), weights(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_each_head_has_its_own_loss():
    """What a head is told is what it is told where all heads have its loss."""
    x, losses = data()[0], ("squared", "huber", "logistic")
    mixed = af.MultiHeadMLPLearner(3, (), af.LMS(0.1), loss=losses, sparsity=0.0)
    state = mixed.init(DIM, KEY)
    targets = np.float32([5.0, 5.0, 1.0])
    found = mixed.update(state, x[0], targets)
    for i, loss in enumerate(losses):
        alone = af.MultiHeadMLPLearner(3, (), af.LMS(0.1), loss=loss, sparsity=0.0)
        told = np.where(np.arange(3) == i, targets, NAN)
        own = alone.update(state, x[0], np.float32(told))
        assert_same_bits(own.predictions[i], found.predictions[i])
        assert_same_bits(own.state.head_params.weights[i], found.state.head_params.weights[i])
    names = mixed.metrics(found.per_head_metrics)
    assert np.isnan(names.log_loss[:2]).all() and np.isfinite(names.log_loss[2])


@pytest.mark.parametrize("delta", [0.0, -1.0, NAN, "wide"], ids=repr)
def test_the_delta_of_a_huber_loss(delta):
    with pytest.raises((TypeError, ValueError), match="`huber_delta`"):
        af.MultiHeadMLPLearner(2, loss="huber", huber_delta=delta)
    with pytest.raises((TypeError, ValueError), match="`huber_delta`"):
        af.MultiHeadMLPLearner(2, huber_delta=1.0)
