"""Heads with a logistic or a softmax loss: as their equations say, and what may be their target."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.learners.losses import loss_of
from tests.learners import network_cases, network_runs
from tests.learners.network_cases import CHUNK, DIM, HEADS
from tests.trees import assert_leaves_close, assert_same_bits

NAN = np.nan
X = np.float32([0.5, -1.0, 2.0, 0.0, 1.0])


def cases(loss):
    chosen = ("loss", loss)
    return [
        network_cases.MultiHeadCase(network_cases.LMS, None, None, arguments=(chosen,)),
        network_cases.MultiHeadCase(
            network_cases.IDBD,
            network_cases.EMA,
            network_cases.OBGD,
            hidden_sizes=(8, 6),
            arguments=(chosen, *network_cases.HEAD_DECAYS),
        ),
        network_cases.MultiHeadCase(
            network_cases.AUTOSTEP,
            network_cases.WELFORD,
            network_cases.AGC,
            network_cases.LMS,
            (),
            (chosen, *network_cases.TRACES, ("use_bias", False)),
        ),
    ]


def labelled(loss, steps, seed=0):
    """Observations, and targets of three classes whose borders bend; some are not told."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(steps, DIM)) * [1.0, 2.0, 0.3, 1.0, 0.5]
    scores = np.tanh(x @ rng.normal(size=(DIM, 6))) @ rng.normal(size=(6, HEADS))
    one_hot = scores == scores.max(axis=1, keepdims=True)
    y = 0.1 / HEADS + 0.9 * one_hot if loss == "softmax" else 1.0 * (scores > 0)
    y[rng.random(y.shape) < 0.1] = NAN
    return np.float32(x), np.float32(y)


def expected_metrics(loss, outputs, y):
    """Log loss and accuracy of each head in float64, from what the heads put out."""
    told, rows = ~np.isnan(y), np.full((HEADS, 2), NAN)
    if loss == "logistic":
        p = 1.0 / (1.0 + np.exp(-outputs))
        for i in np.flatnonzero(told):
            rows[i, 0] = -y[i] * np.log(p[i]) - (1.0 - y[i]) * np.log1p(-p[i])
            rows[i, 1] = (p[i] > 0.5) == (y[i] > 0.5)
    elif told.any():
        p = np.exp(outputs - outputs.max())
        p /= p.sum()
        # Classes that are not told are one class: what is left of the targets is its target.
        shares, targets = list(p[told]), list(y[told].astype(np.float64))
        if not told.all():
            shares, targets = [*shares, p[~told].sum()], [*targets, 1.0 - sum(targets)]
        place = int(np.argmax(p))
        counted = targets[int(told[:place].sum())] if told[place] else targets[-1]
        rows[:] = -np.dot(targets, np.log(shares)), counted == max(targets)
    return rows


