"""Measures of a network's ability to learn on, against NumPy and by hand."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import alberta_framework as af
from tests.learners import network_cases, network_runs
from tests.learners.network_cases import CHUNK, DIM
from tests.trees import assert_same_bits

RNG = np.random.default_rng(0)
RANDOM = jnp.float32(RNG.normal(size=(30, 6)))
FLAT = jnp.float32(np.outer(RNG.normal(size=30), RNG.normal(size=6)))


def spectrum(*values):
    """Activations with the given singular values."""
    left = np.linalg.qr(np.random.default_rng(1).normal(size=(20, len(values))))[0]
    right = np.linalg.qr(np.random.default_rng(2).normal(size=(len(values), len(values))))[0]
    return jnp.float32(left @ np.diag(values) @ right)


def test_a_dormant_unit_is_far_below_the_mean_of_its_layer():
    activations = jnp.float32([[1.0, -0.2, 0.0, 0.05], [-3.0, 0.2, 0.0, -0.05]])
    # Means of |a|: 2, 0.2, 0 and 0.05, together 0.5625.
    for tau, share in ((0.0, 0.25), (0.08, 0.25), (0.09, 0.5), (0.35, 0.5), (0.36, 0.75), (4.0, 1)):
        assert af.dormant_fraction(activations, tau) == share
    # 0.05 / 0.5625 = 0.089 is more than the default.
    assert af.dormant_fraction(activations) == 0.25
    assert af.dormant_fraction(jnp.float32(RNG.normal(size=(50, 8)))) == 0.0


def test_a_unit_at_the_threshold_is_dormant():
    """Means of |a| 1 and 3: scores of 0.5 and 1.5."""
    activations = jnp.float32([[1.0, -3.0], [-1.0, 3.0]])
    assert af.dormant_fraction(activations, 0.5) == 0.5
    assert af.dormant_fraction(activations, 0.499) == 0.0


def test_a_dead_layer_is_dormant():
    assert af.dormant_fraction(jnp.zeros((4, 3)), 0.0) == 1.0
    assert af.dormant_fraction(jnp.zeros((4, 3))) == 1.0


def test_the_effective_rank_counts_equal_directions():
    for count in (1, 3, 6):
        ours = af.effective_rank(spectrum(*[2.0] * count, *[0.0] * (6 - count)))
        np.testing.assert_allclose(ours, count, rtol=1e-3)


@pytest.mark.parametrize("activations", [RANDOM, FLAT, RANDOM[:4], 1e3 * RANDOM], ids=range(4))
def test_ranks_are_those_of_the_singular_values(activations):
    sigma = np.linalg.svd(np.float64(activations), compute_uv=False)
    p = sigma[sigma > 1e-5 * sigma[0]] / sigma.sum()
    np.testing.assert_allclose(
        af.effective_rank(activations), np.exp(-np.sum(p * np.log(p))), rtol=1e-4
    )
    np.testing.assert_allclose(
        af.stable_rank(activations), np.sum(sigma**2) / sigma[0] ** 2, rtol=1e-5
    )
    shares = np.cumsum(sigma**2) / np.sum(sigma**2)
    for proportion in (0.5, 0.9, 0.99):
        expected = int(np.argmax(shares >= proportion)) + 1
        assert af.approximate_rank(activations, proportion) == expected
    assert af.approximate_rank(activations) == int(np.argmax(shares >= 0.99)) + 1


def test_ranks_of_a_known_spectrum():
    """Shares of sigma^2: 0.9, 0.08, 0.02."""
    activations = spectrum(*np.sqrt([0.9, 0.08, 0.02]))
    found = [int(af.approximate_rank(activations, p)) for p in (0.5, 0.89, 0.91, 0.97, 0.99)]
    assert found == [1, 1, 2, 2, 3]
    np.testing.assert_allclose(af.stable_rank(activations), 1 / 0.9, rtol=1e-5)


@pytest.mark.parametrize(
    "measure",
    [af.dormant_fraction, af.effective_rank, af.approximate_rank, af.stable_rank],
    ids=lambda measure: measure.__name__,
)
def test_arrays_of_numpy_serve_as_well(measure):
    assert measure(np.asarray(RANDOM)) == measure(RANDOM)


def test_sample_plasticity_is_the_share_of_the_loss_that_an_update_removes():
    for before, after, expected in (
        (2.0, 0.5, 0.75),
        (2.0, 2.0, 0.0),
        (2.0, 3.0, 0.0),
        (1.0, 0.0, 1.0),
        (0.0, 0.0, 1.0),
        (0.0, 1.0, 0.0),
    ):
        np.testing.assert_allclose(af.sample_plasticity(before, after), expected, rtol=1e-6)
    batch = af.sample_plasticity(jnp.array([2.0, 2.0]), jnp.array([0.5, 3.0]))
    np.testing.assert_allclose(batch, [0.75, 0.0], rtol=1e-6)


def test_weight_magnitudes_by_layer():
    params = af.MLPParams(
        (jnp.array([[1.0, -3.0], [0.0, 2.0]]), jnp.array([[-4.0, 1.0]])),
        (jnp.array([0.5, -1.5]), jnp.array([-2.0])),
    )
    magnitude = af.weight_magnitude(params)
    np.testing.assert_allclose(magnitude.weights, [1.5, 2.5], rtol=1e-6)
    np.testing.assert_allclose(magnitude.biases, [1.0, 2.0], rtol=1e-6)


CASES = [
    network_cases.Case(network_cases.IDBD, network_cases.EMA, hidden_sizes=(8, 6)),
    network_cases.MultiHeadCase(network_cases.AUTOSTEP, network_cases.WELFORD),
    network_cases.MultiHeadCase(network_cases.LMS, hidden_sizes=(8, 6)),
]
OBSERVATIONS = network_cases.regression(CASES[0], CHUNK, seed=3)[0]
NAMES = ("minimum", "lower_quartile", "median", "upper_quartile", "maximum")


def parts(case, state):
    """Parameters and optimizer states of the hidden layers."""
    layers = len(case.hidden_sizes)
    if case.targets:
        return state.trunk_params, state.trunk_optimizer_states
    params = af.MLPParams(state.params.weights[:layers], state.params.biases[:layers])
    return params, state.optimizer_states[: 2 * layers]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_report_gathers_them_for_every_hidden_layer(case):
    learner, state = network_runs.experienced(case)
    before = jax.tree.map(np.array, state)
    report = af.compute_plasticity(learner, state, OBSERVATIONS)
    assert_same_bits(state, before)

    params, optimizers = parts(case, state)
    x, layer = np.float64(OBSERVATIONS), []
    if case.normalizer is not None:
        known = state.normalizer_state
        std = np.sqrt(np.float64(known.var))
        x = (x - np.float64(known.mean)) / (std + learner.normalizer.epsilon)
    for w, b in zip(params.weights, params.biases, strict=True):
        u = x @ np.float64(w).T + np.float64(b)
        u = (u - u.mean(axis=1, keepdims=True)) / np.sqrt(u.var(axis=1, keepdims=True) + 1e-5)
        x = np.where(u >= 0, u, 0.01 * u)
        layer.append(x)
    layer = [jnp.asarray(a, jnp.float32) for a in layer]
    for name in ("dormant_fraction", "effective_rank", "stable_rank"):
        expected = [getattr(af, name)(a) for a in layer]
        np.testing.assert_allclose(getattr(report, name), expected, rtol=1e-4, atol=1e-6)
    magnitude = af.weight_magnitude(params)
    assert_same_bits(report.weight_magnitude, magnitude)
    for i, (entry, tensor) in enumerate(zip(optimizers, tensors(params), strict=True)):
        alphas = np.broadcast_to(learner.optimizer.step_sizes(entry), tensor.shape)
        expected = np.quantile(alphas, [0, 0.25, 0.5, 0.75, 1])
        np.testing.assert_allclose(report.step_sizes[i], expected, rtol=1e-4)


def tensors(params):
    return [t for pair in zip(params.weights, params.biases, strict=True) for t in pair]


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_a_report_is_made_inside_compiled_code(case):
    learner, state = network_runs.experienced(case)
    report = af.compute_plasticity(learner, state, OBSERVATIONS)
    compiled = jax.jit(af.compute_plasticity)(learner, state, OBSERVATIONS)
    for ours, expected in zip(jax.tree.leaves(compiled), jax.tree.leaves(report), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-6)


def test_a_report_as_a_dictionary():
    learner, state = network_runs.experienced(CASES[1])
    report = af.compute_plasticity(learner, state, OBSERVATIONS)
    told = report.to_dict()
    assert json.loads(json.dumps(told)) == told
    assert told["effective_rank"] == [float(v) for v in report.effective_rank]
    assert told["weight_magnitude"]["weights"] == [float(report.weight_magnitude.weights[0])]
    assert list(told["step_sizes"]) == ["w0", "b0"]
    for row, name in enumerate(told["step_sizes"]):
        expected = dict(zip(NAMES, map(float, report.step_sizes[row]), strict=True))
        assert told["step_sizes"][name] == expected


def test_a_dead_network_shows():
    """Weights of zero: nothing of the input is left in the hidden layer."""
    case = CASES[2]
    learner = case.build(use_layer_norm=False)
    params = case.parameters()
    params["trunk_params"] = jax.tree.map(jnp.zeros_like, params["trunk_params"])
    state = network_runs.begin(learner, params)
    report = af.compute_plasticity(learner, state, OBSERVATIONS)
    np.testing.assert_array_equal(report.dormant_fraction, [1.0, 1.0])
    np.testing.assert_array_equal(report.weight_magnitude.weights, [0.0, 0.0])
    assert np.all(np.isfinite(report.effective_rank))


def test_observations_of_the_wrong_size():
    learner = CASES[1].build()
    state = network_runs.begin(learner, CASES[1].parameters())
    for wrong in (np.zeros((4, DIM + 1), np.float32), np.zeros(DIM, np.float32)):
        with pytest.raises((TypeError, ValueError), match="observation"):
            af.compute_plasticity(learner, state, wrong)
