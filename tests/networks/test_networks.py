"""Networks of streaming agents against float64, by finite differences, and by the laws."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests.compilations import count_compilations
from tests.oracles import mlp as oracle
from tests.trees import assert_same_bits

MLP = af.StreamMLP((5, 4), 3, sparsity=0.5)
LINEAR = af.StreamMLP((), 2, sparsity=0.0)
PLAIN = af.StreamMLP((6,), 1, sparsity=0.2, leaky_relu_slope=0.2, use_layer_norm=False)
GAME = af.MinAtarNetwork((5, 6, 2), 3, filters=4, hidden_size=7, sparsity=0.5)
NARROW = af.MinAtarNetwork(
    (3, 4, 1), 2, 3, 5, sparsity=0.0, leaky_relu_slope=0.3, use_layer_norm=False
)
CASES = [(MLP, 6), (LINEAR, 6), (PLAIN, 6), (GAME, 60), (NARROW, 12)]
IDS = ["two layers", "linear", "plain", "game", "narrow game"]
each = pytest.mark.parametrize("network, dim", CASES, ids=IDS)


def weighted(network, dim, seed=0):
    """Weights with biases that are not 0, and features."""
    params = network.init(dim, jr.key(seed))
    rng = np.random.default_rng(seed)
    biases = tuple(jnp.float32(rng.normal(size=b.shape)) for b in params.biases)
    return params.replace(biases=biases), jnp.float32(rng.normal(size=dim))


def normalized(u, network):
    if network.use_layer_norm:
        u = (u - u.mean()) / np.sqrt(u.var() + oracle.EPSILON)
    return np.where(u >= 0, u, float(network.leaky_relu_slope) * u)


def maps(network, filters, biases, x):
    """Every filter in every place, by loops: rows, columns, channels of the picture."""
    height, width, channels = network.shape
    picture = np.float64(x).reshape(network.shape)
    kernels = np.float64(filters).reshape(-1, 3, 3, channels)
    found = np.zeros((len(kernels), height - 2, width - 2))
    for f, kernel in enumerate(kernels):
        for i in range(height - 2):
            for j in range(width - 2):
                found[f, i, j] = np.sum(kernel * picture[i : i + 3, j : j + 3]) + biases[f]
    return found.ravel()


def in_float64(network, params, x):
    """Outputs and the last hidden layer, with the weights as NumPy arrays."""
    weights, biases = list(params.weights), list(params.biases)
    x = np.float64(x)
    if isinstance(network, af.MinAtarNetwork):
        x = normalized(maps(network, weights.pop(0), biases.pop(0), x), network)
    slope, layer_norm = float(network.leaky_relu_slope), network.use_layer_norm
    h, _ = oracle.Trunk(weights[:-1], biases[:-1], slope, layer_norm).forward(x)
    return np.float64(weights[-1]) @ h + np.float64(biases[-1]), h


@each
def test_outputs_and_hidden_layer(network, dim):
    params, x = weighted(network, dim)
    outputs, hidden = in_float64(network, params, x)
    np.testing.assert_allclose(network.apply(params, x), outputs, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(network.hidden(params, x), hidden, rtol=1e-5, atol=1e-5)
    assert network.apply(params, x).dtype == network.hidden(params, x).dtype == jnp.float32


@each
def test_gradients_are_those_of_the_float64_function(network, dim):
    """By central differences in float64, along random directions in all weights together."""
    params, x = weighted(network, dim)
    rng = np.random.default_rng(3)
    mix = rng.normal(size=network.n_out)
    gradient = jax.grad(lambda p: jnp.sum(jnp.float32(mix) * network.apply(p, x)))(params)
    exact = jax.tree.map(np.float64, params)
    for _ in range(5):
        along = jax.tree.map(lambda w: rng.normal(size=w.shape), exact)
        ahead, behind = (
            jax.tree.map(lambda w, d, step=step: w + step * d, exact, along)
            for step in (1e-6, -1e-6)
        )
        values = [mix @ in_float64(network, moved, x)[0] for moved in (ahead, behind)]
        expected = (values[0] - values[1]) / 2e-6
        pairs = zip(jax.tree.leaves(gradient), jax.tree.leaves(along), strict=True)
        found = sum(np.sum(np.float64(g) * d) for g, d in pairs)
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)


def test_the_sizes_of_the_published_network_for_minatar():
    network = af.MinAtarNetwork((10, 10, 4), 6)
    params = jax.eval_shape(lambda: network.init(400, jr.key(0)))
    assert [w.shape for w in params.weights] == [(16, 36), (128, 1024), (6, 128)]
    assert [b.shape for b in params.biases] == [(16,), (128,), (6,)]


def test_the_convolution_is_that_of_xla():
    params, x = weighted(GAME, 60)
    kernel = jnp.moveaxis(params.weights[0].reshape(4, 3, 3, 2), 0, -1)
    xla = jax.lax.conv_general_dilated(
        x.reshape(1, 5, 6, 2), kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    expected = np.moveaxis(np.asarray(xla)[0], -1, 0).reshape(4, -1)
    ours = maps(GAME, params.weights[0], np.zeros(4), x).reshape(4, -1)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def zeros(weights):
    return np.sum(np.asarray(weights) == 0, axis=1).tolist()


@each
def test_every_unit_of_every_layer_is_sparse(network, dim):
    params = network.init(dim, jr.key(1))
    assert not any(np.any(b) for b in params.biases)
    for weights in params.weights:
        fan_out, fan_in = weights.shape
        share = {0.5: -(-fan_in // 2), 0.0: 0, 0.2: -(-fan_in // 5)}[network.sparsity]
        assert zeros(weights) == [share] * fan_out
        assert np.abs(weights).max() <= fan_in**-0.5


@pytest.mark.parametrize(
    "rounding, min_inputs, expected",
    [("ceil", 0, 5), ("ceil", 1, 4), ("ceil", 3, 2), ("ceil", 9, 0), ("nearest", 0, 5)],
)
def test_the_inputs_of_a_unit_of_few(rounding, min_inputs, expected):
    network = af.StreamMLP((32, 32), 2, rounding=rounding, min_inputs=min_inputs)
    first, second, last = network.init(5, jr.key(0)).weights
    assert set(zeros(first)) == {expected}
    assert set(zeros(second)) == set(zeros(last)) == {min(29, 32 - min_inputs)}


@pytest.mark.parametrize("fan_in", [1, 5, 6, 9, 10, 11, 20, 100])
@pytest.mark.parametrize("sparsity", [0.0, 0.05, 0.55, 0.9, 1, 1.0])
def test_rounded_up_is_that_of_the_decimal(fan_in, sparsity):
    weights = af.sparse_init(jr.key(0), (2, fan_in), sparsity, rounding="ceil")
    hundredths = round(100 * sparsity)
    assert zeros(weights) == [-(-hundredths * fan_in // 100)] * 2


def test_a_network_of_few_features_is_not_silent():
    """With five features the first layer is all 0: only biases learn there, and their gradient
    flows."""
    network = af.StreamMLP((32,), 2)
    params = network.init(5, jr.key(0))
    assert not np.any(params.weights[0])
    one = af.StreamMLP((32,), 2, min_inputs=1).init(5, jr.key(0)).weights[0]
    assert zeros(one) == [4] * 32


def test_the_layers_are_drawn_as_those_of_learners():
    network = af.StreamMLP((5, 4), 1, sparsity=0.5, rounding="nearest")
    learner = af.MLPLearner((5, 4), sparsity=0.5)
    assert_same_bits(network.init(6, jr.key(7)), learner.init(6, jr.key(7)).params)


@pytest.mark.parametrize("network, dim", [(MLP, 6), (GAME, 60)], ids=["MLP", "game"])
def test_the_slope_is_a_leaf(network, dim):
    params, x = weighted(network, dim)
    slopes = jnp.float32([0.0, 0.01, 1.0])

    def sloped(slope):
        return eqx.tree_at(lambda n: n.leaky_relu_slope, network, slope)

    swept = eqx.filter_vmap(lambda slope: sloped(slope).apply(params, x))(slopes)
    for lane, slope in enumerate([0, 0.01, 1]):
        np.testing.assert_allclose(swept[lane], sloped(slope).apply(params, x), atol=1e-6)
    other = jnp.asarray(np.asarray(x) + np.float32(1.0))
    with count_compilations() as compiled:
        sloped(0.5).apply(params, x)
        sloped(np.float32(0.7)).apply(params, other)
    assert not compiled


@each
def test_lives_side_by_side(network, dim):
    keys = jr.split(jr.key(5), 3)
    many = jax.vmap(lambda key: network.init(dim, key))(keys)
    x = jnp.float32(np.random.default_rng(0).normal(size=(3, dim)))
    outputs = jax.vmap(network.apply)(many, x)
    for lane in range(3):
        alone = network.init(dim, keys[lane])
        assert_same_bits(jax.tree.map(lambda a, i=lane: a[i], many), alone)
        np.testing.assert_allclose(outputs[lane], network.apply(alone, x[lane]), atol=1e-5)


@each
def test_configurations_come_back(network, dim):
    del dim
    config = json.loads(json.dumps(network.to_config()))
    assert af.from_config(config) == network
    assert af.from_config(config).to_config() == config


def test_a_number_that_is_none_shows():
    params, x = weighted(GAME, 60)
    assert np.isnan(GAME.apply(params, x.at[7].set(jnp.nan))).all()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"n_out": 0}, "`n_out` must be an integer >= 1, got 0"),
        ({"n_out": True}, "`n_out` must be an integer >= 1, got True"),
        ({"sparsity": 1.5}, r"`sparsity` must lie in \[0, 1\], got 1.5"),
        ({"rounding": "floor"}, r"`rounding` must be one of \('nearest', 'ceil'\), got 'floor'"),
        ({"min_inputs": -1}, "`min_inputs` must be an integer >= 0, got -1"),
        ({"min_inputs": 1.0}, "`min_inputs` must be an integer >= 0, got 1.0"),
        ({"leaky_relu_slope": np.inf}, "`leaky_relu_slope` must lie in .*got inf"),
        ({"use_layer_norm": 1}, r"`use_layer_norm` must be one of \(True, False\), got 1"),
    ],
)
def test_shared_fields_are_checked(changes, message):
    for kind, first in ((af.StreamMLP, (4,)), (af.MinAtarNetwork, (5, 5, 2))):
        with pytest.raises((TypeError, ValueError), match=f"{kind.__name__}: {message}"):
            kind(first, **{"n_out": 2} | changes)


@pytest.mark.parametrize(
    "shape", [(10, 10), (2, 10, 4), (10, 2, 4), (10, 10, 0), 400, None, (10.0, 10, 4)], ids=str
)
def test_a_picture_has_three_sizes(shape):
    with pytest.raises((TypeError, ValueError), match="MinAtarNetwork: `shape` must be"):
        af.MinAtarNetwork(shape, 3)


@pytest.mark.parametrize("name", ["filters", "hidden_size"])
def test_sizes_of_layers(name):
    with pytest.raises(ValueError, match=f"`{name}` must be an integer >= 1, got 0"):
        af.MinAtarNetwork((5, 5, 1), 2, **{name: 0})
    with pytest.raises(ValueError, match="`hidden_sizes` must be an integer >= 1, got 0"):
        af.StreamMLP((4, 0), 2)
    with pytest.raises(TypeError, match="`hidden_sizes` must be a tuple of integers"):
        af.StreamMLP(4, 2)


def test_features_of_another_size():
    with pytest.raises(ValueError, match="`feature_dim` must be 60, the product of `shape`"):
        GAME.init(61, jr.key(0))
    with pytest.raises(
        TypeError, match=r"`x` must be a real array of shape \(60\), got float32\[59\]"
    ):
        GAME.apply(GAME.init(60, jr.key(0)), jnp.zeros(59))
    with pytest.raises(
        TypeError, match=r"`x` must be a real array of shape \(6\), got float32\[7\]"
    ):
        MLP.hidden(MLP.init(6, jr.key(0)), jnp.zeros(7))
    with pytest.raises(TypeError, match=r"StreamMLP\.init: `key` must be a typed key"):
        MLP.init(6, None)


def test_a_unit_at_zero_has_the_slope_of_the_negative_side():
    """As in PyTorch. Where all weights of a layer are 0 every unit of it is at exactly 0."""
    network = af.StreamMLP((3,), 1, leaky_relu_slope=0.25, use_layer_norm=False)
    params = network.init(4, jr.key(0))
    params = params.replace(weights=(jnp.zeros((3, 4)), jnp.ones((1, 3))))
    gradient = jax.grad(lambda p: network.apply(p, jnp.ones(4))[0])(params)
    np.testing.assert_array_equal(gradient.biases[0], [0.25] * 3)
