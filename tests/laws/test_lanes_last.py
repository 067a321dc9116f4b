"""A step over lanes along the last axis gives what `jax.vmap` gives along the first."""

import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest

import alberta_framework as af
from alberta_framework.compilation.lanes_last import multiplies_matrices, over_last_axis

LANES = 5
RNG = np.random.default_rng(0)
X = jnp.asarray(RNG.normal(size=(LANES, 4)), jnp.float32)
M = jnp.asarray(RNG.normal(size=(LANES, 3, 4)), jnp.float32)
S = jnp.asarray(RNG.normal(size=LANES), jnp.float32)
N = jnp.asarray(RNG.integers(0, 3, LANES), jnp.int32)
SHARED = jnp.asarray(RNG.normal(size=4), jnp.float32)
PLACE = jnp.int32(2)


def _looped(x, s):
    return jax.lax.while_loop(lambda c: c[1] < 3.0, lambda c: (c[0] * s, c[1] + 1.0), (x, 0.0))


FUNCTIONS = {
    "elementwise": (lambda x, s: jnp.exp(-jnp.abs(x)) * s + 1.5, (X, S)),
    "with shared": (lambda x, w: x * w - w, (X, SHARED)),
    "shared alone": (lambda x, w: (jnp.sum(w**2), x), (X, SHARED)),
    "clip and where": (lambda x, s: jnp.where(s > 0, jnp.clip(x, -s, 0.5), x), (X, S)),
    "choice by a shared flag": (lambda x, n: jnp.where(n > 1, x, -x), (X, PLACE)),
    "sum of all": (lambda m: jnp.sum(m), (M,)),
    "sum of integers": (lambda n, x: n + jnp.sum(x > 0), (N, X)),
    "sum along an axis": (lambda m: jnp.sum(m, axis=0) + jnp.max(m, axis=1)[1], (M,)),
    "products of vectors": (lambda x, w: x @ x + x @ w + w @ x, (X, SHARED)),
    "product of a matrix": (lambda m, x: m @ x, (M, X)),
    "product of matrices": (lambda m, w: m @ jnp.stack([w, w], 1), (M, SHARED)),
    "shapes": (lambda m: jnp.reshape(m.T, (2, 6))[:, ::2].T[::-1].ravel(), (M,)),
    "stack and join": (lambda x, w, s: jnp.stack([x, w, jnp.full(4, s)]), (X, SHARED, S)),
    "pad": (lambda x: jnp.pad(x, (1, 2)), (X,)),
    "row by a shared index": (lambda m, i: m[:, i], (M, PLACE)),
    "row by an own index": (lambda m, i: m[i], (M, N)),
    "write a row": (lambda m, x, i: jax.lax.dynamic_update_index_in_dim(m, x, i, 0), (M, X, PLACE)),
    "write to what is shared": (
        lambda s, w, i: jax.lax.dynamic_update_index_in_dim(w, s, i, 0),
        (S, SHARED, PLACE),
    ),
    "write by an own index": (lambda m, x, i: m.at[i].set(x), (M, X, N)),
    "sort": (lambda x: jnp.sort(x), (X,)),
    "argmax": (lambda m: jnp.argmax(m, axis=0), (M,)),
    "cumulative": (lambda m: jnp.cumsum(m, axis=1), (M,)),
    "a loop": (_looped, (X, S)),
    "a scan": (lambda m, x: jax.lax.scan(lambda c, row: (c + row, c * row), x, m), (M, X)),
    "a branch": (lambda x, s: jax.lax.cond(s > 0, jnp.sin, jnp.cos, x), (X, S)),
    "words": (lambda n: jax.lax.bitcast_convert_type(n, jnp.uint32) << jnp.uint32(3), (N,)),
    "pieces of words": (lambda n: jax.lax.bitcast_convert_type(n, jnp.uint8), (N,)),
    "relu": (lambda x: jax.nn.relu(x), (X,)),
    "constants": (lambda x: (jnp.arange(3.0), x[0]), (X,)),
    "a number": (lambda x: (1.0, x), (X,)),
    "sums of nothing": (lambda x: jnp.sum(x[:0]), (X,)),
    "draws": (lambda n: jr.normal(jr.fold_in(jr.key(0), n), (2,)), (N,)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_what_vmap_gives(name):
    fn, args = FUNCTIONS[name]
    shared = tuple(arg is SHARED or arg is PLACE for arg in args)
    expected = jax.vmap(fn, in_axes=tuple(None if flag else 0 for flag in shared))(*args)
    last = [
        arg if flag else jnp.moveaxis(arg, 0, -1) for arg, flag in zip(args, shared, strict=True)
    ]
    found = jax.jit(lambda *a: over_last_axis(fn, *a, lanes=LANES, shared=shared))(*last)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(jnp.moveaxis(ours, -1, 0), theirs, rtol=2e-6, atol=1e-6)


def test_keys_ride_along():
    keys = jr.split(jr.key(3), LANES)
    expected = jax.vmap(lambda key: jr.split(key)[0])(keys)
    found = over_last_axis(lambda key: jr.split(key)[0], keys, lanes=LANES, shared=(False,))
    np.testing.assert_array_equal(jr.key_data(found), jr.key_data(expected))


def test_products_of_matrices_are_told_from_those_of_vectors():
    x, m = X[0], M[0]

    def of(fn, *args):
        return multiplies_matrices(jax.make_jaxpr(fn)(*args))

    assert not of(lambda x: x @ x, x)
    assert of(lambda m, x: m @ x, m, x)
    assert of(jax.jit(lambda m, x: jnp.tanh(m @ x)), m, x)
    assert of(lambda m, x: jax.lax.cond(x[0] > 0, lambda: m @ x, lambda: x[:3]), m, x)


@pytest.mark.parametrize(
    ("learner", "matrices"),
    [
        (af.LinearLearner(af.Autostep(), af.EMANormalizer()), False),
        (af.LinearLearner(af.Autostep(), target_normalizer=af.EMANormalizer()), False),
        (af.LinearLearner(af.LMS(1.0), bounder=af.ObGDBounding()), False),
        (af.MLPLearner((8,)), True),
    ],
    ids=["linear", "targets in scale", "bounded", "network"],
)
def test_only_learners_without_matrices_have_their_lanes_last(learner, matrices):
    state = learner.init(4, jr.key(0)) if matrices else learner.init(4)
    step = af.TimeStep(X[0], jnp.ones(1))
    program = jax.make_jaxpr(learner.learn)(state, step)
    assert multiplies_matrices(program) == matrices


def program(fn):
    """What becomes of `fn(x, s)`."""

    def last(x, s):
        return over_last_axis(fn, x, s, lanes=LANES, shared=(False, False))

    return str(jax.make_jaxpr(last)(X.T, S))


def test_a_flag_that_decides_on_many_numbers_is_computed_once():
    def decided_twice(x, s):
        flag = s > 0
        return jnp.where(flag, x, 1.0), jnp.where(flag, x, -x)

    # XLA keeps a product of matrices apart; there is no other in it.
    assert program(decided_twice).count("dot_general") == 1


def test_nothing_is_turned_around_to_be_stacked():
    assert "transpose" not in program(lambda x, s: jnp.stack([s > 0, False, s < 0]))
