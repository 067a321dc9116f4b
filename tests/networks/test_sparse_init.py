"""Sparse initial weights: those of the reference implementation (0.16.0), and laws.

On a processor bit for bit; another backend rounds the draws in its own way.
"""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from tests import golden_files
from tests.trees import assert_same_bits, assert_same_numbers

GOLDEN = golden_files.cases("learners", "sparse_init")


def draw(case):
    about = case.about
    key, shape = jr.key(about["seed"]), tuple(about["shape"])
    return af.sparse_init(key, shape, about["sparsity"], about["init_type"])


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_the_golden_weights(case):
    ours = draw(case)
    assert_same_numbers(np.asarray(ours), case["weights"])
    assert ours.dtype == jnp.float32


@pytest.mark.parametrize("case", [GOLDEN[0], GOLDEN[5]], ids=lambda case: case.name)
def test_compiled_by_the_caller_they_are_the_same(case):
    """Normal draws too: their scale is not folded into the draw."""
    assert_same_numbers(jax.jit(lambda: draw(case))(), case["weights"])


@pytest.mark.parametrize("sparsity, zeros", [(0.0, 0), (0.35, 2), (0.5, 4), (0.9, 6), (1.0, 7)])
def test_every_row_has_just_its_share_of_zeros(sparsity, zeros):
    """int(sparsity * 7 + 0.5) of 7, not the same for every row."""
    weights = np.asarray(af.sparse_init(jr.key(0), (40, 7), sparsity))
    np.testing.assert_array_equal(np.sum(weights == 0, axis=1), np.full(40, zeros))
    if 0 < zeros < 7:
        assert len({tuple(row) for row in weights == 0}) > 3


def test_the_default_leaves_nothing_of_five_inputs():
    assert not np.any(af.sparse_init(jr.key(0), (3, 5)))
    assert np.sum(af.sparse_init(jr.key(0), (40, 7)) != 0) == 40


def test_uniform_weights_fill_their_range():
    """Between -1 and 1 over the square root of the number of inputs."""
    weights = np.asarray(af.sparse_init(jr.key(1), (40, 7), 0.0)) * 7**0.5
    assert np.abs(weights).max() <= 1 + 1e-6
    assert weights.min() < -0.95 and weights.max() > 0.95
    np.testing.assert_allclose([weights.mean(), weights.var()], [0, 1 / 3], atol=0.1)


def test_normal_weights_have_the_standard_deviation_of_their_fan_in():
    weights = np.asarray(af.sparse_init(jr.key(1), (40, 7), 0.0, "normal")) * 7**0.5
    np.testing.assert_allclose([weights.mean(), weights.std()], [0, 1], atol=0.15)
    assert np.abs(weights).max() > 2


def test_another_key_is_another_network():
    first, second = (af.sparse_init(jr.key(k), (40, 7), 0.5) for k in (0, 1))
    assert np.mean(first == second) < 0.5
    assert_same_bits(first, af.sparse_init(jr.key(0), (40, 7), 0.5))


@pytest.mark.parametrize("init_type", ["lecun", "Uniform", ""])
def test_an_unknown_distribution(init_type):
    with pytest.raises(ValueError, match="init_type") as caught:
        af.sparse_init(jr.key(0), (4, 5), 0.5, init_type)
    assert repr(init_type) in str(caught.value)


@pytest.mark.parametrize("sparsity", [-0.1, 1.1, np.nan, np.inf])
def test_a_sparsity_outside_its_range(sparsity):
    with pytest.raises(ValueError, match="`sparsity`") as caught:
        af.sparse_init(jr.key(0), (4, 5), sparsity)
    assert f"{sparsity:g}" in str(caught.value)


@pytest.mark.parametrize("shape", [(0, 5), (4, 0), (4,), (4, 5, 6), (4, 2.0)], ids=str)
def test_a_shape_that_is_none(shape):
    with pytest.raises((ValueError, TypeError), match="`shape`"):
        af.sparse_init(jr.key(0), shape)
