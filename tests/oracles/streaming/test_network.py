import numpy as np
import pytest

from .lives import random_network
from .network import Linear, Network
from .policies import Gaussian, Softmax
from .trees import flatten

STEP = 1e-5


def central(f, leaves):
    """The gradient of f(leaves) by central differences, entry by entry."""
    gradient = []
    for leaf in leaves:
        g = np.zeros(leaf.shape)
        for at in np.ndindex(leaf.shape):
            kept = leaf[at]
            leaf[at] = kept + STEP
            above = f(leaves)
            leaf[at] = kept - STEP
            g[at] = (above - f(leaves)) / (2 * STEP)
            leaf[at] = kept
        gradient.append(g)
    return gradient


def close(leaves, others, tolerance):
    for a, b in zip(leaves, others, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def test_a_layer_is_normalized_by_its_biased_variance_before_the_activation():
    """Pre-activations 1, 2, 6 have mean 3 and biased variance 14/3."""
    params = flatten([(np.diag([1.0, 2.0, 5.0]), [0, 0, 1]), ([[1.0, 10.0, 100.0]], [7.0])])
    u = np.array([-2.0, -1.0, 3.0]) / np.sqrt(14 / 3 + 1e-5)
    expected = 0.1 * u[0] + 1.0 * u[1] + 100 * u[2] + 7
    value = Network(slope=0.1).forward(params, np.ones(3))
    np.testing.assert_allclose(value, [expected], rtol=1e-15)


@pytest.mark.parametrize("sizes", [(3, 2), (3, 5, 2), (4, 6, 5, 3)])
@pytest.mark.parametrize("layer_norm", [True, False])
@pytest.mark.parametrize("unit_features", [True, False])
def test_gradients_are_those_of_central_differences(sizes, layer_norm, unit_features):
    rng = np.random.default_rng(sum(sizes))
    network = Network(layer_norm=layer_norm, unit_features=unit_features)
    params, x = random_network(rng, sizes), rng.normal(size=sizes[0])
    weights = rng.normal(size=sizes[-1])
    leaves, by_input = network.gradients(params, x, weights)
    # differences of step h leave h^2 times the third derivative
    close(leaves, central(lambda p: weights @ network.forward(p, x), params), 1e-7)
    close([by_input], central(lambda p: weights @ network.forward(params, p[0]), [x]), 1e-7)


def test_the_gradient_of_a_linear_function_is_its_input():
    x = np.array([1.0, -2.0])
    w = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    (gradient,), by_input = Linear().gradients([w], x, np.array([0.0, 1.0, 0.0]))
    np.testing.assert_array_equal(gradient, [[0, 0], [1, -2], [0, 0]])
    np.testing.assert_array_equal(by_input, [3, 4])


@pytest.mark.parametrize(
    ("policy", "action"), [(Softmax(), 1), (Gaussian(), np.array([0.4, -1.3]))]
)
def test_policy_gradients_are_those_of_central_differences(policy, action):
    rng = np.random.default_rng(3)
    network, params, x = Network(), random_network(rng, (3, 5, 4)), rng.normal(size=3)
    outputs = network.forward(params, x)
    for value, weights in (
        (
            lambda p: policy.log_probability(network.forward(p, x), action),
            policy.log_probability_gradient(outputs, action),
        ),
        (
            lambda p: policy.entropy(network.forward(p, x)),
            policy.entropy_gradient(outputs),
        ),
    ):
        # as above
        close(network.gradient(params, x, weights), central(value, params), 1e-7)


def test_densities_integrate_to_one_and_entropies_are_their_means():
    outputs = np.array([0.3, -0.7])
    a = np.linspace(-12, 12, 200_001)
    log_p = np.array(
        [Gaussian().log_probability(outputs, a[k : k + 1]) for k in range(0, len(a), 50)]
    )
    cell = 50 * (a[1] - a[0])
    np.testing.assert_allclose(np.sum(np.exp(log_p)) * cell, 1.0, rtol=1e-9)
    entropy = -np.sum(np.exp(log_p) * log_p) * cell
    np.testing.assert_allclose(Gaussian().entropy(outputs), entropy, rtol=1e-9)

    preferences = np.array([1.0, 2.0, -3.0])
    p = np.exp([Softmax().log_probability(preferences, k) for k in range(3)])
    np.testing.assert_allclose(p, Softmax().probabilities(preferences), rtol=1e-14)
    np.testing.assert_allclose(Softmax().entropy(preferences), -np.sum(p * np.log(p)), rtol=1e-14)