@pytest.mark.parametrize(
    "loss, case",
    [(loss, case) for loss in ("softmax", "logistic") for case in cases(loss)],
    ids=str,
)
def test_learns_as_its_equations_say(loss, case):
    x, y = labelled(loss, 2 * CHUNK)
    learner = case.build()
    state = network_runs.begin(learner, case.parameters())
    oracle = case.oracle(state)
    state, results = network_runs.run_in_chunks(learner, state, x, y)
    rows = [oracle.update(*now) for now in zip(x, y, strict=True)]
    predictions, errors, metrics, factors = map(np.array, zip(*rows, strict=True))
    np.testing.assert_allclose(results.predictions, predictions, atol=1e-4)
    np.testing.assert_allclose(results.errors, errors, atol=1e-4)
    np.testing.assert_allclose(results.per_head_metrics[..., :3], metrics, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(results.trunk_bounding_metric, factors, rtol=1e-3)
    assert np.ptp(predictions) > 0.3 and (state.step_count, state.rejected_count) == (2 * CHUNK, 0)
    for i, head in enumerate(oracle.heads):
        np.testing.assert_allclose(state.head_params.weights[i], head.weights, atol=1e-3)
        for a, b in zip(state.head_traces[i], head.traces, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
    for ours, expected in zip(state.trunk_params.weights, oracle.trunk.weights, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3)
    # Outputs up to a constant, which a softmax does not see.
    p = results.predictions.astype(np.float64)
    outputs = np.log(p) if loss == "softmax" else np.log(p) - np.log1p(-p)
    told = [expected_metrics(loss, *now) for now in zip(outputs, y, strict=True)]
    np.testing.assert_allclose(results.per_head_metrics[..., 3:], told, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("loss", ["softmax", "logistic", ("squared", "logistic", "logistic")])
@pytest.mark.parametrize(
    "y", [(0.1, 0.2, 0.7), (0.0, 1.0, 0.0), (0.3, NAN, 0.2), (NAN, NAN, 0.0)], ids=str
)
def test_the_error_is_minus_the_gradient_of_the_loss(loss, y):
    """By finite differences in float64, of the loss as it is told."""
    outputs, y, chosen = np.array([0.7, -1.3, 0.2]), np.array(y), loss_of(loss)
    told, epsilon = ~np.isnan(y), 1e-5

    def total(z):
        losses = np.array(chosen.metrics(jnp.asarray(z), jnp.asarray(y)))[:, 0]
        return losses[told][0] if chosen.of_all else np.nansum(losses)

    with jax.enable_x64(True):
        errors = y - np.asarray(chosen.predictions(jnp.asarray(outputs)))
        for i in np.flatnonzero(told):
            if loss[i] == "squared":
                continue
            nudge = epsilon * (np.arange(HEADS) == i)
            slope = (total(outputs + nudge) - total(outputs - nudge)) / (2 * epsilon)
            np.testing.assert_allclose(errors[i], -slope, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("size", [50.0, 1e4, 1e30])
def test_the_log_loss_of_certain_mistakes_is_finite_and_exact(size):
    outputs = jnp.float32([size, -size, 0.0])
    wrong = jnp.float32([0.0, 1.0, 0.0])
    softmax = loss_of("softmax").metrics(outputs, wrong)
    logistic = loss_of("logistic").metrics(outputs, wrong)
    np.testing.assert_allclose(softmax, np.tile([2 * size, 0.0], (3, 1)), rtol=1e-6)
    expected = [[size, 0.0], [size, 0.0], [np.log(2.0), 1.0]]
    np.testing.assert_allclose(logistic, expected, rtol=1e-6)
    right = loss_of("softmax").metrics(outputs, wrong[::-1].at[0].set(1.0).at[1].set(0.0))
    np.testing.assert_allclose(right, np.tile([0.0, 1.0], (3, 1)))


GOOD = {
    "softmax": [(0, 1, 0), (0.2, 0.3, 0.5), (NAN, 0.3, NAN), (NAN, NAN, 0), (NAN, NAN, NAN)],
    "logistic": [(0, 1, 0), (1, 1, 1), (0, 0, 0), (0.2, NAN, 0.9), (NAN, NAN, NAN)],
    ("logistic", "squared", "squared"): [(1, -7, 1e6), (NAN, 3, 2), (0, NAN, NAN)],
}
BAD = {
    "softmax": [
        (0, 2, 0),
        (-0.1, 1, 0.1),
        (0, 0, 0),
        (1, 1, 0),
        (0.9, 0.9, NAN),
        (NAN, NAN, 1.5),
        (np.inf, 0, 0),
    ],
    "logistic": [(0, 1.001, 0), (-1, NAN, NAN), (NAN, np.inf, NAN), (2, 0, 0)],
    ("logistic", "squared", "squared"): [(2, 0, 0), (-1, NAN, NAN), (0, np.inf, 0)],
}


@pytest.mark.parametrize("loss", GOOD, ids=str)
def test_what_is_no_probability_is_rejected(loss):
    case = network_cases.MultiHeadCase(network_cases.IDBD, network_cases.EMA, network_cases.OBGD)
    learner = case.build(loss=loss)
    state = network_runs.begin(learner, case.parameters())
    rows = np.float32([*GOOD[loss], *BAD[loss]])
    results = network_runs.update_lanes(learner, state, np.tile(X, (len(rows), 1)), rows)
    good = np.arange(len(rows)) < len(GOOD[loss])
    np.testing.assert_array_equal(results.rejected, ~good)
    told = ~np.isnan(rows)
    np.testing.assert_array_equal(np.isnan(results.errors), ~(told & good[:, None]))
    for i in np.flatnonzero(~good):
        after = jax.tree.map(lambda leaf, i=i: leaf[i], results.state)
        assert after.rejected_count == state.rejected_count + 1
        assert_same_bits(after.replace(life=state.life), state)
        assert np.all(np.isnan(results.per_head_metrics[i]))
    # Nothing told, nothing learned; but a step all the same.
    if not np.any(told[len(GOOD[loss]) - 1]):
        after = jax.tree.map(lambda leaf: leaf[len(GOOD[loss]) - 1], results.state)
        assert_leaves_close(after.head_params, state.head_params, relative=0, absolute=0)
        assert_leaves_close(after.trunk_params, state.trunk_params, relative=0, absolute=0)
        assert after.step_count == state.step_count + 1


def test_metrics_have_names_and_a_softmax_one_of_each_for_all_heads():
    case = network_cases.MultiHeadCase(network_cases.LMS, None, None)
    names = ["squared_error", "error", "mean_step_size", "log_loss", "accuracy"]
    for loss in ("softmax", "logistic", ("logistic", "squared", "logistic")):
        learner = case.build(loss=loss)
        state = network_runs.begin(learner, case.parameters())
        y = np.float32([NAN, 1.0, 0.0])
        result = learner.update(state, X, y)
        metrics = learner.metrics(result.per_head_metrics)
        assert list(metrics) == names
        shape = () if loss == "softmax" else (HEADS,)
        assert metrics.accuracy.shape == metrics.log_loss.shape == shape
        assert result.per_head_metrics.shape == (HEADS, 5)
        none, *told = af.multi_head_metrics_to_dicts(result)
        assert none is None and list(told[1]) == names
        if loss == "softmax":  # of the prediction as a whole, whichever classes are told
            assert len(np.unique(result.per_head_metrics[:, 3])) == 1
        else:
            untold = [True, *(kind == "squared" for kind in loss[1:])]
            untold = [True, False, False] if loss == "logistic" else untold
            np.testing.assert_array_equal(np.isnan(metrics.log_loss), untold)
    squared = case.build().metrics(np.zeros((7, HEADS, 3)))
    assert list(squared) == names[:3]


def test_histories_of_lanes_and_windows_have_the_names_too():
    x, y = labelled("softmax", CHUNK)
    learner = network_cases.MultiHeadCase(network_cases.LMS, None, None).build(loss="softmax")
    keys = jax.random.split(jax.random.key(0), 2)
    every = af.run_multi_head_learning_loop_batched(learner, x, y, keys)
    windows = af.run_multi_head_learning_loop_batched(learner, x, y, keys, record_window=10)
    one = learner.metrics(every.per_head_metrics)
    means = learner.metrics(windows.per_head_metrics)
    assert one.accuracy.shape == (2, CHUNK) and one.error.shape == (2, CHUNK, HEADS)
    expected = np.nanmean(np.reshape(one.log_loss, (2, 4, 10)), axis=-1)
    np.testing.assert_allclose(means.log_loss, expected, rtol=1e-5)


@pytest.mark.parametrize(
    "loss, message",
    [
        ("hinge", "`loss` must be one of"),
        (None, "`loss` must be one of"),
        (("squared", "logistic"), "one for each of the 3 heads, got 2"),
        (("squared", "softmax", "squared"), "got 'softmax'"),
        ((), "got 0"),
    ],
)
def test_a_wrong_loss_is_named(loss, message):
    with pytest.raises(ValueError, match=message):
        af.MultiHeadMLPLearner(3, loss=loss)


def test_a_softmax_of_one_class_is_refused():
    with pytest.raises(ValueError, match="two heads or more"):
        af.MultiHeadMLPLearner(1, loss="softmax")


@pytest.mark.parametrize("loss", ["squared", "softmax", ("squared", "logistic", "logistic")])
def test_the_loss_is_in_the_configuration_where_it_is_told(loss):
    learner = af.MultiHeadMLPLearner(3, (4,), loss=loss)
    config = learner.to_config()
    assert config.get("loss", "squared") == (loss if isinstance(loss, str) else list(loss))
    assert af.from_config(config) == learner
    given_as_list = af.MultiHeadMLPLearner(3, (4,), loss=loss if isinstance(loss, str) else [*loss])
    assert given_as_list == learner


def test_digits_are_learned():
    pytest.importorskip("sklearn")
    stream = af.PermutedClassificationStream(af.Digits(), change_interval=10_000)
    learner = af.MultiHeadMLPLearner(
        10, (32,), af.LMS(0.02), loss="softmax", normalizer=af.EMANormalizer(), sparsity=0.5
    )
    run = af.learn(learner, stream, 6000, jax.random.key(0), record_window=2000)
    assert np.asarray(run.metrics.accuracy)[-1] > 0.9
