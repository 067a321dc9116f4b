"""Small programs run as one kernel, give the same numbers, and stand aside where they cannot."""

import functools as ft

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.compilation.boundary import strong
from alberta_framework.compilation.execution_plan import (
    SMALL_OPTIONS,
    execution_plan,
    nothing_traced,
)
from alberta_framework.compilation.one_kernel import ZERO, one_kernel
from alberta_framework.compilation.packing import Packing, packed, unpacked

X, M, KEY = jnp.arange(8.0) - 3.0, jnp.ones((8, 8)), jr.key(0)
ALONE = pytest.mark.skipif(
    not execution_plan().uses("one kernel"), reason="one kernel is not in use here"
)


def compiled(fn, *args):
    """The program of `fn` as one kernel, and its text."""
    program = jax.jit(lambda zero, *a: one_kernel(zero, fn, *a), compiler_options=SMALL_OPTIONS)
    return program(ZERO, *args), program.lower(ZERO, *args).compile().as_text()


def key_data(value):
    typed = jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
    return np.asarray(jr.key_data(value) if typed else value)


FUNCTIONS = {
    "elementwise": (lambda x: jnp.exp(x) + jnp.where(x > 0, x, -x), X),
    "products": (lambda m, x: (m @ x, x @ m, m @ m), M, X),
    "gradient": (jax.grad(lambda m: jnp.tanh(m @ X).sum()), M),
    "reductions": (lambda x: (x.sum(), x.max(), jnp.argmax(x), (x > 0).any()), X),
    "scan": (lambda x: jax.lax.scan(lambda c, a: (c + a, c * a), 0.0, x), X),
    "nested scan": (
        lambda x: jax.lax.scan(
            lambda c, a: (jax.lax.scan(lambda d, b: (d + a * b, b), c, x)[0], c), 0.0, x
        ),
        X,
    ),
    "branches": (lambda x: jax.lax.cond(x[0] > 0, lambda y: y * 2, lambda y: y + 1, x), X),
    "draws": (lambda k: (jr.split(k), jr.normal(k, (3,)), jr.randint(k, (), 0, 5)), KEY),
    "unread argument": (lambda x, m: x + 1, X, M),
    "argument that simplifies away": (lambda x: jnp.argmax(x[:1]), X),
    "constants": (lambda x: (x, jnp.zeros(4), jnp.float32(2)), X),
    "identity": (lambda x, m: (m, x * 1.0), X, M),
    "scatter": (lambda x: x.at[2].set(1.0), X),
    "sort": (jnp.sort, X),
    "singular values": (lambda m: jnp.linalg.svd(m, compute_uv=False), M),
    "callback": (lambda x: jax.pure_callback(np.sin, x, x), X),
    "no elements": (lambda x, e: (x + 1, e), X, jnp.zeros((0, 3))),
    "negative zero": (lambda x: (-0.0 * x[5:], x > 0), X),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_numbers_are_those_of_the_ordinary_program(name):
    fn, *args = FUNCTIONS[name]
    found, _ = compiled(fn, *args)
    expected = jax.jit(fn)(*args)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(key_data(ours), key_data(theirs), rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(np.signbit(key_data(ours)), np.signbit(key_data(theirs)))


@ALONE
@pytest.mark.parametrize("name", ["elementwise", "scan", "draws", "constants"])
def test_it_is_one_call(name):
    fn, *args = FUNCTIONS[name]
    _, text = compiled(fn, *args)
    assert entry(text).count(" call(") == 1


@ALONE
@pytest.mark.parametrize("name", ["scatter", "sort", "singular values", "callback", "no elements"])
def test_what_calls_out_of_the_program_is_an_ordinary_one(name):
    fn, *args = FUNCTIONS[name]
    _, text = compiled(fn, *args)
    assert "xla_cpu_small_call" not in text


LEARNER = af.MultiHeadMLPLearner(
    3, (8, 8), af.Autostep(), bounder=af.ObGDBounding(), normalizer=af.EMANormalizer()
)


@ALONE
def test_an_update_launches_one_kernel():
    """The step of a small network is dozens of fusions; alone it launches a handful of thunks."""
    state, x, y = LEARNER.init(4, KEY), jnp.ones(4), jnp.ones(3)

    def update(state, x, y):
        return jax.tree.leaves(LEARNER.update(state, x, y))

    ordinary = jax.jit(update).lower(state, x, y).compile().as_text()
    assert entry(ordinary).count(" fusion(") > 30
    _, alone = compiled(update, state, x, y)
    assert entry(alone).count(" fusion(") < 3


def entry(text):
    return text[text.index("ENTRY") :]


def test_alone_and_inside_a_transformation_an_update_gives_the_same():
    state, x, y = LEARNER.init(4, KEY), np.ones(4, np.float32), np.float32([1.0, np.nan, -1.0])
    alone = LEARNER.update(state, x, y)
    inside = eqx.filter_jit(lambda s: LEARNER.update(s, x, y))(state)
    lanes = eqx.filter_vmap(lambda y: LEARNER.update(state, x, y))(jnp.stack([y, y]))
    first = jax.tree.map(lambda a: a[0], lanes)
    for other in (inside, first):
        for a, b in zip(jax.tree.leaves(alone), jax.tree.leaves(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


class Own(af.AbstractOptimizer):
    """An optimizer of one's own."""

    def init(self, feature_dim):
        raise NotImplementedError

    def update(self, state, error, observation):
        raise NotImplementedError

    def init_for_shape(self, shape):
        raise NotImplementedError

    def update_from_gradient(self, state, gradient, error=None):
        raise NotImplementedError

    def step_sizes(self, state):
        raise NotImplementedError

    def bias_step_size(self, state):
        raise NotImplementedError


@ALONE
def test_only_small_programs_of_the_library_are_run_so():
    state = LEARNER.init(4, KEY)
    plan = execution_plan()
    assert plan.one_kernel(strong(LEARNER), state)
    assert not plan.one_kernel(af.LinearLearner(Own()), state)
    assert not plan.one_kernel(strong(LEARNER), jnp.zeros(1 << 20))


def test_a_transformation_is_noticed():
    seen = []

    def look(x):
        seen.append(nothing_traced())
        return x

    look(1.0)
    jax.jit(look)(1.0)
    jax.vmap(look)(jnp.ones(2))
    jax.grad(look)(1.0)
    jax.eval_shape(lambda x: look(x), 1.0)
    assert seen == [True, False, False, False, False]


def test_a_tree_goes_through_words():
    tree = {
        "f": X,
        "i": jnp.int32([-1, 2]),
        "b": jnp.array([True, False]),
        "h": jnp.bfloat16([1.5, -2.0]),
        "u8": jnp.uint8([1, 255]),
        "k": jr.split(KEY, 3),
        "e": jnp.zeros((0, 2)),
        "none": None,
    }
    packing = Packing(tree)
    words = packed(packing, tree)
    assert words.dtype == jnp.uint32
    again = unpacked(packing, words)
    for ours, theirs in zip(jax.tree.leaves(again), jax.tree.leaves(tree), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(key_data(ours), key_data(theirs))
    assert packing == Packing(tree)
    assert hash(packing) == hash(Packing(tree))
    assert packing != Packing({"f": X})


def test_numbers_of_64_bits_go_through_words():
    with jax.enable_x64(True):
        tree = (jnp.float64([1.0, -1e300]), jnp.int64([2**40, -1]))
        packing = Packing(tree)
        again = jax.jit(ft.partial(packing.unpack))(packing.pack(tree))
        for ours, theirs in zip(again, tree, strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)
