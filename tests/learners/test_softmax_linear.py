"""Softmax regression: as its equations say, and what is no class."""

import jax
import numpy as np
import pytest

import alberta_framework as af
from tests.bounders import cases as bounder_cases
from tests.learners import cases, runs
from tests.normalizers import cases as normalizer_cases
from tests.oracles import softmax_linear
from tests.trees import assert_same_bits, lane

CLASSES = 3
EMA = normalizer_cases.KINDS[0]
OBGD = bounder_cases.Case("ObGDBounding", {})


def labelled(steps, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(steps, cases.DIM))
    scores = x @ rng.normal(size=(cases.DIM, CLASSES)) + 0.5 * rng.normal(size=(steps, CLASSES))
    return np.float32(x), np.float32(scores.argmax(axis=1))


def build(optimizer, normalizer=None, bounder=None):
    return af.SoftmaxLinearLearner(
        CLASSES, optimizer.build(), normalizer and normalizer.build(), bounder and bounder.build()
    )


@pytest.mark.parametrize("normalizer, bounder", [(None, None), (EMA, OBGD)], ids=str)
@pytest.mark.parametrize("optimizer", cases.OPTIMIZERS, ids=str)
def test_learns_as_its_equations_say(optimizer, normalizer, bounder):
    x, labels = labelled(2 * cases.CHUNK)
    learner = build(optimizer, normalizer, bounder)
    oracle = softmax_linear.SoftmaxLinearLearner(
        CLASSES,
        cases.DIM,
        optimizer.oracle,
        normalizer and normalizer.oracle(cases.DIM),
        bounder and bounder.oracle,
    )
    state, results = runs.run_in_chunks(
        learner, learner.init(cases.DIM), x, labels, chunk=cases.CHUNK
    )
    rows = [oracle.update(now, int(label)) for now, label in zip(x, labels, strict=True)]
    predictions, errors, metrics = map(np.array, zip(*rows, strict=True))
    np.testing.assert_allclose(results.predictions, predictions, atol=1e-4)
    np.testing.assert_allclose(results.errors, errors, atol=1e-4)
    np.testing.assert_allclose(results.metrics, metrics, rtol=2e-3, atol=1e-4)
    for k, one in enumerate(oracle.classes):
        np.testing.assert_allclose(state.weights[k], one.weights, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(state.bias[k], one.bias, rtol=1e-3, atol=1e-4)
    assert (state.step_count, state.rejected_count) == (len(x), 0)


def test_with_lms_it_is_the_network_without_hidden_layers():
    x, labels = labelled(cases.CHUNK)
    network = af.MultiHeadMLPLearner(CLASSES, (), af.LMS(0.1), loss="softmax", sparsity=1.0)
    learner = af.SoftmaxLinearLearner(CLASSES, af.LMS(0.1))
    one_hot = np.eye(CLASSES)[labels.astype(int)]
    _, ours = runs.run(network, network.init(cases.DIM, jax.random.key(0)), x, np.float32(one_hot))
    _, linear = runs.run(learner, learner.init(cases.DIM), x, labels)
    np.testing.assert_allclose(ours.predictions, linear.predictions, rtol=1e-5)
    np.testing.assert_allclose(ours.per_head_metrics[:, 0, 3:], linear.metrics[:, :2], rtol=1e-5)


@pytest.mark.parametrize("label", [-1, CLASSES, 0.5, 1e30, np.nan, np.inf, -np.inf])
def test_what_is_no_class_is_rejected(label):
    learner = build(cases.OPTIMIZERS[1], EMA)
    x, labels = labelled(cases.CHUNK)
    state, _ = runs.run(learner, learner.init(cases.DIM), x, labels)
    result = learner.update(state, x[0], label)
    assert result.rejected and result.state.rejected_count == 1
    assert_same_bits(result.state.replace(life=state.life), state)
    assert np.all(np.isnan(result.metrics)) and np.all(np.isnan(result.predictions))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
def test_what_is_no_observation_is_rejected(value):
    learner = build(cases.OPTIMIZERS[0], EMA)
    x, _ = labelled(1)
    state = learner.init(cases.DIM)
    x[0, 1] = value
    result = learner.update(state, x[0], 1)
    assert result.rejected
    assert_same_bits(result.state.replace(life=state.life), state)


def test_every_number_of_it_can_be_swept():
    x, labels = labelled(cases.CHUNK)

    def run(step_size):
        learner = af.SoftmaxLinearLearner(CLASSES, af.IDBD(step_size, 0.02))
        return runs.updates(learner, learner.init(cases.DIM), x, labels)[1].metrics

    values = np.float32([0.01, 0.1])
    swept = jax.vmap(run)(values)
    for i, value in enumerate(values):
        np.testing.assert_allclose(lane(swept, i), run(value), rtol=1e-5, atol=1e-6)


def test_the_loops_and_their_histories_take_it():
    data = af.LabelledArrays(*labelled(50), n_classes=CLASSES)
    stream = af.PermutedClassificationStream(data, 1000, one_hot=False)
    learner = af.SoftmaxLinearLearner(CLASSES, af.Autostep(0.1), af.EMANormalizer())
    state, metrics, sizes, statistics = af.run_learning_loop(
        learner,
        stream,
        200,
        jax.random.key(0),
        step_size_tracking=af.StepSizeTrackingConfig(50),
        normalizer_tracking=af.NormalizerTrackingConfig(50),
    )
    named = learner.metrics(metrics)
    assert list(named) == ["log_loss", "accuracy", "squared_error", "mean_step_size"]
    assert named.accuracy[-100:].mean() > named.accuracy[:20].mean()
    assert sizes.step_sizes.shape == sizes.normalizers.shape == (4, CLASSES, cases.DIM)
    assert sizes.bias_step_sizes.shape == (4, CLASSES) and statistics.means.shape == (4, cases.DIM)
    np.testing.assert_allclose(
        learner.input_step_sizes(state), state.optimizer_state.step_sizes.mean(axis=0), rtol=1e-6
    )


@pytest.mark.parametrize("n_classes, kind", [(1, ValueError), (2.0, TypeError), (True, TypeError)])
def test_a_wrong_number_of_classes_is_named(n_classes, kind):
    with pytest.raises(kind, match="SoftmaxLinearLearner: `n_classes` must be an integer >= 2"):
        af.SoftmaxLinearLearner(n_classes)


def test_its_configuration_comes_back():
    learner = build(cases.OPTIMIZERS[1], EMA, OBGD)
    config = learner.to_config()
    assert list(config) == ["type", "n_classes", "optimizer", "normalizer", "bounder"]
    assert af.from_config(config) == learner
