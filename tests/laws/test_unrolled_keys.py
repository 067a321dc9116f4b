"""Unrolled keys give the bits of JAX's own, whatever is drawn and under every transformation."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alberta_framework.compilation.unrolled_keys import as_before, unrolled

ON_CPU = pytest.mark.skipif(
    jax.default_backend() != "cpu", reason="elsewhere JAX draws by straight code itself"
)
SHAPES = ((), (1,), (7,), (3, 4), (0,), (2, 0, 3), (1000,))
DRAWS = {
    "normal": lambda key, shape: jr.normal(key, shape),
    "uniform": lambda key, shape: jr.uniform(key, shape, minval=-2.0, maxval=3.0),
    "gumbel": lambda key, shape: jr.gumbel(key, shape),
    "bernoulli": lambda key, shape: jr.bernoulli(key, 0.3, shape),
    "randint": lambda key, shape: jr.randint(key, shape, -5, 11),
    "bits": lambda key, shape: jr.bits(key, shape),
    "bytes": lambda key, shape: jr.bits(key, shape, "uint8"),
    "split": lambda key, shape: jr.key_data(jr.split(key, shape)),
    "permutation": lambda key, shape: jr.permutation(key, max(1, int(np.prod(shape)))),
    "fold_in": lambda key, shape: jr.key_data(jr.fold_in(key, sum(shape))),
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_has_the_bits_of_the_plain_key(name, shape):
    draw = DRAWS[name]
    for seed in (0, 1, 2**31 - 1):
        key = jr.key(seed)
        expected, ours = draw(key, shape), draw(unrolled(key), shape)
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours, expected)
        np.testing.assert_array_equal(jax.jit(draw, static_argnums=1)(unrolled(key), shape), ours)


@given(seed=st.integers(0, 2**32 - 1), number=st.integers(0, 2**32 - 1))
def test_every_seed_and_number_folds_and_splits_alike(seed, number):
    key = jr.wrap_key_data(jnp.asarray([seed, number], jnp.uint32))
    for of in (lambda k: jr.fold_in(k, np.uint32(number)), lambda k: jr.split(k, 3)):
        np.testing.assert_array_equal(jr.key_data(of(unrolled(key))), jr.key_data(of(key)))


def test_lanes_side_by_side_draw_what_each_draws_alone():
    keys = jr.split(jr.key(7), 5)
    together = jax.vmap(lambda key: jr.normal(unrolled(key), (3,)))(keys)
    np.testing.assert_array_equal(together, jnp.stack([jr.normal(key, (3,)) for key in keys]))


def test_wide_numbers_have_the_bits_of_the_plain_key():
    key = jr.key(7)
    with jax.enable_x64(True):
        np.testing.assert_array_equal(
            jr.normal(unrolled(key), (9,), jnp.float64), jr.normal(key, (9,), jnp.float64)
        )
        np.testing.assert_array_equal(
            jr.bits(unrolled(key), (9,), "uint64"), jr.bits(key, (9,), "uint64")
        )


@ON_CPU
def test_a_key_comes_back_as_what_it_was():
    key = jr.key(7)
    back = as_before(unrolled(key), key)
    assert back.dtype == key.dtype
    np.testing.assert_array_equal(jr.key_data(back), jr.key_data(key))
    assert unrolled(key).dtype != key.dtype
    assert unrolled(unrolled(key)).dtype == unrolled(key).dtype


def test_other_generators_are_left_alone():
    for impl in ("rbg", "unsafe_rbg"):
        key = jr.key(0, impl=impl)
        assert unrolled(key) is key


def test_keys_are_left_alone_where_jax_draws_in_another_order():
    key = jr.key(7)
    with jax.threefry_partitionable(False):
        assert unrolled(key) is key


@ON_CPU
def test_no_loop_is_left_in_the_program():
    def text(key):
        return jax.jit(lambda k: jr.normal(k, (64,))).lower(key).compile().as_text()

    assert "while(" in text(jr.key(7))
    assert "while(" not in text(unrolled(jr.key(7)))
